// The frame of the CPU kernels of SSM_SCAN, RWKV7_WKV and GATED_LINEAR_ATTENTION (rewind/ops/scan.h): who works on what,
// where a token's state comes from and goes to. An op adds a Source, which says what a token is; scan.cpp has the
// arithmetic, in scalar C++ and for each instruction set.
#pragma once

#include "cpu/parallel.h"
#include "cpu/sequences.h"
#include "cpu/targets.h"
#include "rewind/ops/scan.h"

namespace rw::cpu {

/// One token of one head: y_j = query . s after s <- decay o s + key value_j [+ b (a . s)], where value_j is value_by
/// value[j]; out[j] = out_by y_j [+ skip value[j]].
struct ScanToken {
    const float *decay, *key, *query, *a, *b;  // S_k each; decay is one number when shared_decay; a, b may be null
    const float* value;                        // S_v, as is out
    float* out;
    bool shared_decay = false, has_skip = false;
    float value_by = 1, out_by = 1, skip = 0;
};

struct ScanArithmetic {
    /// Columns [first, first + n) of a token; from and to point at column `first` and may be equal.
    void (*columns)(const ScanToken& token, int S_k, int first, int n, const float* from, float* to);
    void (*exp)(float* x, int64_t n);       // in place; n is a multiple of 16
    void (*softplus)(float* x, int64_t n);
};

struct ScanArgs {
    int state, in_slot, seq, first, seq_len, state_out;
};

/// Floats of state that go through all tokens together: half of a small first-level cache. They are whole columns, so
/// a token's rows are read once for the whole of a 64 x 64 head.
constexpr int scan_block_floats = 4096;

/// Source(launch, p, sequence, head).token(t, decay, arithmetic): token t of the sequence; `decay` has room for S_k.
template <class Source>
void run_scan(const Launch& launch, const ScanArgs& at, const ScanArithmetic& arithmetic) {
    const auto& p = launch.as<typename Source::Params>();
    const int block = std::min(p.S_v, scan_block_floats / p.S_k / 4 * 4);
    const int64_t heads = std::max(1, 16 / p.S_v);  // one worker's, so that a unit is worth handing out
    const int64_t groups = (p.H + heads - 1) / heads;
    const int64_t parts = column_parts(p.B * groups, std::max(1, p.S_v / 16));
    const int part = int(((p.S_v + parts - 1) / parts + 3) / 4) * 4;
    for_units(p.B * groups * parts, [&](int64_t unit) {
        alignas(64) float working[scan_block_floats], decay[256];
        const int b = int(unit / parts / groups), begin = int(unit % parts) * part;
        const int64_t h0 = unit / parts % groups * heads;
        const Sequence s = sequence(launch, p, b, at.seq, at.first, at.seq_len);
        const int64_t slot = s.n ? input_slot(launch, p, b, at.in_slot) : -1;
        if (slot < 0) return;
        const float* state = launch.at<const float>(at.state) + s.row * p.state_row + slot * p.state_slot;
        float* kept = launch.at<float>(at.state_out) + s.row * p.out_row;
        for (int64_t h = h0; h < std::min<int64_t>(h0 + heads, p.H); ++h) {
            const Source source{launch, p, s, h};
            for (int j = begin, n; j < std::min(begin + part, p.S_v); j += n) {
                n = std::min(block, std::min(begin + part, p.S_v) - j);
                const int64_t offset = (h * p.S_v + j) * p.S_k;
                const float* from = state + offset;
                for (int64_t t = 0; t < s.n; ++t) {
                    const int to_slot = ops::kept_slot(int(t), int(s.n), p.K, p.order);
                    float* to = to_slot < 0 ? working : kept + to_slot * int64_t(p.out_slot) + offset;
                    const ScanToken token = source.token(t, decay, arithmetic);
                    arithmetic.columns(token, p.S_k, j, n, from, to);
                    from = to;
                }
            }
        }
    });
}

/// The arithmetic for one of Highway's targets, by its place in the target list; null when not compiled.
const ScanArithmetic* scan_arithmetic(size_t at);
extern const ScanArithmetic plain_scan_arithmetic;

using RunScan = void(const Launch&, const ScanArithmetic&);

template <RunScan* run, size_t... kAt>
std::vector<Kernel> scan_kernels(size_t (*scratch)(const void*), std::index_sequence<kAt...>) {
    const TargetTable table = {
        (scan_arithmetic(kAt) ? +[](const Launch& launch) { run(launch, *scan_arithmetic(kAt)); } : nullptr)...};
    std::vector<Kernel> list = target_kernels(table, std::index_sequence<kAt...>(), scratch);
    list.push_back({"cpu:plain", nullptr, [](const Launch& launch) { run(launch, plain_scan_arithmetic); }, scratch});
    return list;
}

/// The kernels of an op: one an instruction set, then cpu:plain.
template <RunScan* run>
std::vector<Kernel> scan_kernels(size_t (*scratch)(const void*) = nullptr) {
    return scan_kernels<run>(scratch, std::make_index_sequence<HWY_MAX_DYNAMIC_TARGETS>());
}

}  // namespace rw::cpu
