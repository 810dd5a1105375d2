// Rows of any type, quantised ones too, as floats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rw::cpu {

/// A row of any type to n floats, the f32 nearest to what is stored: the same bits from every one of these functions.
using ReadRow = void (*)(const std::byte* from, int type, float* to, int64_t n);

/// In scalar C++, for any CPU.
void plain_read_row(const std::byte* from, int type, float* to, int64_t n);

/// The best of this CPU, for code that is not itself compiled for each instruction set.
ReadRow best_read_row();

}  // namespace rw::cpu
