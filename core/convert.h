// Element conversion on the host: IEEE half and bfloat16, round to nearest even; blocks of quantised types by blocks.h.
#pragma once

#include <cstdint>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::core {

uint16_t to_half(float x);
float from_half(uint16_t h);
uint16_t to_bfloat(float x);
float from_bfloat(uint16_t b);

/// Reads one element as double, writes one from double. Not for quantised types.
double load(const void* element, Type type);
void store(void* element, Type type, double value);

/// Packed host values (ne order) into / out of a strided image that starts at the tensor's first element.
void scatter(const std::vector<double>& packed, const Tensor& layout, void* image);
std::vector<double> gather(const Tensor& layout, const void* image);
/// The packed values that a tensor of this type holds once they have been written to it.
std::vector<double> as_stored(Type type, const Extent& ne, const std::vector<double>& packed);

}  // namespace rw::core
