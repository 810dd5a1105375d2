// The recurrence that the definitions of SSM_SCAN, RWKV7_WKV and GATED_LINEAR_ATTENTION share (rewind/ops/scan.h): plain
// loops over sequences, heads, tokens and columns, in double.
#pragma once

#include "reference/sequences.h"

namespace rw::reference {

/// One token of one head. a and b are empty without the pair.
struct ScanToken {
    std::vector<double> decay, key, query, value, a, b;
};

/// Argument indices of the slots.
struct ScanArgs {
    int state, in_slot, seq, first, seq_len, out, state_out;
};

/// Entries [0, width) of the row of head h in a packed token tensor [width, heads, N, ..].
inline std::vector<double> scan_row(const Run& run, int arg, size_t row, int heads, int h, int width) {
    const double* x = &run.value[size_t(arg)][(row * size_t(heads) + size_t(h)) * size_t(width)];
    return {x, x + width};
}

/// token(row, h): the token in row `row` of the token tensors; result(row, h, j, y): column j's output from y.
template <class Params, class Token, class Result>
void scan(Run& run, const Params& p, const ScanArgs& at, Token&& token, Result&& result) {
    const std::vector<double> state = run.value[size_t(at.state)];
    const size_t S_k = size_t(p.S_k), S_v = size_t(p.S_v), D = S_k * S_v * size_t(p.H);
    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {at.seq, at.first, at.seq_len}, b, p.T, p.N, p.pool);
        const int slot = run.index(at.in_slot, b, 0);
        if (s.n == 0) continue;
        if (slot < 0 || slot >= p.K_in) {
            run.fault |= RW_FAULT_SLOT;
            continue;
        }
        for (int h = 0; h < p.H; ++h) {
            const size_t head = size_t(h) * S_k * S_v;
            const double* from = &state[(size_t(s.row) * size_t(p.K_in) + size_t(slot)) * D + head];
            std::vector<double> S(from, from + S_k * S_v);
            for (int t = 0; t < s.n; ++t) {
                const size_t row = s.at(t, p.N);
                const ScanToken x = token(row, h);
                for (size_t j = 0; j < S_v; ++j) {
                    double* column = &S[j * S_k];
                    double u = 0, y = 0;
                    if (!x.a.empty())
                        for (size_t i = 0; i < S_k; ++i) u += x.a[i] * column[i];
                    for (size_t i = 0; i < S_k; ++i) {
                        column[i] = x.decay[i] * column[i] + x.key[i] * x.value[j];
                        if (!x.b.empty()) column[i] += u * x.b[i];
                        y += x.query[i] * column[i];
                    }
                    run.write(at.out, (row * size_t(p.H) + size_t(h)) * S_v + j, result(row, h, int(j), y));
                }
                const int kept = ops::kept_slot(t, s.n, p.K, p.order);
                if (kept < 0) continue;
                const size_t to = (size_t(s.row) * size_t(p.K) + size_t(kept)) * D + head;
                for (size_t e = 0; e < S_k * S_v; ++e) run.write(at.state_out, to + e, S[e]);
            }
        }
    }
}

}  // namespace rw::reference
