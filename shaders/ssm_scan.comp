#version 450
// SSM_SCAN. Equation and layouts: rewind/ops/ssm_scan.h.
// The kernel, what SHUFFLE=1 and SHUFFLE=0 mean, what the caller guarantees and its work: scan.glsl.
// Constants: SHARED, 1 when a has width 1 and the decay of a head is one number.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/ssm_scan.h"
#include "ssm_scan_args.h"
#define PARAMS ssm_scan_params
#include "block.glsl"
#include "load.glsl"

struct Token {
    Place x, b, c, a;
    float step, decay, d;
};
#include "scan.glsl"
layout(constant_id = 32) const int SHARED = 1;

SCAN_ROWS(b)
SCAN_ROWS(c)
TENSOR_IN(x)
TENSOR_IN(dt)
TENSOR_IN(a)
TENSOR_IN(d)
TENSOR_IN(dt_bias)

Token token(Sequence s, int h, int t) {
    const int group = h / (p.H / p.n_group);
    precise float step = dt_get(skip(skip(start(RW_ARG_dt), s.b, p.dt_b), s.token + t, p.dt_t), uint(h));
    if (p.has_dt_bias != 0) step = step + dt_bias_get(start(RW_ARG_dt_bias), uint(h));
    if (p.step == RW_STEP_SOFTPLUS) step = softplus_(step);
    Token x;
    x.x = SCAN_PLACE(x, x, h);
    x.b = skip(skip(skip(start(RW_ARG_b), s.b, p.b_b), s.token + t, p.b_t), group, p.b_g);
    x.c = skip(skip(skip(start(RW_ARG_c), s.b, p.c_b), s.token + t, p.c_t), group, p.c_g);
    x.a = skip(start(RW_ARG_a), h, p.a_h);
    x.step = step;
    x.decay = SHARED != 0 ? exp_(step * a_get(x.a, 0)) : 0.0;
    x.d = p.has_d != 0 ? d_get(start(RW_ARG_d), uint(h)) : 0.0;
    return x;
}
vec4 decay_vec(Token x, uint i) {
    if (SHARED != 0) return vec4(x.decay);
    vec4 e;
    [[unroll]] for (int j = 0; j < 4; ++j) e[j] = exp_(x.step * a_get(x.a, 4u * i + uint(j)));
    return e;
}
vec4 key_vec(Token x, uint i) { return b_vec(x.b, i); }
vec4 query_vec(Token x, uint i) { return c_vec(x.c, i); }
float value(Token x, uint j) {
    precise float v = x.step * x_get(x.x, j);
    return v;
}
float result(Token x, uint j, float y) {
    if (p.has_d == 0) return y;
    precise float o = y + x.d * x_get(x.x, j);
    return o;
}
