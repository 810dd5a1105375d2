// What an op contract (ops/<op>.h) is written with: the call it is asked about, the checks it makes, the cost it
// states and the example calls it can build from a line of text. Device-free and op-free.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rewind/ops/dialect.h"

namespace rw {

namespace core {
class Buffer;
}

enum class Type : int32_t {
    f32 = RW_F32, f16 = RW_F16, bf16 = RW_BF16, i32 = RW_I32, q8_0 = RW_Q8_0, q4_0 = RW_Q4_0, q4_1 = RW_Q4_1,
    q5_0 = RW_Q5_0, q5_1 = RW_Q5_1, q4_k = RW_Q4_K, q5_k = RW_Q5_K, q6_k = RW_Q6_K, iq4_nl = RW_IQ4_NL,
    iq4_xs = RW_IQ4_XS,
};

/// How a type lies in memory. Quantised types are stored in blocks along dimension 0; of every other type, one element
/// is a block.
struct TypeInfo {
    Type type;
    const char* name;
    uint32_t block;  // elements of a block
    uint32_t bytes;  // of a block
    uint32_t align;  // what a tensor's start is a multiple of
};
/// THE list of types, by number.
inline constexpr TypeInfo all_types[] = {
    {Type::f32, "f32", 1, 4, 4},        {Type::f16, "f16", 1, 2, 2},        {Type::bf16, "bf16", 1, 2, 2},
    {Type::i32, "i32", 1, 4, 4},        {Type::q8_0, "q8_0", 32, 34, 2},    {Type::q4_0, "q4_0", 32, 18, 2},
    {Type::q4_1, "q4_1", 32, 20, 2},    {Type::q5_0, "q5_0", 32, 22, 2},    {Type::q5_1, "q5_1", 32, 24, 2},
    {Type::q4_k, "q4_k", 256, 144, 2},  {Type::q5_k, "q5_k", 256, 176, 2},  {Type::q6_k, "q6_k", 256, 210, 2},
    {Type::iq4_nl, "iq4_nl", 32, 18, 2}, {Type::iq4_xs, "iq4_xs", 256, 136, 2},
};
constexpr bool is_type(int32_t number) { return number >= 0 && number < int32_t(std::size(all_types)); }
constexpr const TypeInfo& info(Type t) { return all_types[size_t(t)]; }
/// Bytes of a block, which is an element of the types that are not quantised.
constexpr uint32_t size_of(Type t) { return info(t).bytes; }
constexpr bool is_quantised(Type t) { return info(t).block > 1; }
const char* name_of(Type t);
/// By name ("q4_k"); throws Error(invalid_argument) that lists the names.
Type type_named(std::string_view name);

enum class Status : int32_t {
    ok = 0,
    invalid_argument,  // the caller's shapes, strides, types or values
    unsupported,       // right, but no implementation on this device takes it
    out_of_memory,
    range,        // a bad slot, sequence, length or position was met in a device buffer
    device_lost,  // sticky: destroy the device and open it again
    not_found,    // no such device, op, implementation or file
    io,
    internal,
};
const char* name_of(Status s);

/// Every failure inside the library. The message says what to change.
class Error : public std::runtime_error {
public:
    Error(Status s, const std::string& message) : std::runtime_error(message), status(s) {}
    const Status status;
};

using Extent = std::array<int64_t, 4>;

/// A strided view of (part of) a buffer. ne: elements per dimension, fastest first. nb: bytes between neighbours, which
/// are blocks in dimension 0.
struct Tensor {
    Type type = Type::f32;
    Extent ne{1, 1, 1, 1};
    Extent nb{0, 0, 0, 0};
    core::Buffer* buffer = nullptr;
    uint64_t offset = 0;  // bytes from the buffer's start

    explicit operator bool() const { return buffer != nullptr; }
    int64_t elements() const { return ne[0] * ne[1] * ne[2] * ne[3]; }
    /// Blocks of dimension 0, elements of the others.
    int64_t steps(int d) const { return d == 0 ? ne[0] / info(type).block : ne[d]; }
    /// Elements between neighbours of dimension d; blocks, of a quantised type.
    int64_t stride(int d) const { return nb[d] / size_of(type); }
    /// Bytes from the first element to just past the last.
    uint64_t span() const;
};
Extent contiguous(Type type, const Extent& ne);

namespace ops {

/// One op applied to tensors. arg and attr are in the order of the op's row in ops.def (inputs, then outputs); enum
/// and bool attributes hold the index of the choice.
struct Call {
    int op = -1;
    std::vector<Tensor> arg;
    std::vector<double> attr;
};

/// Bytes that a perfect implementation has to move, and floating point operations of the plain definition.
struct Cost {
    double bytes = 0;
    double flops = 0;
};

/// Throws rw::Error unless a condition holds; names the op and the argument in the message. The message is put together
/// from its parts (texts and whole numbers) only when it is needed: every update of a plan passes all these checks.
class Check {
public:
    /// `op` has to outlive the check.
    Check(std::string_view op, const Call& call) : op_(op), call_(call) {}
    /// The tensor's shape; -1 in `want` matches anything.
    void shape(int arg, const char* name, std::initializer_list<int64_t> want, const char* spelled) const;
    /// Elements of dimension 0 are neighbours.
    void rows(int arg, const char* name) const;
    /// Dimensions 0..d are packed without gaps.
    void packed(int arg, const char* name, int d) const;
    /// Every element stride and extent fits the 32-bit fields of a parameter struct.
    void fits(int arg, const char* name) const;
    template <class... Parts>
    void that(bool ok, const Parts&... otherwise) const {
        if (!ok) [[unlikely]] fail(Status::invalid_argument, {part(otherwise)...});
    }
    /// As that(), for what is right but not implemented: Status::unsupported.
    template <class... Parts>
    void supported(bool ok, const Parts&... otherwise) const {
        if (!ok) [[unlikely]] fail(Status::unsupported, {part(otherwise)...});
    }

private:
    static std::string part(std::string_view text) { return std::string(text); }
    static std::string part(std::integral auto number) { return std::to_string(number); }
    [[noreturn]] void fail(Status status, std::initializer_list<std::string> parts) const;
    std::string_view op_;
    const Call& call_;
};

/// Reads all of a text as a decimal number, whatever the program's locale; false, and nothing changed, for anything else.
bool parse_number(std::string_view text, double& value);

/// `key=value` words of a test case, e.g. "S=128 H_v=32 T=4 K=4 gate=channel". Every key has to be read by somebody.
class Dims {
public:
    explicit Dims(std::string_view text);
    int64_t integer(const std::string& key, int64_t fallback) const;
    double number(const std::string& key, double fallback) const;
    std::string word(const std::string& key, const std::string& fallback) const;
    bool has(const std::string& key) const { return words_.count(key) != 0; }
    /// "3,0,2" as numbers; empty when absent.
    std::vector<int64_t> list(const std::string& key) const;
    void set(const std::string& key, const std::string& value) { words_[key] = value; }
    /// Throws if a key was never asked for: a misspelt word must not silently test something else.
    void all_read() const;
    std::string text() const;

private:
    std::map<std::string, std::string> words_;
    mutable std::set<std::string> read_;
};

/// How an argument of an example call is filled; see core/fill.h for the kinds.
struct Fill {
    std::string kind = "zero";
    std::string style;               // variant of the kind, e.g. "hurt"
    double lo = -1, hi = 1;          // for kinds that draw from a range
    std::vector<int64_t> values{};   // for kind "list"
};

/// An example call: shapes, strides, fills and attributes, not yet bound to memory. Built by a contract's `example`.
struct Example {
    struct Arg {
        bool present = false;
        Type type = Type::f32;
        Extent ne{1, 1, 1, 1};
        Extent nb{0, 0, 0, 0};  // zero: packed
        Fill fill;
        int alias = -1;  // shares the memory of this argument
    };
    std::vector<Arg> arg;
    std::vector<double> attr;

    /// A packed argument.
    Arg& put(int index, Type type, Extent ne, Fill fill);
};

}  // namespace ops
}  // namespace rw
