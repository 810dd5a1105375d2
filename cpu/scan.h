// The frame of the CPU kernels of SSM_SCAN, RWKV7_WKV and GATED_LINEAR_ATTENTION (rewind/ops/scan.h): who works on what,
// where a token's state comes from and goes to. An op adds a Source, which says what a token is; an implementation adds
// the arithmetic of a block of columns.
#pragma once

#include "cpu/sequences.h"
#include "rewind/ops/scan.h"

namespace rw::cpu {

/// Columns that stay with one worker for all tokens: 16 of 256 floats are half of a small first-level cache.
constexpr int scan_columns = 16;

/// One token of one head, as the arithmetic wants it: y_j = query . s after s <- decay o s + key value_j [+ b (a . s)],
/// value_j = value_by value[j], out[j] = out_by y_j [+ skip value[j]].
struct ScanToken {
    const float *decay, *key, *query, *a, *b;  // S_k each; decay is one number when shared_decay; a, b may be null
    const float* value;                        // S_v, as is out
    float* out;
    bool shared_decay = false, has_skip = false;
    float value_by = 1, out_by = 1, skip = 0;
};

struct ScanArgs {
    int state, in_slot, seq, first, seq_len, state_out;
};

/// columns(token, S_k, n, from, to): n columns of one token, states packed one after the other; from may equal to.
/// Source(launch, p, sequence, head).token(t, decay): token t of the sequence; `decay` has room for S_k floats.
template <class Source, class Columns>
void run_scan(const Launch& launch, const ScanArgs& at, Columns&& columns) {
    const auto& p = launch.as<typename Source::Params>();
    const int blocks = (p.S_v + scan_columns - 1) / scan_columns;
    const int64_t units = int64_t(p.B) * p.H * blocks;
    const int64_t share = std::max<int64_t>(1, units / (16 * threads()));  // columns are independent: any share will do
#pragma omp parallel
    {
        const FlushDenormals flush;
        alignas(64) float working[scan_columns * 256], decay[256];
#pragma omp for schedule(dynamic, share)
        for (int64_t unit = 0; unit < units; ++unit) {
            const int b = int(unit / (int64_t(p.H) * blocks)), h = int(unit / blocks % p.H);
            const int first = int(unit % blocks) * scan_columns, n = std::min(scan_columns, p.S_v - first);
            const Sequence s = sequence(launch, p, b, at.seq, at.first, at.seq_len);
            const int64_t slot = s.n ? input_slot(launch, p, b, at.in_slot) : -1;
            if (slot < 0) continue;
            const Source source(launch, p, s, h);
            const int64_t offset = (int64_t(h) * p.S_v + first) * p.S_k;
            const float* from =
                launch.at<const float>(at.state) + s.row * p.state_row + slot * p.state_slot + offset;
            float* kept = launch.at<float>(at.state_out) + s.row * p.out_row + offset;
            for (int64_t t = 0; t < s.n; ++t) {
                ScanToken token = source.token(t, decay);
                token.value += first, token.out += first;
                const int slot_out = ops::kept_slot(int(t), int(s.n), p.K, p.order);
                float* to = slot_out < 0 ? working : kept + int64_t(slot_out) * p.out_slot;
                columns(token, p.S_k, n, from, to);
                from = to;
            }
        }
    }
}

/// The arithmetic in scalar C++, for any CPU.
inline void plain_scan_columns(const ScanToken& x, int S_k, int n, const float* from, float* to) {
    for (int j = 0; j < n; ++j, from += S_k, to += S_k) {
        const float value = x.value_by * x.value[j];
        float u = 0, y = 0;
        if (x.a)
            for (int i = 0; i < S_k; ++i) u += x.a[i] * from[i];
        for (int i = 0; i < S_k; ++i) {
            float s = x.decay[x.shared_decay ? 0 : i] * from[i] + x.key[i] * value;
            if (x.b) s += u * x.b[i];
            to[i] = s, y += x.query[i] * s;
        }
        x.out[j] = x.has_skip ? x.out_by * y + x.skip * x.value[j] : x.out_by * y;
    }
}

}  // namespace rw::cpu
