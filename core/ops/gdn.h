// What GATED_DELTA_NET and its ring form share: checks, parameter fields, costs and examples of q, k, v, g, beta.
#pragma once

#include <cmath>

#include "core/ops/norm.h"
#include "core/ops/slots.h"
#include "rewind/ops/gated_delta_net.h"

namespace rw::ops {

/// Argument and attribute indices of a gated delta op.
struct GdnArgs {
    int q, k, v, g, beta, dt_bias, a, out;
    int path, heads, scale, l2norm_eps, raw_gates;
};

void validate_gdn(const Check& check, const Call& call, const GdnArgs& at, const Tokens& n);

template <class Params>
void fill_gdn(const Call& call, const GdnArgs& at, const Tokens& n, Params& p) {
    const Tensor &q = call.arg[at.q], &k = call.arg[at.k], &v = call.arg[at.v], &g = call.arg[at.g];
    const Tensor &beta = call.arg[at.beta], &out = call.arg[at.out], &dt = call.arg[at.dt_bias];
    p.S_k = int32_t(q.ne[0]), p.H_k = int32_t(q.ne[1]), p.S_v = int32_t(v.ne[0]), p.H_v = int32_t(v.ne[1]);
    p.B_q = int32_t(q.ne[3]), p.B_k = int32_t(k.ne[3]);
    p.heads = int32_t(call.attr[at.heads]);
    p.gate = int32_t(g.ne[0]);
    p.raw_gates = int32_t(call.attr[at.raw_gates]);
    p.qkv_type = int32_t(q.type);
    p.prefill = wants_prefill(call.attr[at.path], n.T, RW_GDN_EXACT_TOKENS);
    const auto strides = [](const Tensor& t, int32_t& h, int32_t& row, int32_t& b) {
        h = int32_t(t.stride(1)), row = int32_t(t.stride(2)), b = int32_t(t.stride(3));
    };
    strides(q, p.q_h, p.q_t, p.q_b), strides(k, p.k_h, p.k_t, p.k_b), strides(v, p.v_h, p.v_t, p.v_b);
    strides(g, p.g_h, p.g_t, p.g_b), strides(beta, p.beta_h, p.beta_t, p.beta_b), strides(out, p.o_h, p.o_t, p.o_b);
    p.dt_h = dt ? int32_t(dt.stride(1)) : 0;
    const double scale = call.attr[at.scale];
    p.scale = float(scale != 0 ? scale : 1.0 / std::sqrt(double(q.ne[0])));
    p.l2norm_eps = used_norm(call.attr[at.l2norm_eps]);
}

/// Bytes of the token tensors and flops of the recurrence (7 S_k S_v a token and head), states left out.
Cost cost_gdn(const Call& call, const GdnArgs& at, int64_t tokens);

struct GdnSizes {
    int64_t S_k, S_v, H_k, H_v, gate;
};
/// Words: S S_k S_v H_k H_v gate type layout Bq keys gates betas l2norm raw scale heads path.
GdnSizes example_gdn_sizes(const Dims& dims);
void example_gdn(const Dims& dims, Example& example, const GdnArgs& at, const Tokens& n, const Op& op);

}  // namespace rw::ops
