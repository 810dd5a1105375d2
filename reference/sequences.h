// How the definitions read seq, first, seq_len and in_slot: slots.h in words of plain loops.
#pragma once

#include "reference/reference.h"
#include "rewind/ops/slots.h"

namespace rw::reference {

/// One sequence of a call; skipped ones (padded, empty, out of range) have n = 0.
struct Sequence {
    int row = 0;    // pool row
    int n = 0;      // tokens
    int token = 0;  // row of its first token in the token axis
    int b = 0;      // index in the last axis of the token tensors
    /// Row of token t in a token tensor whose last two dimensions are [T, B] (or [N, 1]).
    size_t at(int t, int64_t T) const { return size_t(b) * size_t(T) + size_t(token + t); }
};

struct SequenceArgs {
    int seq, first, seq_len;
};

/// T, N and the pool size as in RW_SLOT_FIELDS. Raises fault bits as the kernels have to.
inline Sequence sequence(Run& run, const SequenceArgs& at, int b, int T, int N, int pool) {
    const int row = run.index(at.seq, b, b), n = run.index(at.seq_len, b, T);
    const bool packed = run.has(at.first);
    const int first = run.index(at.first, b, 0);
    if (row == -1) return {};
    if (row < -1 || row >= pool) return run.fault |= RW_FAULT_SEQ, Sequence{};
    if (n < 0 || n > T) return run.fault |= RW_FAULT_SEQ_LEN, Sequence{};
    if (n == 0) return {};
    if (packed && (first < 0 || first > N - n)) return run.fault |= RW_FAULT_FIRST, Sequence{};
    return {row, n, first, packed ? 0 : b};
}

}  // namespace rw::reference
