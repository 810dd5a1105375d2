#include "cpu/read_row.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/read_row.cpp"
#include <hwy/foreach_target.h>

#include "cpu/targets.h"

#if RW_VECTOR_TARGET
#include "cpu/read_row-inl.h"
#else
#include <hwy/highway.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

ReadRow ReadRowHere() {
#if RW_VECTOR_TARGET
    return ReadOne;
#else
    return plain_read_row;
#endif
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <vector>

#include "core/blocks.h"
#include "core/convert.h"
#include "cpu/convert.h"

namespace rw::cpu {

HWY_EXPORT(ReadRowHere);

ReadRow best_read_row() {
    static const ReadRow best = HWY_DYNAMIC_DISPATCH(ReadRowHere)();
    return best;
}

void plain_read_row(const std::byte* from, int number, float* to, int64_t n) {
    const Type type = Type(number);
    if (!is_quantised(type)) return plain_convert(from, number, reinterpret_cast<std::byte*>(to), RW_F32, n);
    const std::vector<double> row = core::gather({type, {n, 1, 1, 1}, contiguous(type, {n, 1, 1, 1})}, from);
    std::copy(row.begin(), row.end(), to);
}

}  // namespace rw::cpu
#endif
