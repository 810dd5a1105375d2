#version 450
// KV_STORE. Shapes: rewind/ops/kv_store.h.
//
// Compile-time VALUES: 0 stores keys, 1 values. One invocation owns two neighbouring elements (one, where a row of an
// f32 cache ends in the middle) of one head of one token, and of tokens further on when there are more than the grid is
// deep.
//
// Caller: grid ceil_div(H * ceil_div(D, 2), local), B, T.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/kv_store.h"
#include "kv_store_args.h"
#define PARAMS kv_store_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
const int QKV_TYPE = RW_F32;
#include "load.glsl"
#include "slots.glsl"
#include "store.glsl"

INDEX(pos)

#if VALUES
layout(constant_id = 30) const int V_TYPE = 0;  // of the cache: RW_F32 | RW_F16
#define OUT_TYPE V_TYPE
TENSOR_IN(v)
TYPED_OUT(cache_v, OUT_TYPE)
#define D p.D_v
#define FROM(s, t, h) skip(skip(skip(start(RW_ARG_v), s.b, p.v_b), t, p.v_t), h, p.v_h)
#define TO(s, r, h) STEP(STEP(STEP(start(RW_ARG_cache_v), s.row, p.cv_b), r, p.cv_r), h, p.cv_h)
#define GET v_get
#define PUT cache_v_put
#define PUT2 cache_v_put2
#else
layout(constant_id = 30) const int K_TYPE = 0;
#define OUT_TYPE K_TYPE
TENSOR_IN(k)
TYPED_OUT(cache_k, OUT_TYPE)
#define D p.D_k
#define FROM(s, t, h) skip(skip(skip(start(RW_ARG_k), s.b, p.k_b), t, p.k_t), h, p.k_h)
#define TO(s, r, h) STEP(STEP(STEP(start(RW_ARG_cache_k), s.row, p.ck_b), r, p.ck_r), h, p.ck_h)
#define GET k_get
#define PUT cache_k_put
#define PUT2 cache_k_put2
#endif
#define STEP(a, steps, stride) SKIP_OUT(a, steps, stride, OUT_TYPE)

void main() {
    const int pairs = (D + 1) / 2, unit = int(gl_GlobalInvocationID.x), b = int(gl_WorkGroupID.y);
    const int h = unit / pairs, i = unit % pairs;
    if (h >= p.H) return;
    const Sequence s = sequence(b);
    const int pos = s.n != 0 ? pos_at(b, 0) : -1;
    if (pos < 0) return;
    if (pos > p.R - s.n) {
        raise(RW_FAULT_POS);
        return;
    }
    for (int t = int(gl_WorkGroupID.z); t < s.n; t += int(gl_NumWorkGroups.z)) {
        const Place from = FROM(s, s.token + t, h), to = TO(s, pos + t, h);
        if (2 * i + 1 < D) PUT2(to, uint(i), vec2(GET(from, 2u * uint(i)), GET(from, 2u * uint(i) + 1u)));
        else PUT(to, 2u * uint(i), GET(from, 2u * uint(i)));
    }
}
