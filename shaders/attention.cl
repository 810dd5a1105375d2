// ATTENTION. Equation and shapes: rewind/ops/attention.h.
//
// Positions are cut into spans at fixed places: SHORT_SPANS of SHORT_SPAN positions, then longer ones. A span gives a
// row its largest score m, the sum l of exp(score - m) and the same sum of values a; spans are put together in their
// order. With the same arithmetic
//
//   attention_span    a work-group takes ROWS rows of one head of the cache and one span, and leaves m, l, a in scratch,
//                     for row (b, h, t): parts + (((b * H + h) * T + t) * SPANS(R) + span) * (2 + D_v)
//   attention_merge   a work-group puts the spans of a row together
//   attention_whole   a work-group takes ROWS rows through all their spans
//
// Rows are those that read the same head of the cache: row r is token r / group, head r % group of its group = H / H_kv.
// TILE positions at a time: item i takes the scores of position i with all rows; eight items a row find the largest,
// weigh and sum; then item i owns the columns 4 (i, i + TILE, ...) of a.
//
// Work-groups have TILE items. Constants: TYPE of the caches, ROOM >= D / 4, COLUMNS = ceil(D_v / (4 TILE)).
#include "rw.clh"
#include "rewind/ops/attention.h"
#include "attention_args.h"
#include "math.clh"
#if TYPE == RW_Q8_0
#define W_TYPE RW_Q8_0
#include "blocks.clh"
typedef uchar rw_elem;
#define ELEMENT (long)RW_BLOCK_BYTES /* of what strides of the caches count */
#define rw_at4(row, i) rw_weights4(row, (uint)(i))
#else
#include "load.clh"
#define ELEMENT 1
#endif
#include "slots.clh"

#define ROWS 8
#define TILE 64
#define LANES (TILE / ROWS)
#define SHORT_SPAN 128
#define SHORT_SPANS 64
#define LONG_SPAN 1024

static int span_begin(int i) {
    return i < SHORT_SPANS ? i * SHORT_SPAN : SHORT_SPANS * SHORT_SPAN + (i - SHORT_SPANS) * LONG_SPAN;
}
#define SPANS(R)                                \
    min(((R) + SHORT_SPAN - 1) / SHORT_SPAN,    \
        SHORT_SPANS + (max((R) - SHORT_SPANS * SHORT_SPAN, 0) + LONG_SPAN - 1) / LONG_SPAN)
/* What exponents of scores up to m are taken relative to. */
static float base_of(float m) { return m == -INFINITY ? 0.0f : m; }

/* A sequence at position pos; n = 0 when it is skipped. */
static rw_sequence rw_place(rw_sequence s, int pos, int R, __global volatile int* fault) {
    if (pos < 0) s.n = 0;
    else if (s.n > 0 && pos > R - s.n) s.n = rw_raise(fault, RW_FAULT_POS);
    return s;
}
#define PLACED(b) rw_place(RW_SEQUENCE(b), RW_PTR(const int, pos)[b], block->p.R, fault)
#define GROUP (block->p.H / block->p.H_kv)
/* The row of token t and head h in a tensor: q, gate or out. */
#define ROW_AT(type, name, c, s, t, h)                                                                       \
    (RW_PTR(type, name) + (long)(s).b * block->p.c##_b + (long)((s).token + (t)) * block->p.c##_t +          \
     (long)(h) * block->p.c##_h)
#define PART_AT(b, h, t, span) \
    (parts + ((((long)(b) * block->p.H + (h)) * block->p.T + (t)) * SPANS(block->p.R) + (span)) * (2 + block->p.D_v))

/* M and L over a span's m and l. Returns what A and a are multiplied with. */
static float2 merge(float* M, float* L, float m, float l) {
    const float now = fmax(*M, m), base = base_of(now);
    const float2 by = (float2)(rw_exp(*M - base), rw_exp(m - base));
    *L = fma(l, by.y, *L * by.x), *M = now;
    return by;
}
static float4 merged(float4 A, float4 a, float2 by) { return fma(a, (float4)(by.y), A * by.x); }

static void finish(__global float* out, __global const float* gate, int column, float L, float4 A) {
    float4 y = A / L;
    if (gate) y *= rw_sigmoid4(vload4(column, gate));
    vstore4(y, column, out);
}
#define FINISH(s, t, h, column, L, A)                                                                     \
    finish(ROW_AT(float, out, o, s, t, h), RW_HAS(gate) ? ROW_AT(const float, gate, g, s, t, h) : 0, column, L, A)

__kernel void attention_merge(RW_KERNEL_ARGS, __global float* parts, int t0, int t1) {
    const int me = (int)get_local_id(0), h = (int)get_group_id(1), b = (int)get_group_id(2), D_v = block->p.D_v;
    const rw_sequence s = PLACED(b);
    const int pos = RW_PTR(const int, pos)[b];
    for (int t = (int)get_group_id(0); t < s.n; t += (int)get_num_groups(0))
        for (int c = me; c < D_v / 4; c += TILE) {
            float M = -INFINITY, L = 0.0f;
            float4 A = 0.0f;
            for (int span = 0; span_begin(span) <= pos + t; ++span) {
                __global const float* part = PART_AT(b, h, t, span);
                const float2 by = merge(&M, &L, part[0], part[1]);
                A = merged(A, vload4(c, part + 2), by);
            }
            FINISH(s, t, h, c, L, A);
        }
}

typedef struct {
    float4 q[ROWS * ROOM];
    float weights[ROWS * TILE], lane_most[TILE], lane_sum[TILE];
    float m[ROWS], l[ROWS], by[ROWS];
    int end[ROWS];  /* positions that a row sees */
} shared_rows;

/* The rows of a tile, scaled, 0 where there are none. */
#define LOAD_ROWS(x, s, pos, kv, first)                                                                      \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                            \
    for (int i = me; i < ROWS * (block->p.D / 4); i += TILE) {                                               \
        const int D4 = block->p.D / 4, r = (first) + i / D4;                                                 \
        float4 four = 0.0f;                                                                                  \
        const int h = (kv) * GROUP + r % GROUP;                                                              \
        if (r < (s).n * GROUP) four = vload4(i % D4, ROW_AT(const float, q, q, s, r / GROUP, h));            \
        (x)->q[i] = four * block->p.scale;                                                                   \
    }                                                                                                        \
    if (me < ROWS) (x)->end[me] = (first) + me < (s).n * GROUP ? (pos) + ((first) + me) / GROUP + 1 : 0;     \
    barrier(CLK_LOCAL_MEM_FENCE)

/* m, l and a of the loaded rows and the positions begin .. end - 1 of a span. To be called by all items. */
static void attend(__local shared_rows* x, __global const rw_elem* keys, long k_r, __global const rw_elem* values, long v_r,
                   int D4, int D_v, int begin, int end, float4* a) {
    const int me = (int)get_local_id(0), row = me / LANES, lane = me % LANES;
    for (int i = 0; i < ROWS * COLUMNS; ++i) a[i] = 0.0f;
    if (me < ROWS) x->m[me] = -INFINITY, x->l[me] = 0.0f;
    for (; begin < end; begin += TILE) {
        float4 sum[ROWS];
        RW_UNROLL for (int r = 0; r < ROWS; ++r) sum[r] = 0.0f;
        if (begin + me < end)
            for (int i = 0; i < D4; ++i) {
                const float4 four = rw_at4(keys + (begin + me) * k_r, i);
                RW_UNROLL for (int r = 0; r < ROWS; ++r) sum[r] = fma(four, x->q[r * D4 + i], sum[r]);
            }
        RW_UNROLL for (int r = 0; r < ROWS; ++r)
            x->weights[r * TILE + me] = begin + me < min(end, x->end[r]) ? rw_sum4(sum[r]) : -INFINITY;
        barrier(CLK_LOCAL_MEM_FENCE);
        float most = -INFINITY;
        for (int i = lane; i < TILE; i += LANES) most = fmax(most, x->weights[row * TILE + i]);
        x->lane_most[me] = most;
        barrier(CLK_LOCAL_MEM_FENCE);
        float now = x->m[row], part = 0.0f;
        for (int i = 0; i < LANES; ++i) now = fmax(now, x->lane_most[row * LANES + i]);
        for (int i = lane; i < TILE; i += LANES) {
            const float weight = rw_exp(x->weights[row * TILE + i] - base_of(now));
            x->weights[row * TILE + i] = weight;
            part += weight;
        }
        x->lane_sum[me] = part;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane == 0) {
            float all = 0.0f;
            for (int i = 0; i < LANES; ++i) all += x->lane_sum[row * LANES + i];
            const float by = rw_exp(x->m[row] - base_of(now));
            x->l[row] = fma(x->l[row], by, all), x->m[row] = now, x->by[row] = by;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int c = 0; c < COLUMNS; ++c) {
            const int column = me + c * TILE;
            if (column >= D_v / 4) continue;
            RW_UNROLL for (int r = 0; r < ROWS; ++r) sum[r] = a[r * COLUMNS + c] * x->by[r];
            for (int i = 0; i < min(end - begin, TILE); ++i) {
                const float4 four = rw_at4(values + (begin + i) * v_r, column);
                RW_UNROLL for (int r = 0; r < ROWS; ++r)
                    if (begin + i < x->end[r]) sum[r] = fma((float4)(x->weights[r * TILE + i]), four, sum[r]);
            }
            RW_UNROLL for (int r = 0; r < ROWS; ++r) a[r * COLUMNS + c] = sum[r];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
/* A head's position 0 and the step to the next one. */
#define CACHED(s, kv, name, c)                                                                                     \
    RW_PTR(const rw_elem, name) + ((long)(s).row * block->p.c##_b + (long)(kv) * block->p.c##_h) * ELEMENT,        \
        block->p.c##_r * ELEMENT
#define ATTEND(x, s, kv, span, last, a)                                                                            \
    attend(x, CACHED(s, kv, cache_k, k), CACHED(s, kv, cache_v, v),                                                \
           block->p.D / 4, block->p.D_v, span_begin(span), min(span_begin((span) + 1), last), a)

__kernel void attention_span(RW_KERNEL_ARGS, __global float* parts, int t0, int t1) {
    __local shared_rows x;
    const int me = (int)get_local_id(0), b = (int)get_group_id(2), span = (int)get_group_id(0), D_v = block->p.D_v;
    const int kv = (int)get_group_id(1) % block->p.H_kv, first = (int)get_group_id(1) / block->p.H_kv * ROWS;
    const rw_sequence s = PLACED(b);
    const int pos = RW_PTR(const int, pos)[b], rows = s.n * GROUP;
    const int last = pos + min(first + ROWS - 1, rows - 1) / GROUP + 1;
    if (first >= rows || span_begin(span) >= last) return;
    float4 a[ROWS * COLUMNS];
    LOAD_ROWS(&x, s, pos, kv, first);
    ATTEND(&x, s, kv, span, last, a);
    for (int r = 0; r < ROWS; ++r) {
        if (span_begin(span) >= x.end[r]) continue;
        __global float* part = PART_AT(b, kv * GROUP + (first + r) % GROUP, (first + r) / GROUP, span);
        if (me == 0) part[0] = x.m[r], part[1] = x.l[r];
        for (int c = 0; c < COLUMNS; ++c)
            if (me + c * TILE < D_v / 4) vstore4(a[r * COLUMNS + c], me + c * TILE, part + 2);
    }
}

__kernel void attention_whole(RW_KERNEL_ARGS, __global float* parts, int t0, int t1) {
    __local shared_rows x;
    const int me = (int)get_local_id(0), kv = (int)get_group_id(1), b = (int)get_group_id(2), D_v = block->p.D_v;
    const rw_sequence s = PLACED(b);
    const int pos = RW_PTR(const int, pos)[b], rows = s.n * GROUP;
    for (int first = (int)get_group_id(0) * ROWS; first < rows; first += (int)get_num_groups(0) * ROWS) {
        const int last = pos + min(first + ROWS - 1, rows - 1) / GROUP + 1;
        float M[ROWS], L[ROWS];
        float4 a[ROWS * COLUMNS], A[ROWS * COLUMNS];
        for (int r = 0; r < ROWS; ++r) M[r] = -INFINITY, L[r] = 0.0f;
        for (int i = 0; i < ROWS * COLUMNS; ++i) A[i] = 0.0f;
        LOAD_ROWS(&x, s, pos, kv, first);
        for (int span = 0; span_begin(span) < last; ++span) {
            ATTEND(&x, s, kv, span, last, a);
            for (int r = 0; r < ROWS; ++r) {
                if (span_begin(span) >= x.end[r]) continue;
                const float2 by = merge(&M[r], &L[r], x.m[r], x.l[r]);
                for (int c = 0; c < COLUMNS; ++c) A[r * COLUMNS + c] = merged(A[r * COLUMNS + c], a[r * COLUMNS + c], by);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        for (int r = 0; r < ROWS; ++r)
            for (int c = 0; c < COLUMNS; ++c)
                if (x.end[r] && me + c * TILE < D_v / 4)
                    FINISH(s, (first + r) / GROUP, kv * GROUP + (first + r) % GROUP, me + c * TILE, L[r],
                           A[r * COLUMNS + c]);
    }
}
