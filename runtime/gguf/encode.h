// Floats into the storage of a tensor, for writing models: F32, F16, BF16 (round to nearest even) and Q8_0.
#pragma once

#include <span>

#include "runtime/gguf/types.h"

namespace rw::gguf {

/// True for the types that encode() writes.
bool encodable(TensorType type);
/// Whole blocks of values to bytes. Throws Error(unsupported) for other types.
///
/// Q8_0: of each 32 values, d = max|x| / 127 as f16, then 32 x i8 round(x / d).
void encode(TensorType type, std::span<const float> values, std::span<std::byte> out);

}  // namespace rw::gguf
