// Checks that need no knowledge of the op: what any call can get wrong. The op's contract goes on from here.
#include <limits>

#include "core/device.h"

namespace rw::ops {
namespace {

std::string types_text(uint32_t mask) {
    std::string s;
    for (const TypeInfo& t : all_types)
        if (mask >> int(t.type) & 1) s += std::string(s.empty() ? "" : " or ") + t.name;
    return s;
}

/// Bytes from the first element to past the last; false when 64 bits do not hold it.
bool span_of(const Tensor& t, uint64_t& bytes) {
    bytes = size_of(t.type);
    for (int d = 0; d < 4; ++d) {
        uint64_t part = 0;
        if (__builtin_mul_overflow(uint64_t(t.steps(d) - 1), uint64_t(t.nb[d]), &part)) return false;
        if (__builtin_add_overflow(bytes, part, &bytes)) return false;
    }
    return bytes <= uint64_t(std::numeric_limits<int64_t>::max());
}

void validate_tensor(const Check& check, const ArgRow& row, const Tensor& t) {
    const char* name = row.name;
    check.that(t.buffer != nullptr, name, ": has no buffer; give it one (it is not optional)");
    if (!is_type(int32_t(t.type)) || !(row.types >> int(t.type) & 1))
        check.supported(false, name, ": type ", name_of(t.type), " is not supported here; expected ", types_text(row.types));
    const int64_t element = size_of(t.type);
    for (int d = 0; d < 4; ++d) {
        check.that(t.ne[d] >= 1, name, ": dimension ", d, " has ", t.ne[d], " elements; at least 1 is needed");
        check.that(t.nb[d] >= 0 && t.nb[d] % element == 0, name, ": dimension ", d, " has stride ", t.nb[d],
                   " bytes; expected a multiple of ", element, ", not negative");
        check.that(!row.written() || t.ne[d] == 1 || t.nb[d] > 0, name, ": dimension ", d,
                   " has stride 0: an output cannot be broadcast");
        check.that(d < row.rank || t.ne[d] == 1, name, ": dimension ", d, " has to be 1: the argument has ", row.rank,
                   " dimensions");
    }
    check.that(t.ne[0] % info(t.type).block == 0, name, ": dimension 0 has ", t.ne[0], " elements; ", name_of(t.type),
               " comes in blocks of ", info(t.type).block);
    check.that(t.offset % info(t.type).align == 0, name, ": offset ", t.offset, " is not a multiple of ",
               info(t.type).align);
    uint64_t bytes = 0, end = 0;
    check.that(span_of(t, bytes) && !__builtin_add_overflow(bytes, t.offset, &end), name, ": size overflows 64 bits");
    check.that(end <= t.buffer->size(), name, ": needs ", end, " bytes of its buffer (offset ", t.offset,
               " included), which has ", t.buffer->size());
}

/// Two elements of one tensor may not share memory when it is written: strides have to nest.
void validate_injective(const Check& check, const ArgRow& row, const Tensor& t) {
    for (int d = 0; d < 4; ++d)
        for (int e = 0; e < 4; ++e) {
            if (d == e || t.ne[d] == 1 || t.ne[e] == 1 || t.nb[d] > t.nb[e] || (t.nb[d] == t.nb[e] && d > e)) continue;
            check.that(t.nb[e] >= t.nb[d] * t.steps(d), row.name, ": dimensions ", d, " and ", e,
                       " overlap in memory: strides too small for an output");
        }
}

/// A written argument shares memory with no other, except, whole and with equal strides, with the one it may lie over.
void validate_apart(const Check& check, const Op& op, const Call& call, size_t written, size_t other) {
    const Tensor &x = call.arg[written], &y = call.arg[other];
    if (!x || !y) return;
    const core::Place at = x.buffer->place(), by = y.buffer->place();  // two buffers may be wrapped around one memory
    if (at.memory != by.memory) return;
    const uint64_t from = at.offset + x.offset, other_from = by.offset + y.offset;
    if (from + x.span() <= other_from || other_from + y.span() <= from) return;
    const ArgRow& row = op.args[written];
    const bool allowed = row.over && std::string_view(row.over) == op.args[other].name;
    bool same = from == other_from;
    for (int d = 1; d < 4; ++d) same = same && (x.nb[d] == y.nb[d] || (x.ne[d] == 1 && y.ne[d] == 1));
    check.that(allowed && same, row.name, " and ", op.args[other].name, " share memory: ",
               allowed ? "they have to start at the same byte with the same strides, or be apart"
                       : "an output has to lie apart from every other argument");
}

}  // namespace

void validate(const Op& op, const Call& call) {
    const Check check(op.name, call);
    check.that(call.op == op.id && call.arg.size() == op.args.size() && call.attr.size() == op.attrs.size(),
               "the call was made for another op");
    for (size_t i = 0; i < op.args.size(); ++i) {
        if (op.args[i].optional() && !call.arg[i]) continue;
        validate_tensor(check, op.args[i], call.arg[i]);
        if (op.args[i].written()) validate_injective(check, op.args[i], call.arg[i]);
    }
    op.validate(call);
    for (size_t w = 0; w < op.args.size(); ++w) {
        if (!op.args[w].written()) continue;
        for (size_t r = 0; r < op.args.size(); ++r)
            if (r != w && !(r < w && op.args[r].written())) validate_apart(check, op, call, w, r);
    }
}

}  // namespace rw::ops
