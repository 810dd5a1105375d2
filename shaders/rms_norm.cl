// RMS_NORM. Equation and shapes: rewind/ops/rms_norm.h.
//
// rms_norm_row: one work-item a row, 16 partial sums in a vector, added in a fixed tree; for CPUs.
// rms_norm_group, when the constant LOCAL is set: one work-group of LOCAL items a row; item i takes the elements i, i +
// LOCAL, ..., and the LOCAL sums are added in a fixed tree in local memory. Groups go on to the rows further on,
// `groups` rows away.
//
// A row is gone over twice, and s = x + residual is made both times: nothing is kept between, and the second time an
// item reads an element's inputs just before it writes its outputs, which may lie over them.
#include "rw.clh"
#include "rewind/ops/rms_norm.h"
#include "rms_norm_args.h"
#include "math.clh"
#include "rows.clh"

typedef struct {
    __global const float *x, *residual, *weight, *gate;
    __global float *out, *sum;
} rw_row;
#define RW_ROW_AT(r)                                                                                              \
    {RW_ROW(const float, x, r, x_1, x_2, x_3),        RW_OPT_ROW(const float, residual, r, r_1, r_2, r_3),        \
     RW_OPT(const float, weight),                     RW_OPT_ROW(const float, gate, r, g_1, g_2, g_3),            \
     RW_ROW(float, out, r, o_1, o_2, o_3),            RW_OPT_ROW(float, sum, r, s_1, s_2, s_3)}

static float rw_factor(float squares, int n, float eps) { return 1.0f / sqrt(squares / (float)n + eps); }

static float rw_stream(const rw_row* r, int i) { return r->residual ? r->x[i] + r->residual[i] : r->x[i]; }
static void rw_finish(const rw_row* r, int i, float factor) {
    const float s = rw_stream(r, i);
    float y = s * factor;
    if (r->weight) y *= r->weight[i];
    if (r->gate) y *= r->gate[i] * rw_sigmoid(r->gate[i]);
    r->out[i] = y;
    if (r->sum) r->sum[i] = s;
}

#ifndef LOCAL
static float16 rw_stream16(const rw_row* r, int i) {
    const float16 x = vload16(0, r->x + i);
    return r->residual ? x + vload16(0, r->residual + i) : x;
}

__kernel void rms_norm_row(RW_KERNEL_ARGS, int t0, int t1) {
    const int at = (int)get_global_id(0), n = block->p.n, whole = n & ~15;
    if (at >= RW_ROWS) return;
    const rw_row r = RW_ROW_AT(at);
    float squares = 0.0f;  // of blocks: a single long sum would lose digits
    for (int begin = 0; begin < whole; begin += 16384) {
        float16 sums = 0.0f;
        const int end = min(begin + 16384, whole);
        for (int i = begin; i < end; i += 16) {
            const float16 s = rw_stream16(&r, i);
            sums = fma(s, s, sums);
        }
        squares += rw_sum16(sums);
    }
    for (int i = whole; i < n; ++i) squares = fma(rw_stream(&r, i), rw_stream(&r, i), squares);
    const float factor = rw_factor(squares, n, block->p.eps);
    for (int i = 0; i < whole; i += 16) {
        const float16 s = rw_stream16(&r, i);
        float16 y = s * factor;
        if (r.weight) y *= vload16(0, r.weight + i);
        if (r.gate) {
            const float16 g = vload16(0, r.gate + i);
            y *= g * rw_sigmoid16(g);
        }
        vstore16(y, 0, r.out + i);
        if (r.sum) vstore16(s, 0, r.sum + i);
    }
    for (int i = whole; i < n; ++i) rw_finish(&r, i, factor);
}

#else
__kernel void rms_norm_group(RW_KERNEL_ARGS, int t0, int t1) {
    __local float sums[LOCAL];
    const int n = block->p.n, rows = RW_ROWS, me = (int)get_local_id(0);
    for (int at = (int)get_group_id(0); at < rows; at += (int)get_num_groups(0)) {
        const rw_row r = RW_ROW_AT(at);
        float squares = 0.0f;
        for (int i = me; i < n; i += LOCAL) squares = fma(rw_stream(&r, i), rw_stream(&r, i), squares);
        sums[me] = squares;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int half_ = LOCAL / 2; half_ > 0; half_ >>= 1) {
            if (me < half_) sums[me] += sums[me + half_];
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        const float factor = rw_factor(sums[0], n, block->p.eps);
        for (int i = me; i < n; i += LOCAL) rw_finish(&r, i, factor);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
#endif
