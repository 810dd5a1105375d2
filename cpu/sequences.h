// How CPU kernels read seq, first, seq_len and in_slot (rewind/ops/slots.h).
#pragma once

#include "cpu/cpu.h"
#include "rewind/ops/slots.h"

namespace rw::cpu {

/// One sequence of a call. n = 0: skipped (padded, empty, or out of range, which raises a fault).
struct Sequence {
    int64_t row = 0;    // pool row
    int64_t n = 0;      // tokens
    int64_t token = 0;  // row of the first token in the token axis
    int64_t b = 0;      // index in the last axis of the token tensors
};

template <class Params>
Sequence sequence(const Launch& launch, const Params& p, int b, int seq_arg, int first_arg, int seq_len_arg) {
    const int32_t* seq = launch.at<const int32_t>(seq_arg);
    const int32_t* first = launch.at<const int32_t>(first_arg);
    const int32_t* len = launch.at<const int32_t>(seq_len_arg);
    const int row = seq ? seq[b] : b, n = len ? len[b] : p.T;
    if (row == -1) return {};
    if (row < -1 || row >= p.pool) return launch.raise(RW_FAULT_SEQ), Sequence{};
    if (n < 0 || n > p.T) return launch.raise(RW_FAULT_SEQ_LEN), Sequence{};
    if (n == 0) return {};
    if (!first) return {row, n, 0, b};
    if (first[b] < 0 || first[b] > p.N - n) return launch.raise(RW_FAULT_FIRST), Sequence{};
    return {row, n, first[b], 0};
}

/// The input slot, or -1 with a fault raised.
template <class Params>
int64_t input_slot(const Launch& launch, const Params& p, int b, int in_slot_arg) {
    const int32_t* slots = launch.at<const int32_t>(in_slot_arg);
    const int slot = slots ? slots[b] : 0;
    if (slot >= 0 && slot < p.K_in) return slot;
    launch.raise(RW_FAULT_SLOT);
    return -1;
}

}  // namespace rw::cpu
