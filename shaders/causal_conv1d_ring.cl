// CAUSAL_CONV1D_RING. Equation, shapes and what is stored: rewind/ops/causal_conv1d_ring.h.
//
// One work-item owns WIDTH channels of one sequence over some tokens, the window and the weights in private memory. A
// short call is one pass over all its tokens, which writes outputs and, the window having been read, ring rows. A long
// one is cut into pieces of TILE tokens whose outputs are written by one pass (it leaves the ring alone, so every piece
// may read it), and a second pass stores the last inputs. One expression for the output in both, hence the same bits.
//
// Tunables: WIDTH, TILE (at least 8: only the first piece needs the ring). Constants: TAPS, TYPE.
// Work: items C / WIDTH; groups B; pieces of tokens.
#include "rw.clh"
#include "rewind/ops/causal_conv1d_ring.h"
#include "causal_conv1d_ring_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "conv.clh"

static void run(RW_KERNEL_ARGS, const int out, const int keep) {
    const int c = (int)get_global_id(0) * WIDTH, b = (int)get_group_id(1);
    if (c >= block->p.C) return;
    const rw_sequence s = RW_SEQUENCE(b);
    const int pos = s.n ? RW_PTR(const int, pos)[b] : -1, R = block->p.R;
    if (pos > INT_MAX - s.n) rw_raise(fault, RW_FAULT_POS);
    if (pos < 0 || pos > INT_MAX - s.n) return;
    const int stored = max(0, s.n - R);  // tokens from here on are stored
    const int begin = (out ? 0 : stored) + (int)get_group_id(2) * TILE;
    const int end = out && keep ? s.n : min(begin + TILE, s.n);
    if (begin >= end) return;

    __global float* ring = RW_PTR(float, ring) + (long)s.row * block->p.ring_b + c;
    const int silu = block->p.silu;
    const long x_t = block->p.x_t, o_t = block->p.o_t, ring_r = block->p.ring_r;
    __global const rw_elem* xs = RW_CONV_X(s, c);
    __global float* outs = RW_CONV_OUT(s, c);
    rw_vec w[TAPS], x[TAPS];
    for (int j = 0; out && j < TAPS - 1; ++j) {
        const int t = begin - (TAPS - 1) + j;
        if (t >= 0) x[j] = RW_CHANNELS(xs + t * x_t);
        else if (pos + t >= 0) x[j] = RW_VEC_LOAD(ring + (pos + t) % R * ring_r);
        else x[j] = (rw_vec)0.0f;
    }
    for (int j = 0; j < TAPS; ++j) w[j] = RW_COLUMN(RW_PTR(const float, weight) + (long)c * TAPS, j, TAPS);
    const rw_vec bias = RW_HAS(bias) ? RW_VEC_LOAD(RW_PTR(const float, bias) + c) : (rw_vec)0.0f;
    for (int t = begin; t < end; ++t) {
        const rw_vec now = x[TAPS - 1] = RW_CHANNELS(xs + t * x_t);
        if (out) RW_VEC_STORE(conv_out(w, x, bias, silu), outs + t * o_t);
        if (keep && t >= stored) RW_VEC_STORE(now, ring + (pos + t) % R * ring_r);
        for (int j = 0; j < TAPS - 1; ++j) x[j] = x[j + 1];
    }
}

RW_CONV_KERNELS(causal_conv1d_ring)
