// GATED_DELTA_NET, prefill path, for CPUs: blocks of BLOCK tokens by matrix products. Equation, shapes and slots:
// rewind/ops/gated_delta_net.h.
//
// One work-item owns COLS value columns of one head. Their state stays in private memory, transposed, so that 16 columns
// are one vector and every product is a broadcast times a vector. Per block, with kG, qG, A, M, P from tile.clh:
//
//   [m; o] = [kG; qG] S                                            a matrix product
//   d_p = beta_p (v_p - m_p - sum_{s<p} A(p, s) d_s)               forward substitution, never an inverse
//   out_p = scale (o_p + sum_{s<=p} M(p, s) d_s)
//   S <- P(end, start) S + sum_s (P(end, s) k_s) d_s^T             a matrix product
//
// Snapshots inside a block are replayed token by token from the state at its start. The last block is padded with
// tokens that change nothing (k = q = 0, decay = 1, beta = 0).
//
// Tunables: COLS columns a work-item (multiple of 16, divides S_v), BLOCK tokens, WIDTH floats of a vector in tile.clh.
// Constants: S_K, CHANNEL, TYPE. Work: one item a work-group; groups S_v / COLS, H_v, B.
#include "rw.clh"
#include "rewind/ops/gated_delta_net.h"
#include "gated_delta_net_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "gdn.clh"
#include "tile.clh"

#define STRIP 16

/* to[p] = sum_i rows[p][i] S[i], for BLOCK rows. */
static void product(const float16* S, const float* rows, float16* to) {
    for (int p = 0; p < BLOCK; p += 4, rows += 4 * S_K) {
        float16 a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
        for (int i = 0; i < S_K; ++i) {
            const float16 e = S[i];
            a = fma((float16)rows[i], e, a), b = fma((float16)rows[S_K + i], e, b);
            c = fma((float16)rows[2 * S_K + i], e, c), d = fma((float16)rows[3 * S_K + i], e, d);
        }
        to[p] = a, to[p + 1] = b, to[p + 2] = c, to[p + 3] = d;
    }
}

/* S = total S + sum_s keys[s] d[s]^T. */
static void fold(const tile* x, float16* S, const float* keys, const float16* d) {
    for (int i = 0; i < S_K; i += 4) {
#if CHANNEL
        const float* by = (const float*)x->total + i;
        float16 a = by[0] * S[i], b = by[1] * S[i + 1], c = by[2] * S[i + 2], e = by[3] * S[i + 3];
#else
        float16 a = x->total * S[i], b = x->total * S[i + 1], c = x->total * S[i + 2], e = x->total * S[i + 3];
#endif
        const float* k = keys + i;
        for (int s = 0; s < BLOCK; ++s, k += S_K) {
            const float16 ds = d[s];
            a = fma((float16)k[0], ds, a), b = fma((float16)k[1], ds, b);
            c = fma((float16)k[2], ds, c), e = fma((float16)k[3], ds, e);
        }
        S[i] = a, S[i + 1] = b, S[i + 2] = c, S[i + 3] = e;
    }
}

static void load_strip(float16* S, __global const float* from) {
    for (int c = 0; c < STRIP; ++c)
        for (int i = 0; i < S_K; ++i) ((float*)S)[i * STRIP + c] = from[c * S_K + i];
}
static void store_strip(const float16* S, __global float* to) {
    for (int c = 0; c < STRIP; ++c)
        for (int i = 0; i < S_K; ++i) to[c * S_K + i] = ((const float*)S)[i * STRIP + c];
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gated_delta_net_chunk(RW_KERNEL_ARGS, int t0, int t1) {
    const int j0 = (int)get_group_id(0) * COLS, h = (int)get_group_id(1), b = (int)get_group_id(2);
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    t1 = min(t1, s.n);
    if (slot < 0 || t0 >= t1) return;

    const int K = block->p.K, order = block->p.order, hk = RW_K_HEAD(h), last = rw_final_slot(K, order);
    const float eps = block->p.l2norm_eps, scale = block->p.scale;
    const long head = ((long)h * block->p.S_v + j0) * S_K;
    float16 S[COLS / STRIP][S_K];
    for (int j = 0; j < COLS; j += STRIP)
        load_strip(S[j / STRIP], (t0 == 0 ? RW_STATE(s, slot) : RW_STATE_OUT(s, last)) + head + (long)j * S_K);

    tile x;
    VEC tail[BLOCK][CHUNKS];
    for (int start = t0; start < t1; start += BLOCK) {
        const int n = min(BLOCK, t1 - start);
        for (int p = 0; p < BLOCK; ++p) {
            const int t = start + min(p, n - 1);
            load_row(x.key[p], RW_K(s, b, t, hk), eps);
            load_row(x.qG[p], RW_Q(s, b, t, hk), eps);
            x.beta[p] = p < n ? RW_BETA(s, t, h) : 0.0f;
#if CHANNEL
            for (int i = 0; i < CHUNKS; ++i)
                x.decay[p][i] = p < n ? RW_JOIN(rw_exp, WIDTH)(RW_LOG_DECAYS(WIDTH, s, t, h, i)) : (VEC)1.0f;
#else
            x.decay[p] = p < n ? rw_exp(RW_LOG_DECAY(s, t, h, 0)) : 1.0f;
#endif
            for (int i = 0; p >= n && i < CHUNKS; ++i) x.key[p][i] = x.qG[p][i] = 0.0f;
            weigh(&x, p);
        }
        complete(&x, tail);

        for (int j = 0; j < COLS; j += STRIP) {
            float16 *state = S[j / STRIP], d[BLOCK], o[BLOCK];
            product(state, (const float*)x.kG, d);
            product(state, (const float*)x.qG, o);
            for (int p = 0; p < n; ++p) {
                float16 m = d[p], out = o[p];
                for (int i = 0; i < p; ++i) {
                    m = fma((float16)x.A[p][i], d[i], m);
                    out = fma((float16)x.M[p][i], d[i], out);
                }
                d[p] = x.beta[p] * (rw_at16(RW_V(s, start + p, h) + j0 + j, 0) - m);
                out = fma((float16)x.M[p][p], d[p], out);
                vstore16(scale * out, 0, RW_OUT(s, start + p, h) + j0 + j);
            }
            for (int p = n; p < BLOCK; ++p) d[p] = 0.0f;

            const int first = max(0, s.n - K - start);  // of the block's tokens that are kept
            if (first < n - 1) {
                float16 step[S_K];
                for (int i = 0; i < S_K; ++i) step[i] = state[i];
                for (int p = 0; p < n - 1; ++p) {
                    const float* k = (const float*)x.key[p];
#if CHANNEL
                    const float* by = (const float*)x.decay[p];
#define BY(i) by[i]
#else
#define BY(i) x.decay[p]
#endif
                    for (int i = 0; i < S_K; ++i) step[i] = fma((float16)k[i], d[p], BY(i) * step[i]);
                    const int kept = rw_kept_slot(start + p, s.n, K, order);
                    if (kept >= 0) store_strip(step, RW_STATE_OUT(s, kept) + head + (long)j * S_K);
                }
            }
            fold(&x, state, (const float*)tail, d);
            int kept = rw_kept_slot(start + n - 1, s.n, K, order);
            if (start + n == t1 && kept < 0) kept = last;  // for the next dispatch
            if (kept >= 0) store_strip(state, RW_STATE_OUT(s, kept) + head + (long)j * S_K);
        }
    }
}
