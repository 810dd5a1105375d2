// A block of at most W tokens against one state, which is touched twice a block instead of twice a token: the kernel of
// GATED_DELTA_NET_RING (blocks of W positions) and of the prefill path (the WY form in chunks of W tokens). A head's
// state is in the lanes of gdn_lanes.glsl.
//
// With S the state at the block's start, w and s counting tokens from there, a_w the decay of token w and
// D(w, s) = a_{s+1} .. a_w:
//
//   A_ws = D(w,s) (k_s . k_w)   M_ws = D(w,s) (k_s . q_w)                 once a work-group, in shared memory
//   d_w = beta_w (v_w - D(w,-1) S^T k_w - sum_{s<w} A_ws d_s)             forward substitution, never an inverse
//   o_w = scale (D(w,-1) S^T q_w + sum_{s<=w} M_ws d_s)
//   S <- a_w S + k_w d_w^T, w = 0, 1, ...                                 once all are known
//
// with the decays inside the dot products when the gate is per channel. Decays are products over just the tokens
// between, from the later one back, never quotients or differences of longer sums: no gate can make them overflow or
// cancel.
//
// New tokens are worked on Q at a time. The keys they are multiplied by are staged N at a time: those of `pending`
// tokens, the first of the block, from the rows that earlier calls left, the others from this call. Bits depend on a
// token's place in its block and on the data, not on N, Q or where its rows came from: each sum has one order, lane l
// of a cluster adding up the deltas of tokens l, l + 8, ...
//
// The includer provides `bool keeps(Sequence, int t)`: the state after token t of the call is wanted; `void
// keep(Sequence, h, t)` stores it from S; `void row(Sequence, h, t)` may store token_delta and `void key_row(Sequence,
// h, t, k, g)` the key and log decays of token t. With BLOCK_PENDING, for rows of earlier calls (t < 0): old_key4(s, h,
// t, i) and old_gate4(s, h, t, i) of channels 4 i .., scalar old_gate(s, h, t), old_delta4(s, h, t, column) of four
// columns.
//
// Loops that are never empty have their `break` at the end: for one in front, a software device runs the body once more
// with all lanes masked.
#ifndef REWIND_GDN_BLOCK_GLSL
#define REWIND_GDN_BLOCK_GLSL

layout(constant_id = 16) const int W = 16;  // a multiple of 4
layout(constant_id = 17) const int N = 16;  // divides W
layout(constant_id = 18) const int Q = 8;   // at most N
const int SLOTS = W > 8 ? W / 8 : 1;        // tokens whose deltas a lane keeps
const int K4 = S_k / 4;

shared vec4 block_k[N][K4];                      // keys
shared vec4 block_e[N][CHANNEL != 0 ? K4 : 1];   // decays a channel
shared float block_a[W];                         // scalar decays
shared vec4 tile_k[Q][K4], tile_q[Q][K4];        // of the new tokens; times D(w,-1) when the gate is per channel
shared vec4 tile_scalars[Q];                     // beta, D(w,-1) of a scalar gate, M_ww
shared float tile_A[Q][W], tile_M[Q][W];         // with a scalar gate D(w,s) at first

/* The block and the tile of new tokens that is worked on. */
struct Block {
    Sequence s;
    int b, h;
    int origin;          // token 0 of the block in the call; negative when there are pending ones
    int pending;         // tokens of earlier calls
    int tile, n;         // first token of the tile, tokens in it, all of one N
    int cluster, clusters;
};
vec4 block_d[SLOTS][GROUPS];  // deltas of token lane + 8 x, 0 while there are none

/* A key of this call and its decays, into their place among the N. */
void block_put_key(int w, vec4 k[PARTS], vec4 g[PARTS]) {
    if (CHANNEL != 0) lanes_exp(g);
    if (4 * lane < S_k)
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            block_k[w % N][lane + 8 * i] = k[i];
            if (CHANNEL != 0) block_e[w % N][lane + 8 * i] = g[i];
        }
}

/* Rows and gates of the tile, one token a cluster at a time. */
void block_stage(Block x) {
    [[dont_unroll]] for (int r = x.cluster; r < x.n; r += x.clusters) {
        const int w = x.tile + r, t = x.origin + w;
        vec4 k[PARTS], q[PARTS], g[PARTS];
        lanes_key(x.s, x.b, x.h, t, k);
        lanes_query(x.s, x.b, x.h, t, q);
        lanes_log_decay(x.s, x.h, t, g);
        key_row(x.s, x.h, t, k, g);
        block_put_key(w, k, g);
        if (4 * lane < S_k)
            [[unroll]] for (int i = 0; i < PARTS; ++i) tile_k[r][lane + 8 * i] = k[i], tile_q[r][lane + 8 * i] = q[i];
        if (lane == 0) {  // no continue: the next turn's shuffles want all lanes back
            tile_scalars[r].x = step_size(x.s, x.h, t);
            if (CHANNEL == 0) block_a[w] = exp_(g[0].x);
        }
    }
#ifdef BLOCK_PENDING
    if (CHANNEL == 0)
        [[dont_unroll]] for (int w = int(gl_LocalInvocationIndex); w < x.pending; w += int(gl_WorkGroupSize.x))
            block_a[w] = exp_(old_gate(x.s, x.h, x.origin + w));
#endif
}

/* Keys and decays of tokens [first, last), all of one N. */
void block_keys(Block x, int first, int last) {
    const int local = int(gl_LocalInvocationIndex), size = int(gl_WorkGroupSize.x);
#ifdef BLOCK_PENDING
    [[dont_unroll]] for (int e = first * K4 + local; e < min(last, x.pending) * K4; e += size) {
        const int w = e / K4, i = e % K4;
        block_k[w % N][i] = old_key4(x.s, x.h, x.origin + w, i);
        if (CHANNEL == 0) continue;
        vec4 g = old_gate4(x.s, x.h, x.origin + w, i);
        [[unroll]] for (int j = 0; j < 4; ++j) g[j] = exp_(g[j]);
        block_e[w % N][i] = g;
    }
#endif
    if (N == W) return;  // those of this call have stayed
    [[dont_unroll]] for (int w = max(first, x.pending) + x.cluster; w < last; w += x.clusters) {
        vec4 k[PARTS], g[PARTS];
        lanes_key(x.s, x.b, x.h, x.origin + w, k);
        if (CHANNEL != 0) lanes_log_decay(x.s, x.h, x.origin + w, g);
        block_put_key(w, k, g);
    }
}

/* Scalar gate: decays from each token of the tile back to those before it. */
void block_decays(Block x) {
    [[dont_unroll]] for (int r = int(gl_LocalInvocationIndex); r < x.n; r += int(gl_WorkGroupSize.x)) {
        precise float D = 1.0;
        [[dont_unroll]] for (int s = x.tile + r;;) {
            tile_A[r][s] = tile_M[r][s] = D;
            D = D * block_a[s];
            if (--s < 0) break;
        }
        tile_scalars[r].y = D;
    }
}

/* Leaves products with tokens s .. s + 3 in A and M of row r: lane l < 4 has A's, lane 4 + l M's of token s + l. */
void block_put(Block x, int r, int s, float own) {
    const int at = s + (lane & 3), w = x.tile + r;
    if (lane < 4) tile_A[r][at] = at < w ? own : 0.0;
    else tile_M[r][at] = at <= w ? own : 0.0;
    if (lane >= 4 && at == w) tile_scalars[r].z = own;
}

/* Products of the tile's rows with the N keys from `first` on, as far as there are any: four a cluster at a time. */
void block_products(Block x, int first) {
    const int fours = (min(x.tile + x.n - first, N) + 3) / 4;
    [[dont_unroll]] for (int e = x.cluster; e < x.n * fours; e += x.clusters) {
        const int r = e / fours, s = first + 4 * (e % fours);
        precise vec4 kk = vec4(0.0), kq = vec4(0.0);
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const int at = min(lane + 8 * i, K4 - 1);
            const vec4 k = tile_k[r][at], q = tile_q[r][at];
            [[unroll]] for (int y = 0; y < 4; ++y) {
                const vec4 key = block_k[(s + y) % N][at];
                [[unroll]] for (int j = 0; j < 4; ++j)
                    kk[y] = fma(key[j], k[j], kk[y]), kq[y] = fma(key[j], q[j], kq[y]);
            }
        }
        if (4 * lane >= S_k) kk = kq = vec4(0.0);
        precise float own = lanes_transposed_sum(lane, kk, kq);
        const int at = s + (lane & 3);
        own = own * (lane < 4 ? tile_A[r][at] : tile_M[r][at]);
        block_put(x, r, s, own);
    }
}

/* The same with a gate per channel: a cluster takes a row's k and q on, back to token `first`. */
void block_walk(Block x, int first) {
    [[dont_unroll]] for (int r = x.cluster; r < x.n; r += x.clusters) {
        const int w = x.tile + r;
        precise vec4 dk[PARTS], dq[PARTS];
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const int at = min(lane + 8 * i, K4 - 1);
            dk[i] = tile_k[r][at], dq[i] = tile_q[r][at];
            if (4 * lane >= S_k) dk[i] = dq[i] = vec4(0.0);
        }
        [[dont_unroll]] for (int s = min(first + N - 4, w & ~3);;) {
            precise vec4 kk = vec4(0.0), kq = vec4(0.0);
            [[unroll]] for (int y = 3; y >= 0; --y) {
                [[unroll]] for (int i = 0; i < PARTS; ++i) {
                    const int at = min(lane + 8 * i, K4 - 1);
                    const vec4 key = block_k[(s + y) % N][at];
                    [[unroll]] for (int j = 0; j < 4; ++j)
                        kk[y] = fma(key[j], dk[i][j], kk[y]), kq[y] = fma(key[j], dq[i][j], kq[y]);
                    const vec4 e = s + y <= w ? block_e[(s + y) % N][at] : vec4(1.0);
                    dk[i] = dk[i] * e, dq[i] = dq[i] * e;
                }
            }
            if (4 * lane >= S_k) kk = kq = vec4(0.0);
            block_put(x, r, s, lanes_transposed_sum(lane, kk, kq));
            s -= 4;
            if (s < first) break;
        }
        if (4 * lane < S_k)
            [[unroll]] for (int i = 0; i < PARTS; ++i) tile_k[r][lane + 8 * i] = dk[i], tile_q[r][lane + 8 * i] = dq[i];
    }
}

/* Deltas of the pending tokens. */
void block_pending(Block x) {
    [[unroll]] for (int y = 0; y < SLOTS; ++y)
        [[unroll]] for (int g = 0; g < GROUPS; ++g) {
            block_d[y][g] = vec4(0.0);
#ifdef BLOCK_PENDING
            const int w = lane + 8 * y, from = column + 4 * g;
            if (w < x.pending && from < S_v) block_d[y][g] = old_delta4(x.s, x.h, x.origin + w, from);
#endif
        }
}

/* Deltas and outputs of the tile's tokens. */
void block_deltas(Block x) {
    [[dont_unroll]] for (int r = 0;;) {
        const int w = x.tile + r, t = x.origin + w;
        precise vec4 m[GROUPS], o[GROUPS];
        [[unroll]] for (int g = 0; g < GROUPS; ++g) m[g] = o[g] = vec4(0.0);
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const int at = min(lane + 8 * i, K4 - 1);
            const vec4 k = tile_k[r][at], q = tile_q[r][at];
            [[unroll]] for (int c = 0; c < COLS; ++c)
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    m[c / 4][c % 4] = fma(S[c][i][j], k[j], m[c / 4][c % 4]);
                    o[c / 4][c % 4] = fma(S[c][i][j], q[j], o[c / 4][c % 4]);
                }
        }
        const vec4 scalars = tile_scalars[r];
        [[unroll]] for (int g = 0; g < GROUPS; ++g) {
            if (4 * lane >= S_k) m[g] = o[g] = vec4(0.0);
            if (CHANNEL == 0) m[g] = m[g] * scalars.y, o[g] = o[g] * scalars.y;
        }
        [[unroll]] for (int y = 0; y < SLOTS; ++y) {
            const int at = lane + 8 * y;
            const bool before = at < w;
            const float A = before ? tile_A[r][min(at, W - 1)] : 0.0, M = before ? tile_M[r][min(at, W - 1)] : 0.0;
            [[unroll]] for (int g = 0; g < GROUPS; ++g)
                m[g] = fma(block_d[y][g], vec4(A), m[g]), o[g] = fma(block_d[y][g], vec4(M), o[g]);
        }
        const Place vr = v_row(x.s, x.h, t), to = o_row(x.s, x.h, t);
        [[unroll]] for (int g = 0; g < GROUPS; ++g) {
            const float mine = lanes_transposed_sum(lane, m[g], o[g]);
            precise float d = 0.0;
            if (own_column(g) < S_v) d = scalars.x * (v_get(vr, uint(own_column(g))) - mine);
            token_delta[g] = lanes_gather(d);
            [[unroll]] for (int y = 0; y < SLOTS; ++y)
                if (lane + 8 * y == w) block_d[y][g] = token_delta[g];
            if (own_column(g) < S_v && lane >= 4) {
                precise float out_value = p.scale * fma(scalars.z, token_delta[g][lane & 3], mine);
                out_put(to, uint(own_column(g)), out_value);
            }
        }
        row(x.s, x.h, t);
        if (++r >= x.n) break;
    }
}

/* S <- a_w S + k_w d_w^T */
void block_apply(Block x, int w) {
    const uint from = (gl_SubgroupInvocationID & ~7u) + uint(w & 7);
    [[unroll]] for (int g = 0; g < GROUPS; ++g) {
        vec4 d = block_d[0][g];
        [[unroll]] for (int y = 1; y < SLOTS; ++y)
            if (w / 8 == y) d = block_d[y][g];
        token_delta[g] = subgroupShuffle(d, from);
    }
    const float a = CHANNEL == 0 ? block_a[w] : 0.0;
    [[unroll]] for (int i = 0; i < PARTS; ++i) {
        const int at = min(lane + 8 * i, K4 - 1);
        token_k[i] = block_k[w % N][at];
        token_e[i] = CHANNEL == 0 ? vec4(a) : block_e[w % N][at];
    }
    lanes_update();
}

/* The state after tokens 0 .. n - 1 of the block. */
void block_fold(Block x, int n) {
    [[dont_unroll]] for (int w = 0; w < n;) {
        if (N < W && w % N == 0) {
            barrier();
            block_keys(x, w, min(w + N, n));
            barrier();
        }
        const int stop = N < W ? min(w / N * N + N, n) : n;
        [[dont_unroll]] for (;;) {
            block_apply(x, w);
            if (++w >= stop || keeps(x.s, x.origin + w - 1)) break;
        }
        if (keeps(x.s, x.origin + w - 1)) keep(x.s, x.h, x.origin + w - 1);
    }
}

/* Tokens [begin, end) of the call, not none, of which token `begin` is number `place` of its block: S is the state at
   that block's start and becomes that at the start of the block that token `end` is in, or after token end - 1 when
   `fold_rest`. Every invocation of the work-group takes part. */
void block_tokens(Sequence s, int b, int h, int begin, int end, int place, bool fold_rest) {
    Block x = Block(s, b, h, begin - place, place, 0, 0, lane_invocation() / LANES, int(gl_WorkGroupSize.x) / LANES);
    [[dont_unroll]] for (;;) {
        const int last = min(end - x.origin, W);
        block_pending(x);
        x.tile = x.pending;
        [[dont_unroll]] for (;;) {
            x.n = min(min(Q, last - x.tile), N - x.tile % N);
            barrier();  // shared memory is done with
            block_stage(x);
            [[dont_unroll]] for (int first = x.tile / N * N;;) {
                block_keys(x, N == W && x.tile > x.pending ? x.tile : first, min(first + N, x.tile));
                barrier();
                if (CHANNEL == 0) {
                    if (first == x.tile / N * N) block_decays(x);
                    barrier();
                    block_products(x, first);
                } else {
                    block_walk(x, first);
                }
                barrier();
                first -= N;
                if (first < 0) break;
            }
            block_deltas(x);
            x.tile += x.n;
            if (x.tile >= last) break;
        }
        if (last == W || fold_rest) block_fold(x, last);
        x.origin += W, x.pending = 0;
        if (x.origin >= end) break;
    }
}

#endif
