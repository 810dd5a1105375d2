// What CAUSAL_CONV1D and its ring form share: checks, parameter fields, costs and examples of x, weight, bias, out.
#pragma once

#include "core/ops/slots.h"
#include "rewind/ops/causal_conv1d.h"

namespace rw::ops {

/// Argument and attribute indices of a convolution op.
struct ConvArgs {
    int x, weight, bias, out, activation;
};

void validate_conv(const Check& check, const Call& call, const ConvArgs& at, const Tokens& n);

template <class Params>
void fill_conv(const Call& call, const ConvArgs& at, Params& p) {
    const Tensor &x = call.arg[at.x], &weight = call.arg[at.weight], &out = call.arg[at.out];
    p.C = int32_t(x.ne[0]), p.d_conv = int32_t(weight.ne[0]);
    p.silu = int32_t(call.attr[at.activation]);
    p.has_bias = bool(call.arg[at.bias]);
    p.x_type = int32_t(x.type);
    p.x_t = int32_t(x.stride(1)), p.x_b = int32_t(x.stride(2));
    p.o_t = int32_t(out.stride(1)), p.o_b = int32_t(out.stride(2));
}

/// Bytes of x, out, weight and bias, and the flops; history left out.
Cost cost_conv(const Call& call, const ConvArgs& at, int64_t tokens);

/// Tolerance of kept inputs (states, ring rows); that of out is conv_out_tolerance.
double kept_tolerance(const Tensor& x);
constexpr double conv_out_tolerance = 1e-12;

/// Words: C d_conv bias activation type layout x.
void example_conv(const Dims& dims, Example& example, const ConvArgs& at, const Tokens& n, const Op& op);

}  // namespace rw::ops
