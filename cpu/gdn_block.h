// The memory that gdn_block-inl.h works in: what is known of a block of tokens while it is folded into a state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace rw::cpu {

constexpr int64_t kBlockColumns = 32;  // value columns solved together: enough to fill the registers with their sums
constexpr int64_t kChunk = 16;         // tokens of a prefill chunk

/// A block of at most W tokens, W <= 64 a multiple of 4, S_k <= 256. Row w of a matrix belongs to token w of the block,
/// but in `packed`, `dots` and `sums`: rows for the k of all tokens to compute, then rows for their q.
struct GdnBlock {
    int64_t W, S_k;
    bool channel;              // per-channel gates
    int64_t pitch, rows;       // W and 2 W, whole vectors of them
    float *k, *q;              // [W + 8][S_k], the same for all value heads of a key head
    float* dots;               // [rows][pitch]: k_w . k_s and q_w . k_s, likewise
    float *log_decay, *decay;  // [W][S_k] when per channel, else [W]
    float *dk, *dq;            // [W][S_k]: k, q decayed back to the base (per channel), or k and q themselves
    float* packed;             // [rows][S_k]: dk and dq in the order of gdn_tiles-inl.h
    float *D, *back;           // [W]: D(w, s) of the last w, D(w, -1); per channel all 1
    float* beta;               // [W]
    float *cm, *co;            // [W][pitch]: coefficients of d_s in m_w and o_w
    float *fold, *fold_decay;  // [W][S_k], [S_k]: k decayed to the block's end (scalar gate: k), the base's decay to there
    float* sums;               // [rows][kBlockColumns]: S . dk and S . dq
    float *d, *v;              // [W][kBlockColumns]
    size_t bytes;              // of all this

    GdnBlock(float* memory, int64_t W, int64_t S_k, bool channel)
        : W(W), S_k(S_k), channel(channel), pitch((W + 15) / 16 * 16), rows((2 * W + 15) / 16 * 16) {
        size_t used = 0;
        const auto take = [&](int64_t floats) {
            return memory + std::exchange(used, used + size_t(floats + 15) / 16 * 16);
        };
        const int64_t gates = channel ? W * S_k : pitch;
        k = take((W + 8) * S_k), q = take(W * S_k), dots = take(rows * pitch);
        log_decay = take(gates), decay = take(gates);
        dk = channel ? take(W * S_k) : k, dq = channel ? take(W * S_k) : q, packed = take(rows * S_k);
        D = take(pitch), back = take(W), beta = take(W), cm = take(W * pitch), co = take(W * pitch);
        fold = channel ? take(W * S_k) : k, fold_decay = take(S_k);
        sums = take(rows * kBlockColumns), d = take(W * kBlockColumns), v = take(W * kBlockColumns);
        bytes = used * sizeof(float);
    }
};

/// Bytes of a GdnBlock.
inline size_t block_bytes(int64_t W, int64_t S_k, bool channel) {
    float none = 0;
    return GdnBlock(&none, W, S_k, channel).bytes;
}

}  // namespace rw::cpu
