// Prefill in chunks of C tokens (the WY form of the gated delta rule), a head's state in the lanes of gdn_lanes.glsl.
// With S the state before the chunk, G_r the sum of the log gates of tokens 0..r and D_rs that of tokens s+1..r:
//
//   A_rs = e^D_rs (k_s . k_r)   M_rs = e^D_rs (k_s . q_r)            s < r, once a work-group, in shared memory
//   u_r = beta_r (v_r - e^G_r S^T k_r - sum_{s<r} A_rs u_s)          forward substitution, never an inverse
//   o_r = scale (e^G_r S^T q_r + sum_{s<=r} M_rs u_s)
//   S <- e^G_C S + sum_r e^D_Cr k_r u_r^T
//
// With a gate per channel the decays are inside the dot products. Decays are exponentials of sums over just the tokens
// between the two: the difference of two long sums would lose its digits behind one gate of -1e4. The state is touched
// twice a chunk instead of twice a token; where a state inside the chunk has to be kept, the chunk is replayed token
// by token from the state before it.
//
// The includer provides `bool keeps(Sequence, int t)`: the state after token t is wanted; `void keep(Sequence, h, t)`
// stores it from S; `void row(Sequence, h, t)` may store token_delta of token t.
#ifndef REWIND_GDN_CHUNK_GLSL
#define REWIND_GDN_CHUNK_GLSL

layout(constant_id = 16) const int C = 16;  // 4, 8 or 16

shared vec4 chunk_k[C][S_k / 4], chunk_q[C][S_k / 4];                    // q: times e^G when the gate is per channel
shared vec4 chunk_ek[C][CHANNEL != 0 ? S_k / 4 : 1];                     // k times e^G
shared vec4 chunk_g[C][CHANNEL != 0 ? S_k / 4 : 1];                      // log decay, then decay, a channel
shared float chunk_decay[C], chunk_sum[C], chunk_rest[C], chunk_beta[C]; // scalar: g; e^G_r; e^D_Cr
shared float chunk_A[C][C], chunk_M[C][C];

/* Sum of the scalar log gates of tokens (after, upto]. */
float gate_sum(int after, int upto) {
    precise float sum = 0.0;
    [[dont_unroll]] for (int u = upto; u > after; --u) sum = sum + chunk_decay[u];
    return sum;
}

/* Rows and gates of n tokens from t on, one token a cluster at a time. */
void chunk_stage(Sequence s, int b, int h, int t, int n, int cluster, int clusters) {
    [[dont_unroll]] for (int r = cluster; r < C; r += clusters) {
        if (r >= n) break;
        vec4 k[PARTS], q[PARTS];
        lanes_rows(s, b, h, t + r, k, q);
        if (4 * lane < S_k)
            [[unroll]] for (int i = 0; i < PARTS; ++i) {
                chunk_k[r][lane + 8 * i] = k[i], chunk_q[r][lane + 8 * i] = q[i];
                if (CHANNEL != 0)
                    [[unroll]] for (int j = 0; j < 4; ++j)
                        chunk_g[r][lane + 8 * i][j] = log_decay(s, h, t + r, uint(4 * (lane + 8 * i) + j));
            }
        if (lane == 0) {
            chunk_beta[r] = step_size(s, h, t + r);
            chunk_decay[r] = CHANNEL != 0 ? 0.0 : log_decay(s, h, t + r, 0);
        }
    }
    barrier();
}

/* A and M: a cluster takes a row r and four columns s .. s + 3 at a time. */
void chunk_products(int n, int cluster, int clusters) {
    [[dont_unroll]] for (int e = cluster; e < C * C / 4; e += clusters) {
        const int r = e / (C / 4), s = 4 * (e % (C / 4));
        if (r >= n || s > r) continue;
        precise vec4 kk = vec4(0.0), kq = vec4(0.0);
        if (4 * lane < S_k)
            [[unroll]] for (int i = 0; i < PARTS; ++i) {
                const int at = lane + 8 * i;
                const vec4 k = chunk_k[r][at], q = chunk_q[r][at];
                precise vec4 sum = vec4(0.0), decay = vec4(1.0);
                if (CHANNEL != 0)
                    [[dont_unroll]] for (int u = r; u > s + 3; --u) sum = sum + chunk_g[u][at];
                [[unroll]] for (int x = 3; x >= 0; --x) {
                    if (s + x > r) continue;
                    if (CHANNEL != 0) {
                        [[unroll]] for (int j = 0; j < 4; ++j) decay[j] = exp_(sum[j]);
                        sum = sum + chunk_g[s + x][at];
                    }
                    precise vec4 other = decay * chunk_k[s + x][at];
                    [[unroll]] for (int j = 0; j < 4; ++j)
                        kk[x] = fma(other[j], k[j], kk[x]), kq[x] = fma(other[j], q[j], kq[x]);
                }
            }
        precise float own = lanes_transposed_sum(lane, kk, kq);
        const int column_s = s + (lane & 3);
        if (CHANNEL == 0 && column_s <= r) own = own * exp_(gate_sum(column_s, r));
        if (column_s > r) own = 0.0;
        if (lane < 4) chunk_A[r][column_s] = column_s < r ? own : 0.0;
        else chunk_M[r][column_s] = own;
    }
    // Columns beyond the groups above are multiplied by zero deltas: they only have to be finite.
    for (int e = int(gl_LocalInvocationIndex); e < C * C; e += int(gl_WorkGroupSize.x))
        if (e % C / 4 > e / C / 4) chunk_A[e / C][e % C] = chunk_M[e / C][e % C] = 0.0;
    const int r = int(gl_LocalInvocationIndex);
    if (CHANNEL == 0 && r < n) chunk_sum[r] = exp_(gate_sum(-1, r)), chunk_rest[r] = exp_(gate_sum(r, n - 1));
    barrier();
    if (CHANNEL == 0) return;
    [[dont_unroll]] for (int at = int(gl_LocalInvocationIndex); at < S_k / 4; at += int(gl_WorkGroupSize.x)) {
        precise vec4 sum = vec4(0.0);
        [[dont_unroll]] for (int x = 0; x < n; ++x) {
            const vec4 g = chunk_g[x][at];
            sum = sum + g;
            precise vec4 e = vec4(exp_(sum.x), exp_(sum.y), exp_(sum.z), exp_(sum.w));
            chunk_ek[x][at] = chunk_k[x][at] * e, chunk_q[x][at] *= e;
            chunk_g[x][at] = vec4(exp_(g.x), exp_(g.y), exp_(g.z), exp_(g.w));
        }
    }
    barrier();
}

/* Deltas of a chunk's tokens: lane l keeps those of tokens l and l + 8. */
vec4 chunk_low[GROUPS], chunk_high[GROUPS];

void chunk_deltas(Sequence s, int h, int t, int n) {
    [[unroll]] for (int x = 0; x < GROUPS; ++x) chunk_low[x] = chunk_high[x] = vec4(0.0);
    [[dont_unroll]] for (int r = 0; r < n; ++r) {
        const float A_low = lane < C ? chunk_A[r][min(lane, C - 1)] : 0.0, M_low = lane < C ? chunk_M[r][min(lane, C - 1)] : 0.0;
        const float A_high = C > 8 ? chunk_A[r][C > 8 ? lane + 8 : 0] : 0.0, M_high = C > 8 ? chunk_M[r][C > 8 ? lane + 8 : 0] : 0.0;
        precise vec4 m[GROUPS], o[GROUPS];
        [[unroll]] for (int x = 0; x < GROUPS; ++x) m[x] = o[x] = vec4(0.0);
        if (4 * lane < S_k)
            [[unroll]] for (int i = 0; i < PARTS; ++i) {
                const vec4 k = CHANNEL != 0 ? chunk_ek[r][lane + 8 * i] : chunk_k[r][lane + 8 * i], q = chunk_q[r][lane + 8 * i];
                [[unroll]] for (int c = 0; c < COLS; ++c)
                    [[unroll]] for (int j = 0; j < 4; ++j) {
                        m[c / 4][c % 4] = fma(S[c][i][j], k[j], m[c / 4][c % 4]);
                        o[c / 4][c % 4] = fma(S[c][i][j], q[j], o[c / 4][c % 4]);
                    }
            }
        const float decay = CHANNEL != 0 ? 1.0 : chunk_sum[r], beta = chunk_beta[r], M_own = chunk_M[r][r];
        const Place vr = v_row(s, h, t + r), to = o_row(s, h, t + r);
        [[unroll]] for (int x = 0; x < GROUPS; ++x) {
            m[x] = fma(chunk_low[x], vec4(A_low), fma(chunk_high[x], vec4(A_high), m[x] * decay));
            o[x] = fma(chunk_low[x], vec4(M_low), fma(chunk_high[x], vec4(M_high), o[x] * decay));
            const float mine = lanes_transposed_sum(lane, m[x], o[x]);
            precise float u = 0.0;
            if (own_column(x) < S_v) u = beta * (v_get(vr, uint(own_column(x))) - mine);
            token_delta[x] = lanes_gather(u);
            if (lane == r) chunk_low[x] = token_delta[x];
            if (lane + 8 == r) chunk_high[x] = token_delta[x];
            if (own_column(x) < S_v && lane >= 4) {
                precise float out_value = p.scale * fma(M_own, token_delta[x][lane & 3], mine);
                out_put(to, uint(own_column(x)), out_value);
            }
        }
        row(s, h, t + r);
    }
}

/* The deltas of token r, out of the lane that keeps them. */
void chunk_delta(int r) {
    const uint from = (gl_SubgroupInvocationID & ~7u) + uint(r & 7);
    [[unroll]] for (int x = 0; x < GROUPS; ++x) token_delta[x] = subgroupShuffle(r < 8 ? chunk_low[x] : chunk_high[x], from);
}

void chunk_fold(Sequence s, int h, int t, int n) {
    bool replay = CHANNEL != 0;
    [[dont_unroll]] for (int r = 0; r < n && !replay; ++r) replay = keeps(s, t + r);
    if (!replay) {
        const float decay = chunk_sum[n - 1];
        [[unroll]] for (int c = 0; c < COLS; ++c)
            [[unroll]] for (int i = 0; i < PARTS; ++i) {
                precise vec4 next = S[c][i] * decay;
                S[c][i] = next;
            }
    }
    [[dont_unroll]] for (int r = 0; r < n; ++r) {
        chunk_delta(r);
        const float e = replay ? exp_(chunk_decay[r]) : 1.0, weight = replay ? 1.0 : chunk_rest[r];
        [[unroll]] for (int i = 0; i < PARTS; ++i) {
            const int at = min(lane + 8 * i, S_k / 4 - 1);
            precise vec4 k = chunk_k[r][at] * weight;
            const vec4 by = CHANNEL != 0 ? chunk_g[r][at] : vec4(e);
            [[unroll]] for (int c = 0; c < COLS; ++c) {
                precise vec4 next = fma(k, vec4(token_delta[c / 4][c % 4]), by * S[c][i]);
                S[c][i] = next;
            }
        }
        if (keeps(s, t + r)) keep(s, h, t + r);
    }
}

/* Tokens [begin, end) of the sequence; every invocation of the work-group takes part. */
void chunk_tokens(Sequence s, int b, int h, int begin, int end) {
    const int cluster = lane_invocation() / LANES, clusters = int(gl_WorkGroupSize.x) / LANES;
    [[dont_unroll]] for (int t = begin; t < end; t += C) {
        const int n = min(C, end - t);
        barrier();  // the chunk before is done with
        chunk_stage(s, b, h, t, n, cluster, clusters);
        chunk_products(n, cluster, clusters);
        chunk_deltas(s, h, t, n);
        chunk_fold(s, h, t, n);
    }
}

#endif
