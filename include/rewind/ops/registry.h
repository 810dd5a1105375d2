// The rows of ops.def as C++: argument and attribute indices of each op, and what the registry knows about it.
#pragma once

#include <span>

#include "rewind/ops/contract.h"

// Argument indices: rw::ops::gated_delta_net::arg::q, ...::state_out, ...::count
#define REWIND_IN(name, rank, types) name,
#define REWIND_OPT REWIND_IN
#define REWIND_OUT REWIND_IN
#define REWIND_INOUT REWIND_IN
#define REWIND_OVER(name, rank, types, input) name,
#define REWIND_OPT_OVER REWIND_OVER
#define REWIND_ENUM(name, choices) name,
#define REWIND_BOOL(name) name,
#define REWIND_NUMBER(name, fallback) name,
#define REWIND_OP(NAME, stem, inputs, outputs, attributes) \
    namespace rw::ops::stem::arg {                     \
    enum : int { inputs outputs count };                   \
    }                                                      \
    namespace rw::ops::stem::attr {                    \
    enum : int { attributes count };                       \
    }
#include "rewind/ops.def"
#undef REWIND_OP
#undef REWIND_IN
#undef REWIND_OPT
#undef REWIND_OUT
#undef REWIND_INOUT
#undef REWIND_OVER
#undef REWIND_OPT_OVER
#undef REWIND_ENUM
#undef REWIND_BOOL
#undef REWIND_NUMBER

namespace rw::ops {

enum class Use { in, optional, out, optional_out, inout };

struct ArgRow {
    const char* name;
    Use use;
    int rank;
    uint32_t types;              // bit per Type
    const char* over = nullptr;  // the input whose memory this output may be
    bool optional() const { return use == Use::optional || use == Use::optional_out; }
    /// Written, and what was there before does not matter.
    bool fresh() const { return use == Use::out || use == Use::optional_out; }
    bool written() const { return fresh() || use == Use::inout; }
};

struct AttrRow {
    enum Kind { choice, flag, number };
    const char* name;
    Kind kind;
    const char* choices;  // "a|b|c" for Kind::choice
    double fallback;
    int choice_index(std::string_view value) const;  // of a choice, or -1
};

/// One row of ops.def together with the functions of its contract.
struct Op {
    int id;
    const char* name;  // GATED_DELTA_NET
    const char* stem;  // gated_delta_net
    std::vector<ArgRow> args;
    std::vector<AttrRow> attrs;
    std::span<const Field> fields;  // of the parameter struct
    size_t params_size;
    void (*validate)(const Call&);
    void (*fill_params)(const Call&, void* params);
    Cost (*cost)(const Call&);
    double (*tolerance)(const Call&, int arg);
    Example (*example)(const Dims&);
    const char* const* selftest;  // null-terminated

    int arg_index(std::string_view name) const;   // -1 when absent
    int attr_index(std::string_view name) const;  // -1 when absent
};

/// All ops, in the order of ops.def.
std::span<const Op> all();
/// By name or stem, case-insensitively; throws Error(not_found) that lists the names.
const Op& find(std::string_view name);
/// A call with default attributes and no tensors.
Call make_call(const Op& op);
/// Sets an attribute from text: a choice, 0|1, or a number. Throws Error(invalid_argument) that lists what is allowed.
void set_attr(const Op& op, Call& call, std::string_view name, std::string_view value);
std::string attr_text(const Op& op, const Call& call, int attr);

/// Everything that can be checked without knowing the op: presence, types, ranks, strides, buffer bounds, overflow,
/// overlap of outputs; then the contract's own validate. Throws Error.
void validate(const Op& op, const Call& call);

}  // namespace rw::ops
