// KV_STORE. Shapes: rewind/ops/kv_store.h.
//
// Compile-time VALUES: 0 stores keys, 1 values. One work-item owns WIDTH neighbouring elements, fewer at a row's end,
// of one head of one token, and of tokens further on when there are more than the grid is deep.
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

__kernel void kv_store(RW_KERNEL_ARGS, int t0, int t1) {
    const int D = PICK(D_k, D_v), pieces = (D + WIDTH - 1) / WIDTH, unit = (int)get_global_id(0), b = (int)get_group_id(1);
    const int h = unit / pieces, begin = unit % pieces * WIDTH, end = min(begin + WIDTH, D);
    if (h >= block->p.H) return;
    const rw_sequence s = RW_SEQUENCE(b);
    const int pos = s.n ? RW_PTR(const int, pos)[b] : -1;
    if (pos < 0) return;
    if (pos > block->p.R - s.n) {
        rw_raise(fault, RW_FAULT_POS);
        return;
    }
    __global const float* rows = FROM + (long)s.b * PICK(k_b, v_b) + (long)h * PICK(k_h, v_h);
    __global rw_out* cache = TO + (long)s.row * PICK(ck_b, cv_b) + (long)h * PICK(ck_h, cv_h);
    const long x_t = PICK(k_t, v_t), c_r = PICK(ck_r, cv_r);
    for (int t = (int)get_group_id(2); t < s.n; t += (int)get_num_groups(2)) {
        __global const float* x = rows + (s.token + t) * x_t;
        __global rw_out* to = cache + (pos + t) * c_r;
        for (int i = begin; i < end; ++i) rw_put(x[i], to, i);
    }
}
