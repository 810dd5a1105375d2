// The registry: ops.def rows joined with the functions of their contracts.
#include "rewind/ops/registry.h"

#include <algorithm>
#include <cctype>
#include <memory>

#include "contracts.h"  // generated: includes ops/<stem>.h of every row

namespace rw::ops {
namespace {

// The words of ops.def.
constexpr uint32_t F32 = 1u << RW_F32, F16 = 1u << RW_F16, BF16 = 1u << RW_BF16, I32 = 1u << RW_I32;
constexpr uint32_t Q8_0 = 1u << RW_Q8_0;
constexpr uint32_t QUANTS = [] {
    uint32_t mask = 0;
    for (const TypeInfo& t : all_types) mask |= uint32_t(is_quantised(t.type)) << int(t.type);
    return mask;
}();

template <class Params, Params (*make)(const Call&)>
void fill(const Call& call, void* target) {
    *static_cast<Params*>(target) = make(call);
}

std::vector<Op> build() {
    std::vector<Op> rows;
#define REWIND_IN(name, rank, types) ArgRow{#name, Use::in, rank, types},
#define REWIND_OPT(name, rank, types) ArgRow{#name, Use::optional, rank, types},
#define REWIND_OUT(name, rank, types) ArgRow{#name, Use::out, rank, types},
#define REWIND_INOUT(name, rank, types) ArgRow{#name, Use::inout, rank, types},
#define REWIND_OVER(name, rank, types, input) ArgRow{#name, Use::out, rank, types, #input},
#define REWIND_OPT_OVER(name, rank, types, input) ArgRow{#name, Use::optional_out, rank, types, #input},
#define REWIND_ENUM(name, choices) AttrRow{#name, AttrRow::choice, choices, 0},
#define REWIND_BOOL(name) AttrRow{#name, AttrRow::flag, "", 0},
#define REWIND_NUMBER(name, fallback) AttrRow{#name, AttrRow::number, "", fallback},
#define REWIND_OP(NAME, stem, inputs, outputs, attributes)                                             \
    rows.push_back(Op{int(rows.size()), #NAME, #stem, {inputs outputs}, {attributes}, stem::Table::rows, \
                      sizeof(stem::Params), stem::validate, fill<stem::Params, stem::params>, stem::cost, \
                      stem::tolerance, stem::example, stem::selftest});
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
    return rows;
}

const std::vector<Op>& table() {
    static const std::vector<Op> rows = build();
    return rows;
}

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

int AttrRow::choice_index(std::string_view value) const {
    std::string_view rest = choices;
    for (int i = 0;; ++i) {
        const size_t bar = rest.find('|');
        if (rest.substr(0, bar) == value) return i;
        if (bar == rest.npos) return -1;
        rest.remove_prefix(bar + 1);
    }
}

std::span<const Op> all() { return table(); }

const Op& find(std::string_view name) {
    std::string names;
    for (const Op& op : table()) {
        if (same(op.name, name)) return op;
        names += std::string(names.empty() ? "" : ", ") + op.name;
    }
    throw Error(Status::not_found, "no op '" + std::string(name) + "'; there are: " + names);
}

int Op::arg_index(std::string_view wanted) const {
    const auto it = std::find_if(args.begin(), args.end(), [&](const ArgRow& a) { return a.name == wanted; });
    return it == args.end() ? -1 : int(it - args.begin());
}

int Op::attr_index(std::string_view wanted) const {
    const auto it = std::find_if(attrs.begin(), attrs.end(), [&](const AttrRow& a) { return a.name == wanted; });
    return it == attrs.end() ? -1 : int(it - attrs.begin());
}

Call make_call(const Op& op) {
    Call call{op.id, std::vector<Tensor>(op.args.size()), {}};
    for (const AttrRow& a : op.attrs) call.attr.push_back(a.fallback);
    return call;
}

void set_attr(const Op& op, Call& call, std::string_view name, std::string_view value) {
    const int index = op.attr_index(name);
    if (index < 0) {
        std::string names;
        for (const AttrRow& a : op.attrs) names += std::string(names.empty() ? "" : ", ") + a.name;
        throw Error(Status::invalid_argument,
                    std::string(op.name) + ": no attribute '" + std::string(name) + "'; there are: " + names);
    }
    const AttrRow& row = op.attrs[size_t(index)];
    const auto refuse = [&](const std::string& allowed) {
        throw Error(Status::invalid_argument,
                    std::string(op.name) + ": " + row.name + " = '" + std::string(value) + "': expected " + allowed);
    };
    if (row.kind == AttrRow::choice) {
        const int i = row.choice_index(value);
        if (i < 0) refuse(std::string("one of ") + row.choices);
        call.attr[size_t(index)] = i;
        return;
    }
    double number = 0;
    if (!parse_number(value, number)) refuse("a number");
    if (row.kind == AttrRow::flag && number != 0 && number != 1) refuse("0 or 1");
    call.attr[size_t(index)] = number;
}

std::string attr_text(const Op& op, const Call& call, int attr) {
    const AttrRow& row = op.attrs.at(size_t(attr));
    const double value = call.attr.at(size_t(attr));
    if (row.kind != AttrRow::choice) return std::to_string(value);
    std::string_view rest = row.choices;
    for (int i = 0; i < int(value); ++i) rest.remove_prefix(std::min(rest.find('|') + 1, rest.size()));
    return std::string(rest.substr(0, rest.find('|')));
}

}  // namespace rw::ops
