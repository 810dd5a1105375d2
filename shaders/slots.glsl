// Sequences and state slots as rewind/ops/slots.h defines them. Needs block.glsl and load.glsl before it.
#ifndef REWIND_SLOTS_GLSL
#define REWIND_SLOTS_GLSL

/* One sequence of the call. n = 0: skipped (padded, empty, or out of range, which raises a fault). */
struct Sequence {
    int row;    /* pool row */
    int n;      /* tokens */
    int token;  /* row of the first token in the token axis */
    int b;      /* index in the last axis of the token tensors */
};

#ifdef RW_BIND_seq
INDEX(seq)
#endif

#ifdef RW_BIND_seq_len
INDEX(first)
INDEX(seq_len)

Sequence sequence(int b) {
    const Sequence none = Sequence(0, 0, 0, 0);
    const int row = seq_at(b, b), n = seq_len_at(b, p.T), token = first_at(b, 0);
    if (row == -1) return none;
    uint bad = row < -1 || row >= p.pool ? RW_FAULT_SEQ : n < 0 || n > p.T ? RW_FAULT_SEQ_LEN : 0u;
    if (bad == 0 && n > 0 && p.packed != 0 && (token < 0 || token > p.N - n)) bad = RW_FAULT_FIRST;
    if (bad != 0) {
        raise(bad);
        return none;
    }
    return Sequence(row, n, token, p.packed != 0 ? 0 : b);
}
#endif

#ifdef RW_BIND_in_slot
INDEX(in_slot)

/* The slot that holds the input state of sequence b, or -1 with a fault raised. */
int input_slot(int b) {
    const int slot = in_slot_at(b, 0);
    if (slot >= 0 && slot < p.K_in) return slot;
    raise(RW_FAULT_SLOT);
    return -1;
}

/* The slot that token t of n is kept in, or -1. */
int kept_slot(int t, int n) {
    const int slot = p.order == RW_ORDER_TRAILING ? t - (n - p.K) : n - 1 - t;
    return slot < p.K ? slot : -1;
}
#endif

#endif
