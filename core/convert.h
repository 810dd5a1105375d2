// Element conversion on the host: IEEE half and bfloat16, round to nearest even.
#pragma once

#include <cstdint>
#include <vector>

#include "rewind/ops/contract.h"

namespace rw::core {

uint16_t to_half(float x);
float from_half(uint16_t h);
uint16_t to_bfloat(float x);
float from_bfloat(uint16_t b);

/// Reads one element as double, writes one from double.
double load(const void* element, Type type);
void store(void* element, Type type, double value);

/// Packed host values (ne order) into / out of a strided image that starts at the tensor's first element.
void scatter(const std::vector<double>& packed, const Tensor& layout, void* image);
std::vector<double> gather(const Tensor& layout, const void* image);

}  // namespace rw::core
