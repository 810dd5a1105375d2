// The kernel of the scan family: rewind/ops/scan.h. Per token t and column j of a head, s being the column:
//
//   [u = a . s]    s <- decay o s + key value_j  [+ b u]    y_j = query . s
//
// SHUFFLE=1: a cluster of eight lanes owns COLUMNS columns (4 or 8, which does not show in the bits); full subgroups of
// 8 or more lanes, COLUMNS divides S_v. SHUFFLE=0: one invocation a column, for any device. Either way the state stays
// in registers from the first token to the last, is read once and written once a kept slot, and there is no barrier:
// clusters of one work-group may belong to different heads. When tokens are split over dispatches the state in between
// lies in its own slot, or in the final one, which is written in any case. Sums: one vec4 a lane, added up in sum4's
// tree, then over the lanes.
//
// Work: groups ceil(H S_v / COLUMNS / (local / LANES)), B. A shader on a CPU driver has 65535 loop iterations in all:
// split over tokens.
//
// The op defines `struct Token` (and SCAN_PAIR for the pair a, b), includes this, and then defines the functions that
// are only declared here. Vectors are numbered i of 0 .. S_k / 4 - 1; SCAN_ROWS(x) declares a tensor x and
// x_vec(place, i).
#ifndef REWIND_SCAN_GLSL
#define REWIND_SCAN_GLSL

layout(local_size_x_id = 0) in;
layout(constant_id = 30) const int S_k = 128;
layout(constant_id = 31) const int S_v = 64;

#include "load.glsl"
#include "math.glsl"
#include "slots.glsl"

#if SHUFFLE
#include "lanes.glsl"
layout(constant_id = 33) const int COLUMNS = 4;  // 4 or 8
/* The sums over the lanes of x[0], x[1], ... : lane l gets that of column l % COLUMNS. */
float own_sum(int lane, float x[COLUMNS]) {
    const int high = COLUMNS - 4;  // with four columns, the same four once more
    return lanes_transposed_sum(lane, vec4(x[0], x[1], x[2], x[3]),
                                vec4(x[high], x[high + 1], x[high + 2], x[high + 3]));
}
float of_column(float own, int c) { return subgroupShuffle(own, (gl_SubgroupInvocationID & ~7u) + uint(c)); }
#define EACH [[unroll]]
#define SCAN_ROWS(x) \
    TENSOR_IN4(x)    \
    vec4 x##_vec(Place a, uint i) { return x##_get4(a, i); }
TENSOR_IO4(state_out)
vec4 kept_vec(Place a, uint i) { return state_out_get4(a, i); }
void keep(Place a, uint i, vec4 v) { state_out_put4(a, i, v); }
#else
const int LANES = 1, COLUMNS = 1;
float own_sum(int lane, float x[COLUMNS]) { return x[0]; }
float of_column(float own, int c) { return own; }
int lane_invocation() { return int(gl_LocalInvocationIndex); }
#define EACH [[dont_unroll]]
#define SCAN_ROWS(x) \
    TENSOR_IN(x)     \
    vec4 x##_vec(Place a, uint i) { return RW_GET4(x, a, i); }
TENSOR_IO(state_out)
vec4 kept_vec(Place a, uint i) { return RW_GET4(state_out, a, i); }
void keep(Place a, uint i, vec4 v) { RW_PUT4(state_out, a, i, v); }
#endif
SCAN_ROWS(state)
TENSOR_OUT(out)

/* Row of head h and token t of a token tensor with the strides x_h, x_t, x_b. */
#define SCAN_PLACE(name, x, h) skip(skip(skip(start(RW_ARG_##name), s.b, p.x##_b), s.token + t, p.x##_t), h, p.x##_h)

Token token(Sequence s, int h, int t);
vec4 decay_vec(Token x, uint i);
vec4 key_vec(Token x, uint i);
vec4 query_vec(Token x, uint i);
#ifdef SCAN_PAIR
vec4 pair_a(Token x, uint i);
vec4 pair_b(Token x, uint i);
#endif
float value(Token x, uint j);
float result(Token x, uint j, float y);

const int QUADS = S_k / 4, PARTS = (QUADS + LANES - 1) / LANES;  // vec4s of a column; of it in one lane
bool whole() { return QUADS % LANES == 0; }

void main() {
    const int b = int(gl_WorkGroupID.y), lane = lane_invocation() % LANES;
    const int cluster = int(gl_WorkGroupID.x) * (int(gl_WorkGroupSize.x) / LANES) + lane_invocation() / LANES;
    const int clusters = S_v / COLUMNS;  // of a head
    const bool live = cluster < clusters * p.H;  // the others take part in the shuffles, reading column 0
    const int h = live ? cluster / clusters : 0, j0 = live ? cluster % clusters * COLUMNS : 0;

    const Sequence s = sequence(b);
    if (s.n <= t0) return;
    const int slot = input_slot(b);
    if (slot < 0) return;
    const int end = min(s.n, t1), last = p.order == RW_ORDER_TRAILING ? p.K - 1 : 0;

    const uint head = uint(h * S_v + j0) * uint(QUADS);
    const int before = t0 == 0 ? -1 : kept_slot(t0 - 1, s.n);
    const Place given = skip(skip(start(RW_ARG_state), s.row, p.state_row), slot, p.state_slot);
    const Place own = skip(start(RW_ARG_state_out), s.row, p.out_row);
    const Place left = skip(own, before >= 0 ? before : last, p.out_slot);
    precise vec4 S[COLUMNS][PARTS];
    EACH for (int i = 0; i < PARTS; ++i)
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) {
            const uint at = head + uint(c * QUADS + lane + LANES * i);
            S[c][i] = vec4(0.0);
            if (whole() || lane + LANES * i < QUADS) {
                if (t0 == 0) S[c][i] = state_vec(given, at);
                else S[c][i] = kept_vec(left, at);
            }
        }

    for (int t = t0; t < end; ++t) {
        const Token x = token(s, h, t);
        precise vec4 sum[COLUMNS];
        precise float v[COLUMNS], parts[COLUMNS];
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) sum[c] = vec4(0.0), v[c] = value(x, uint(j0 + c));
#ifdef SCAN_PAIR
        EACH for (int i = 0; i < PARTS; ++i) {
            if (!whole() && lane + LANES * i >= QUADS) continue;
            const vec4 a = pair_a(x, uint(lane + LANES * i));
            [[unroll]] for (int c = 0; c < COLUMNS; ++c) sum[c] = fma(a, S[c][i], sum[c]);
        }
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) parts[c] = sum4(sum[c]), sum[c] = vec4(0.0);
        const float own_u = own_sum(lane, parts);
        float u[COLUMNS];
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) u[c] = of_column(own_u, c);
#endif
        int kept = kept_slot(t, s.n);
        if (kept < 0 && t + 1 == end) kept = last;  // for the next dispatch
        EACH for (int i = 0; i < PARTS; ++i) {
            if (!whole() && lane + LANES * i >= QUADS) continue;
            const uint at = uint(lane + LANES * i);
            const vec4 decay = decay_vec(x, at), key = key_vec(x, at), query = query_vec(x, at);
#ifdef SCAN_PAIR
            const vec4 back = pair_b(x, at);
#endif
            [[unroll]] for (int c = 0; c < COLUMNS; ++c) {
                precise vec4 next = fma(key, vec4(v[c]), decay * S[c][i]);
#ifdef SCAN_PAIR
                next = fma(back, vec4(u[c]), next);
#endif
                S[c][i] = next;
                sum[c] = fma(query, next, sum[c]);
            }
        }
        [[unroll]] for (int c = 0; c < COLUMNS; ++c) parts[c] = sum4(sum[c]);
        const float y = own_sum(lane, parts);
        if (live && lane < COLUMNS) {
            const uint j = uint(j0 + lane % COLUMNS);
            out_put(SCAN_PLACE(out, o, h), j, result(x, j, y));
        }
        if (kept >= 0 && live) {
            const Place to = skip(own, kept, p.out_slot);
            EACH for (int i = 0; i < PARTS; ++i)
                if (whole() || lane + LANES * i < QUADS)
                    [[unroll]] for (int c = 0; c < COLUMNS; ++c)
                        keep(to, head + uint(c * QUADS + lane + LANES * i), S[c][i]);
        }
    }
}

#endif
