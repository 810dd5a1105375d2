#version 450
// GATED_LINEAR_ATTENTION. Equation and layouts: rewind/ops/gated_linear_attention.h.
// The kernel, what SHUFFLE=1 and SHUFFLE=0 mean, what the caller guarantees and its work: scan.glsl.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/gated_linear_attention.h"
#include "gated_linear_attention_args.h"
#define PARAMS gated_linear_attention_params
#include "block.glsl"
#include "load.glsl"

struct Token {
    Place q, k, v, g;
};
#include "scan.glsl"

SCAN_ROWS(q)
SCAN_ROWS(k)
SCAN_ROWS(g)
TENSOR_IN(v)

Token token(Sequence s, int h, int t) {
    return Token(SCAN_PLACE(q, q, h), SCAN_PLACE(k, k, h), SCAN_PLACE(v, v, h), SCAN_PLACE(g, g, h));
}
vec4 decay_vec(Token x, uint i) { return g_vec(x.g, i); }
vec4 key_vec(Token x, uint i) { return k_vec(x.k, i); }
vec4 query_vec(Token x, uint i) { return q_vec(x.q, i); }
float value(Token x, uint j) { return v_get(x.v, j); }
float result(Token x, uint j, float y) {
    precise float o = p.scale * y;
    return o;
}
