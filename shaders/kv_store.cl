// KV_STORE. Shapes: rewind/ops/kv_store.h.
//
// Compile-time VALUES: 0 stores keys, 1 values. One work-item owns PIECE neighbouring elements (a block of a q8_0
// cache, else WIDTH or fewer at a row's end) of one head of one token, and of tokens further on when there are more
// than the grid is deep.
#include "rw.clh"
#include "rewind/ops/kv_store.h"
#include "kv_store_args.h"
#if VALUES
#define OUT_TYPE V_TYPE
#define PICK(k_field, v_field) (block->p.v_field)
#define FROM RW_PTR(const float, v)
#define TO RW_PTR(rw_out, cache_v)
#else
#define OUT_TYPE K_TYPE
#define PICK(k_field, v_field) (block->p.k_field)
#define FROM RW_PTR(const float, k)
#define TO RW_PTR(rw_out, cache_k)
#endif
#include "slots.clh"
#include "store.clh"

#if OUT_TYPE == RW_Q8_0
#define PIECE 32
#define PUT put_block
#define ELEMENT 17L /* half-words of what strides of the cache count */

/* The number that stands for x in a block of this scale. */
static int number_of(float x, float scale) {
    const float size = fabs(x), q = rint(size / scale);  // right, or one off next to a tie
    const float twice = size + size, above = (q + q + 1.0f) * scale, below = (q + q - 1.0f) * scale;
    const int whole = (int)q, odd = whole & 1;
    const int up = twice > above || (odd && twice == above), down = twice < below || (odd && twice == below);
    const int number = min(whole + up - down, 127);
    return x < 0.0f ? -number : number;
}

/* Elements begin .. end - 1, a block. */
static void put_block(__global const float* x, __global rw_out* row, int begin, int end) {
    __global rw_out* to = row + begin / 32 * 17;
    uint most = 0;  // as whole numbers: infinity and NaN are the largest
    for (int i = begin; i < end; ++i) most = max(most, as_uint(x[i]) & 0x7fffffffu);
    const ushort bits = rw_bits16(as_float(most) * RW_Q8_0_STEP), d = bits >= 0x7c00 ? (ushort)0x7e00 : bits;
    const float scale = d < 0x400 ? (float)d * 0x1p-24f : as_float(((uint)d << 13) + (112u << 23));
    to[0] = d;
    for (int i = 0; i < 16; ++i) {
        const int low = number_of(x[begin + 2 * i], scale), high = number_of(x[begin + 2 * i + 1], scale);
        to[i + 1] = d == 0 || d == 0x7e00 ? (ushort)0 : (ushort)((low & 255) | (high & 255) << 8);
    }
}
#else
#define PIECE WIDTH
#define PUT put_elements
#define ELEMENT 1L
static void put_elements(__global const float* x, __global rw_out* to, int begin, int end) {
    for (int i = begin; i < end; ++i) rw_put(x[i], to, i);
}
#endif

__kernel void kv_store(RW_KERNEL_ARGS, int t0, int t1) {
    const int D = PICK(D_k, D_v), pieces = (D + PIECE - 1) / PIECE;
    const int unit = (int)get_global_id(0), b = (int)get_group_id(1);
    const int h = unit / pieces, begin = unit % pieces * PIECE, end = min(begin + PIECE, D);
    if (h >= block->p.H) return;
    const rw_sequence s = RW_SEQUENCE(b);
    const int pos = s.n ? RW_PTR(const int, pos)[b] : -1;
    if (pos < 0) return;
    if (pos > block->p.R - s.n) {
        rw_raise(fault, RW_FAULT_POS);
        return;
    }
    __global const float* rows = FROM + (long)s.b * PICK(k_b, v_b) + (long)h * PICK(k_h, v_h);
    __global rw_out* cache = TO + ((long)s.row * PICK(ck_b, cv_b) + (long)h * PICK(ck_h, cv_h)) * ELEMENT;
    const long x_t = PICK(k_t, v_t), c_r = PICK(ck_r, cv_r) * ELEMENT;
    for (int t = (int)get_group_id(2); t < s.n; t += (int)get_num_groups(2)) {
        __global const float* x = rows + (s.token + t) * x_t;
        __global rw_out* to = cache + (pos + t) * c_r;
        PUT(x, to, begin, end);
    }
}
