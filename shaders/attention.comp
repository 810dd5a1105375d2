#version 450
// ATTENTION. Equation and shapes: rewind/ops/attention.h.
//
// Positions are cut into spans at fixed places: SHORT_SPANS of SHORT_SPAN positions, then longer ones. A span gives a
// row its largest score m, the sum l of exp(score - m) and the same sum of values a; spans are put together in their
// order. Compile-time PART says who does what, with the same arithmetic:
//
//   1  a work-group takes ROWS rows of one head of the cache and one span, and leaves m, l, a in scratch, for row
//      (b, h, t): parts[(((b * H + h) * T + t) * span_count() + span) * (2 + D_v)]
//   2  a work-group puts the spans of a row together
//   0  a work-group takes ROWS rows through all their spans
//
// Rows are those that read the same head of the cache: row r is token r / group, head r % group of its group = H / H_kv.
// TILE positions at a time: invocation i takes the scores of position i with all rows; eight invocations a row find
// the largest, weigh and sum; then invocation i owns the columns 4 (i, i + TILE, ...) of a.
//
// Compile-time BLOCKS: the caches are q8_0. Caller: local is TILE; ROOM >= D / 4, COLUMNS = ceil(D_v / (4 TILE)).
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "rewind/ops/attention.h"
#include "attention_args.h"
#define PARAMS attention_params
#include "block.glsl"

layout(local_size_x_id = 0) in;
#if BLOCKS
const int QKV_TYPE = RW_F32, W_TYPE = RW_Q8_0;
#else
layout(constant_id = 30) const int QKV_TYPE = RW_F32;  // of the caches
#endif
layout(constant_id = 31) const int ROOM = RW_ATTENTION_MAX_D / 4;
layout(constant_id = 32) const int COLUMNS = 1;
#include "load.glsl"
#if BLOCKS
#include "blocks.glsl"
#endif
#include "math.glsl"
#include "slots.glsl"

TENSOR_IN(q)
#if BLOCKS
WEIGHTS(cache_k)
WEIGHTS(cache_v)
#define cache_k_get4 cache_k_weights4
#define cache_v_get4 cache_v_weights4
#else
TYPED_IN4(cache_k)
TYPED_IN4(cache_v)
#define cache_k_skip skip_typed
#define cache_v_skip skip_typed
#endif
INDEX(pos)
TENSOR_IN(gate)
TENSOR_OUT(out)
SCRATCH(parts, 0)

const int ROWS = 8, TILE = 64, LANES = TILE / ROWS, MOST_COLUMNS = RW_ATTENTION_MAX_D / (4 * TILE);
const int SHORT_SPAN = 128, SHORT_SPANS = 64, LONG_SPAN = 1024;
#define NONE uintBitsToFloat(0xff800000u)

int span_begin(int i) {
    return i < SHORT_SPANS ? i * SHORT_SPAN : SHORT_SPANS * SHORT_SPAN + (i - SHORT_SPANS) * LONG_SPAN;
}
int span_count() {
    return min((p.R + SHORT_SPAN - 1) / SHORT_SPAN,
               SHORT_SPANS + (max(p.R - SHORT_SPANS * SHORT_SPAN, 0) + LONG_SPAN - 1) / LONG_SPAN);
}
/* What exponents of scores up to m are taken relative to. */
float base_of(float m) { return m == NONE ? 0.0 : m; }

/* Sequence b and the position of its first token; n = 0 when it is skipped. */
Sequence placed(int b, out int position) {
    Sequence s = sequence(b);
    position = s.n != 0 ? pos_at(b, 0) : -1;
    if (position < 0) s.n = 0;
    if (s.n > 0 && position > p.R - s.n) {
        raise(RW_FAULT_POS);
        s.n = 0;
    }
    return s;
}

int group_size() { return p.H / p.H_kv; }
Place row_of(int arg, Sequence s, int t, int h, int stride_b, int stride_t, int stride_h) {
    return skip(skip(skip(start(arg), s.b, stride_b), s.token + t, stride_t), h, stride_h);
}
uint part_at(int b, int h, int t, int span) {
    return uint(((b * p.H + h) * p.T + t) * span_count() + span) * uint(2 + p.D_v);
}

/* M and L over a span's m and l; by: what A and a are multiplied with. */
void merge(inout float M, inout float L, float m, float l, out vec2 by) {
    const float now = max(M, m), base = base_of(now);
    by = vec2(exp_(M - base), exp_(m - base));
    precise float sum = fma(l, by.y, L * by.x);
    M = now, L = sum;
}
vec4 merged(vec4 A, vec4 a, vec2 by) {
    precise vec4 sum = fma(a, vec4(by.y), A * by.x);
    return sum;
}
void finish(Sequence s, int t, int h, int column, float L, vec4 A) {
    const Place to = row_of(RW_ARG_out, s, t, h, p.o_b, p.o_t, p.o_h);
    const Place gates = row_of(RW_ARG_gate, s, t, h, p.g_b, p.g_t, p.g_h);
    precise vec4 y = A / L;
    for (int i = 0; i < 4; ++i) {
        precise float one = y[i];
        if (present(RW_ARG_gate)) one = one * sigmoid_(gate_get(gates, uint(4 * column + i)));
        out_put(to, uint(4 * column + i), one);
    }
}

#if PART == 2

void main() {
    const int me = int(gl_LocalInvocationIndex), h = int(gl_WorkGroupID.y), b = int(gl_WorkGroupID.z);
    int position;
    const Sequence s = placed(b, position);
    for (int t = int(gl_WorkGroupID.x); t < s.n; t += int(gl_NumWorkGroups.x))
        for (int c = me; c < p.D_v / 4; c += TILE) {
            float M = NONE, L = 0.0;
            vec4 A = vec4(0.0);
            for (int span = 0; span_begin(span) <= position + t; ++span) {
                const uint at = part_at(b, h, t, span), values = at + 2u + 4u * uint(c);
                vec2 by;
                merge(M, L, parts[at], parts[at + 1u], by);
                A = merged(A, vec4(parts[values], parts[values + 1u], parts[values + 2u], parts[values + 3u]), by);
            }
            finish(s, t, h, c, L, A);
        }
}

#else

shared vec4 rows_q[ROWS * ROOM];
shared float weights[ROWS * TILE], lane_most[TILE], lane_sum[TILE];
shared float row_m[ROWS], row_l[ROWS], row_by[ROWS];
shared int row_end[ROWS];  // positions that a row sees

/* rows_q: the rows from `first` on, 0 where there are none. */
void load_rows(Sequence s, int position, int kv, int first) {
    const int me = int(gl_LocalInvocationIndex), rows = s.n * group_size(), D4 = p.D / 4;
    barrier();
    for (int i = me; i < ROWS * D4; i += TILE) {
        const int r = first + i / D4;
        vec4 four = vec4(0.0);
        if (r < rows) {
            const int h = kv * group_size() + r % group_size();
            const Place from = row_of(RW_ARG_q, s, r / group_size(), h, p.q_b, p.q_t, p.q_h);
            const uint at = 4u * uint(i % D4);
            four = vec4(q_get(from, at), q_get(from, at + 1u), q_get(from, at + 2u), q_get(from, at + 3u));
        }
        precise vec4 scaled = four * p.scale;
        rows_q[i] = scaled;
    }
    if (me < ROWS) row_end[me] = first + me < rows ? position + (first + me) / group_size() + 1 : 0;
    barrier();
}

/* row_m, row_l and a of the loaded rows and a span; `last` positions are in sight of any of them. */
void attend(Sequence s, int kv, int span, int last, out vec4 a[ROWS * MOST_COLUMNS]) {
    const int me = int(gl_LocalInvocationIndex), row = me / LANES, lane = me % LANES, D4 = p.D / 4;
    const Place keys = cache_k_skip(cache_k_skip(start(RW_ARG_cache_k), s.row, p.k_b), kv, p.k_h);
    const Place values = cache_v_skip(cache_v_skip(start(RW_ARG_cache_v), s.row, p.v_b), kv, p.v_h);
    [[unroll]] for (int i = 0; i < ROWS * COLUMNS; ++i) a[i] = vec4(0.0);
    if (me < ROWS) row_m[me] = NONE, row_l[me] = 0.0;
    const int end = min(span_begin(span + 1), last);
    for (int begin = span_begin(span); begin < end; begin += TILE) {
        if (begin + me < end) {
            const Place key = cache_k_skip(keys, begin + me, p.k_r);
            precise vec4 sum[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = vec4(0.0);
            for (int i = 0; i < D4; ++i) {
                const vec4 four = cache_k_get4(key, uint(i));
                [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = fma(four, rows_q[r * D4 + i], sum[r]);
            }
            [[unroll]] for (int r = 0; r < ROWS; ++r)
                weights[r * TILE + me] = begin + me < row_end[r] ? sum4(sum[r]) : NONE;
        } else {
            [[unroll]] for (int r = 0; r < ROWS; ++r) weights[r * TILE + me] = NONE;
        }
        barrier();
        float most = NONE;
        for (int i = lane; i < TILE; i += LANES) most = max(most, weights[row * TILE + i]);
        lane_most[me] = most;
        barrier();
        float now = row_m[row];
        for (int i = 0; i < LANES; ++i) now = max(now, lane_most[row * LANES + i]);
        precise float part = 0.0;
        for (int i = lane; i < TILE; i += LANES) {
            const float weight = exp_(weights[row * TILE + i] - base_of(now));
            weights[row * TILE + i] = weight;
            part = part + weight;
        }
        lane_sum[me] = part;
        barrier();
        if (lane == 0) {
            precise float all = 0.0;
            for (int i = 0; i < LANES; ++i) all = all + lane_sum[row * LANES + i];
            const float by = exp_(row_m[row] - base_of(now));
            precise float sum = fma(row_l[row], by, all);
            row_l[row] = sum, row_m[row] = now, row_by[row] = by;
        }
        barrier();
        [[unroll]] for (int x = 0; x < COLUMNS; ++x) {
            const int column = me + x * TILE;
            if (column >= p.D_v / 4) continue;
            precise vec4 sum[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = a[r * COLUMNS + x] * row_by[r];
            for (int i = 0; i < min(end - begin, TILE); ++i) {
                const vec4 four = cache_v_get4(cache_v_skip(values, begin + i, p.v_r), uint(column));
                [[unroll]] for (int r = 0; r < ROWS; ++r)
                    if (begin + i < row_end[r]) sum[r] = fma(vec4(weights[r * TILE + i]), four, sum[r]);
            }
            [[unroll]] for (int r = 0; r < ROWS; ++r) a[r * COLUMNS + x] = sum[r];
        }
        barrier();
    }
}

void main() {
    const int me = int(gl_LocalInvocationIndex), b = int(gl_WorkGroupID.z), group = group_size();
    int position;
    const Sequence s = placed(b, position);
    const int tiles = (s.n * group + ROWS - 1) / ROWS;
    vec4 a[ROWS * MOST_COLUMNS];
#if PART == 1
    const int span = int(gl_WorkGroupID.x), kv = int(gl_WorkGroupID.y) % p.H_kv, tile = int(gl_WorkGroupID.y) / p.H_kv;
    if (tile >= tiles) return;
    const int first = tile * ROWS, last = position + min(first + ROWS - 1, s.n * group - 1) / group + 1;
    if (span_begin(span) >= last) return;
    load_rows(s, position, kv, first);
    attend(s, kv, span, last, a);
    for (int r = 0; r < ROWS; ++r) {
        if (span_begin(span) >= row_end[r]) continue;
        const int h = kv * group + (first + r) % group;
        const uint at = part_at(b, h, (first + r) / group, span);
        if (me == 0) parts[at] = row_m[r], parts[at + 1u] = row_l[r];
        [[unroll]] for (int x = 0; x < COLUMNS; ++x) {
            const int column = me + x * TILE;
            if (column < p.D_v / 4)
                for (int i = 0; i < 4; ++i) parts[at + 2u + uint(4 * column + i)] = a[r * COLUMNS + x][i];
        }
    }
#else
    const int kv = int(gl_WorkGroupID.y);
    for (int tile = int(gl_WorkGroupID.x); tile < tiles; tile += int(gl_NumWorkGroups.x)) {
        const int first = tile * ROWS, last = position + min(first + ROWS - 1, s.n * group - 1) / group + 1;
        load_rows(s, position, kv, first);
        float M[ROWS], L[ROWS];
        vec4 A[ROWS * MOST_COLUMNS];
        [[unroll]] for (int r = 0; r < ROWS; ++r) M[r] = NONE, L[r] = 0.0;
        [[unroll]] for (int i = 0; i < ROWS * COLUMNS; ++i) A[i] = vec4(0.0);
        for (int span = 0; span_begin(span) < last; ++span) {
            attend(s, kv, span, last, a);
            [[unroll]] for (int r = 0; r < ROWS; ++r) {
                if (span_begin(span) >= row_end[r]) continue;
                vec2 by;
                merge(M[r], L[r], row_m[r], row_l[r], by);
                [[unroll]] for (int x = 0; x < COLUMNS; ++x)
                    A[r * COLUMNS + x] = merged(A[r * COLUMNS + x], a[r * COLUMNS + x], by);
            }
            barrier();
        }
        [[unroll]] for (int r = 0; r < ROWS; ++r) {
            if (row_end[r] == 0) continue;
            [[unroll]] for (int x = 0; x < COLUMNS; ++x)
                if (me + x * TILE < p.D_v / 4)
                    finish(s, (first + r) / group, kv * group + (first + r) % group, me + x * TILE, L[r],
                           A[r * COLUMNS + x]);
        }
    }
#endif
}

#endif
