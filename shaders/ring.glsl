// Bases and rows of a ring, addressed by position as rewind/ops/gated_delta_net_ring.h defines it. Needs load.glsl and
// slots.glsl.
#ifndef REWIND_RING_GLSL
#define REWIND_RING_GLSL

INDEX(pos)

int ring_slot(int position) { return position % (p.W * p.n_base); }
Place ring_k_row(int row, int position, int kh) {
    return skip(skip(skip(start(RW_ARG_ring_k), row, p.rk_b), ring_slot(position), p.rk_t), kh, p.rk_h);
}
Place ring_d_row(int row, int position, int h) {
    return skip(skip(skip(start(RW_ARG_ring_d), row, p.rd_b), ring_slot(position), p.rd_t), h, p.rd_h);
}
Place ring_g_row(int row, int position, int h) {
    return skip(skip(skip(start(RW_ARG_ring_g), row, p.rg_b), ring_slot(position), p.rg_t), h, p.rg_h);
}
Place base_of(int row, int block) {
    return skip(skip(start(RW_ARG_base), row, p.base_row), block % p.n_base, p.base_slot);
}

#ifdef RW_BIND_seq_len
/* Sequence b and the position of its first token; n = 0 when it is skipped. */
Sequence placed(int b, out int position) {
    Sequence s = sequence(b);
    position = pos_at(b, 0);
    if (position < 0) s.n = 0;
    if (s.n > 0 && position > 0x7fffffff - s.n) {
        raise(RW_FAULT_POS);
        s.n = 0;
    }
    return s;
}
/* First position whose row and base are still kept after a call that ends at `end`; may be negative. */
int oldest_kept(int end) { return (end / p.W - p.n_base + 1) * p.W; }
/* One value head of each key head stores the shared key row. */
bool stores_key(int h) { return p.heads == RW_HEADS_TILED ? h < p.H_k : h % (p.H_v / p.H_k) == 0; }
#endif

#endif
