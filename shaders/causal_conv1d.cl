// CAUSAL_CONV1D. Equation, shapes and slots: rewind/ops/causal_conv1d.h.
//
// One work-item owns WIDTH channels of one sequence over some tokens, the window and the weights in private memory. A
// short call is one pass over all its tokens, which writes outputs and states. A long one is cut into pieces of TILE
// tokens whose outputs are written by one pass (it writes no state, so every piece may read it), and a second pass
// writes the slots from the last inputs. One expression for the output in both, hence the same bits. A channel's states
// are read before the item that owns them writes any: state_out may be state.
//
// Tunables: WIDTH, TILE (at least 8: only the first piece needs the state). Constants: TAPS, TYPE.
// Work: items C / WIDTH; groups B; pieces of tokens.
#include "rw.clh"
#include "rewind/ops/causal_conv1d.h"
#include "causal_conv1d_args.h"
#include "math.clh"
#include "load.clh"
#include "slots.clh"
#include "conv.clh"

static void run(RW_KERNEL_ARGS, const int out, const int keep) {
    const int c = (int)get_global_id(0) * WIDTH, b = (int)get_group_id(1);
    if (c >= block->p.C) return;
    const rw_sequence s = RW_SEQUENCE(b);
    const int slot = s.n ? RW_INPUT_SLOT(b) : -1;
    if (slot < 0) return;
    const int K = block->p.K, order = block->p.order;
    const int begin = out ? (int)get_group_id(2) * TILE : max(0, s.n - K);
    const int end = keep ? s.n : min(begin + TILE, s.n);
    if (begin >= end) return;

    const int silu = block->p.silu;
    const long x_t = block->p.x_t, o_t = block->p.o_t, out_slot = block->p.out_slot;
    __global const rw_elem* xs = RW_CONV_X(s, c);
    __global float* outs = RW_CONV_OUT(s, c);
    __global float* slots = RW_STATE_OUT(s, 0) + (long)c * (TAPS - 1);
    rw_vec w[TAPS], x[TAPS];
    __global const float* state = RW_STATE(s, slot) + (long)c * (TAPS - 1);
    for (int j = 0; j < TAPS - 1; ++j) {
        const int t = begin - (TAPS - 1) + j;
        x[j] = t < 0 ? RW_COLUMN(state, TAPS - 1 + t, TAPS - 1) : RW_CHANNELS(xs + t * x_t);
    }
    for (int j = 0; j < TAPS; ++j) w[j] = RW_COLUMN(RW_PTR(const float, weight) + (long)c * TAPS, j, TAPS);
    const rw_vec bias = RW_HAS(bias) ? RW_VEC_LOAD(RW_PTR(const float, bias) + c) : (rw_vec)0.0f;
    for (int t = begin; t < end; ++t) {
        x[TAPS - 1] = RW_CHANNELS(xs + t * x_t);
        if (out) RW_VEC_STORE(conv_out(w, x, bias, silu), outs + t * o_t);
        for (int j = 0; j < TAPS - 1; ++j) x[j] = x[j + 1];
        const int kept = keep ? rw_kept_slot(t, s.n, K, order) : -1;
        if (kept < 0) continue;
        __global float* to = slots + kept * out_slot;
        for (int j = 0; j < TAPS - 1; ++j) RW_PUT_COLUMN(x[j], to, j, TAPS - 1);
    }
}

RW_CONV_KERNELS(causal_conv1d)
