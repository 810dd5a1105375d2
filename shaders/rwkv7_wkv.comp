#version 450
// RWKV7_WKV. Equation and layouts: rewind/ops/rwkv7_wkv.h.
// The kernel, what SHUFFLE=1 and SHUFFLE=0 mean, what the caller guarantees and its work: scan.glsl.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/rwkv7_wkv.h"
#include "rwkv7_wkv_args.h"
#define PARAMS rwkv7_wkv_params
#include "block.glsl"
#include "load.glsl"

struct Token {
    Place r, w, k, v, a, b;
};
#define SCAN_PAIR
#include "scan.glsl"

SCAN_ROWS(r)
SCAN_ROWS(w)
SCAN_ROWS(k)
SCAN_ROWS(a)
SCAN_ROWS(b)
TENSOR_IN(v)

Token token(Sequence s, int h, int t) {
    return Token(SCAN_PLACE(r, r, h), SCAN_PLACE(w, w, h), SCAN_PLACE(k, k, h), SCAN_PLACE(v, v, h),
                 SCAN_PLACE(a, a, h), SCAN_PLACE(b, b, h));
}
vec4 decay_vec(Token x, uint i) { return w_vec(x.w, i); }
vec4 key_vec(Token x, uint i) { return k_vec(x.k, i); }
vec4 query_vec(Token x, uint i) { return r_vec(x.r, i); }
vec4 pair_a(Token x, uint i) { return a_vec(x.a, i); }
vec4 pair_b(Token x, uint i) { return b_vec(x.b, i); }
float value(Token x, uint j) { return v_get(x.v, j); }
float result(Token x, uint j, float y) { return y; }
