// GATED_DELTA_NET_RING for CPUs, in closed form. Equation, shapes and what is stored: rewind/ops/gated_delta_net_ring.h.
//
// One work-item owns COLS value columns of one head. It walks the call block by block; with the block's base S, its
// rows s, and P(p, s) the product of the decays of s+1 .. p (a vector per channel gate, else a number):
//
//   1. once for all columns:   k_s, kG_p = P(p, start) k_p and qG_p likewise,
//                              A(p, s) = k_s . P(p, s) k_p      M(p, s) = k_s . P(p, s) q_p        (tile.clh)
//   2. for 16 columns at once: m = S^T kG_p + sum_{s<p} A(p, s) d_s       d_p = beta_p (v_p - m)
//                              o = scale (S^T qG_p + sum_{s<=p} M(p, s) d_s)
//   3. at the block's end:     S' = P(end, start) S + sum_s (P(end, s) k_s) d_s^T
//
// so a state is only read, but once in BLOCK tokens. Sums run over s in order and products from the later token back:
// they depend on positions, not on calls. No difference of long sums is taken, so a gate of -1e4 costs no digit.
//
// The caller guarantees the law of positions. On the exact path the rows written lie apart from the rows read, so the
// head that owns them stores keys and gates here; a prefill call may wrap, and gated_delta_net_ring_rows.cl stores them.
//
// Tunables: COLS columns a work-item (16 .. S_v), WIDTH floats of a vector (8 or 16; fixes the sum tree).
// Constants: S_K, BLOCK (W), CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net_ring.h"
#include "gated_delta_net_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "ring.clh"
#include "tile.clh"

#define STRIP 16 /* columns of step 2 */

/* S^T k and S^T q of 16 columns. */
static void product(__global const float* S, const VEC* k, const VEC* q, float* m, float* r) {
    for (int c = 0; c < STRIP; c += 4) {
        VEC sum[8]; /* of k for four columns, then of q */
        RW_UNROLL for (int n = 0; n < 4; n += 2) {
            VEC a = 0.0f, b = 0.0f, d = 0.0f, e = 0.0f;
            for (int i = 0; i < CHUNKS; ++i) {
                const VEC x = LOAD(S, (c + n) * CHUNKS + i), y = LOAD(S, (c + n + 1) * CHUNKS + i);
                a = fma(x, k[i], a), b = fma(y, k[i], b), d = fma(x, q[i], d), e = fma(y, q[i], e);
            }
            sum[n] = a, sum[n + 1] = b, sum[n + 4] = d, sum[n + 5] = e;
        }
        const float8 x = SUMS(sum);
        vstore4(x.lo, 0, m + c), vstore4(x.hi, 0, r + c);
    }
}

/* Step 3 for 16 columns; d[s] holds them side by side. */
static void fold(const tile* x, __global const float* S, const float16* d, __global float* to) {
    for (int c = 0; c < STRIP; c += 4)
        for (int i = 0; i < CHUNKS; ++i) {
            VEC e[4];
            RW_UNROLL for (int n = 0; n < 4; ++n) e[n] = TOTAL(x, i) * LOAD(S, (c + n) * CHUNKS + i);
            for (int s = 0; s < BLOCK; ++s) {
                const VEC k = x->key[s][i];
                const float* by = (const float*)&d[s] + c;
                RW_UNROLL for (int n = 0; n < 4; ++n) e[n] = fma(k, (VEC)by[n], e[n]);
            }
            RW_UNROLL for (int n = 0; n < 4; ++n) STORE(e[n], (c + n) * CHUNKS + i, to);
        }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gated_delta_net_ring(RW_KERNEL_ARGS, int t0, int t1) {
    const int j0 = (int)get_group_id(0) * COLS, h = (int)get_group_id(1), b = (int)get_group_id(2);
    int pos;
    const rw_sequence s = RW_PLACED(b, &pos);
    if (s.n == 0) return;
    const int end = pos + s.n, oldest = RW_OLDEST(end), hk = RW_K_HEAD(h);
    const bool stores_g = j0 == 0 && !block->p.prefill, stores_k = stores_g && RW_OWNS_KEYS(h);
    const float eps = block->p.l2norm_eps, scale = block->p.scale;

    tile x;
    for (int p0 = pos; p0 < end;) {
        const int start = p0 / BLOCK * BLOCK, p1 = start + min(BLOCK, end - start);  /* start + BLOCK may be 2^31 */
        for (int p = start; p < p0; ++p) load_key(&x, p - start, RW_RING_K(s.row, p, hk), RW_RING_G(s.row, p, h));
        for (int p = p0; p < p1; ++p) {
            const int t = p - pos, at = p - start;
            load_row(x.key[at], RW_K(s, b, t, hk), eps);
            load_row(x.qG[at], RW_Q(s, b, t, hk), eps);
            x.beta[at] = RW_BETA(s, t, h);
            __global float *k = RW_RING_K(s.row, p, hk), *g = RW_RING_G(s.row, p, h);
            if (stores_k && p >= oldest)
                for (int i = 0; i < CHUNKS; ++i) STORE(x.key[at][i], i, k);
#if CHANNEL
            for (int i = 0; i < CHUNKS; ++i) {
                const VEC gate = RW_LOG_DECAYS(WIDTH, s, t, h, i);
                if (stores_g && p >= oldest) STORE(gate, i, g);
                x.decay[at][i] = RW_JOIN(rw_exp, WIDTH)(gate);
            }
#else
            const float gate = RW_LOG_DECAY(s, t, h, 0);
            if (stores_g && p >= oldest) *g = gate;
            x.decay[at] = rw_exp(gate);
#endif
        }
        for (int p = p0; p < p1; ++p) weigh(&x, p - start);
        const bool full = p1 - start == BLOCK;
        if (full) complete(&x, x.key);

        for (int j = j0; j < j0 + COLS; j += STRIP) {
            __global const float* S = RW_BASE(s.row, start / BLOCK, h) + (long)j * S_K;
            float16 d[BLOCK];
            for (int p = start; p < p0; ++p) d[p - start] = vload16(0, RW_RING_D(s.row, p, h) + j);
            for (int p = p0; p < p1; ++p) {
                const int t = p - pos, at = p - start;
                float m_columns[STRIP], r_columns[STRIP];
                product(S, x.kG[at], x.qG[at], m_columns, r_columns);
                float16 m = vload16(0, m_columns), o = vload16(0, r_columns);
                for (int i = 0; i < at; ++i) m = fma((float16)x.A[at][i], d[i], m), o = fma((float16)x.M[at][i], d[i], o);
                d[at] = x.beta[at] * (rw_at16(RW_V(s, t, h) + j, 0) - m);
                o = fma((float16)x.M[at][at], d[at], o);
                vstore16(scale * o, 0, RW_OUT(s, t, h) + j);
                if (p >= oldest) vstore16(d[at], 0, RW_RING_D(s.row, p, h) + j);
            }
            if (full) fold(&x, S, d, RW_BASE(s.row, start / BLOCK + 1, h) + (long)j * S_K);
        }
        p0 = p1;
    }
}
