// What the contracts of SSM_SCAN, RWKV7_WKV and GATED_LINEAR_ATTENTION share.
#pragma once

#include "core/ops/slots.h"
#include "rewind/ops/scan.h"

namespace rw::ops {

/// S_k, S_v and H as in rewind/ops/scan.h.
struct ScanSizes {
    int64_t S_k, S_v, H;
    int64_t state() const { return S_k * S_v * H; }
};

/// A token tensor [width, heads, T, B] of a scan.
struct ScanRows {
    int arg;
    const char* name;
    int64_t width, heads;
    const char* spelled;
};

/// Checks the shapes of token tensors, that their rows are contiguous and their strides fit.
void validate_scan_rows(const Check& check, const Tokens& n, std::initializer_list<ScanRows> rows);
/// Checks that a head size is a multiple of 16 in 16..256.
void validate_scan_width(const Check& check, const char* name, int64_t size);

template <class Params>
void fill_scan(const Call& call, const SlotArgs& at, const ScanSizes& s, Params& p) {
    fill_slots(call, at, p);
    p.S_k = int32_t(s.S_k), p.S_v = int32_t(s.S_v), p.H = int32_t(s.H);
}

inline void strides(const Tensor& t, int32_t& head, int32_t& row, int32_t& b) {
    head = int32_t(t.stride(1)), row = int32_t(t.stride(2)), b = int32_t(t.stride(3));
}

/// States in and out once, each token row once; flops: 5 an element of S and token, 9 with the pair a, b.
Cost scan_cost(const Call& call, const SlotArgs& at, const ScanSizes& s, double token_floats, bool pair);

/// NMSE against the double definition, per slot and head for states, per sequence and head for out. States: a rounding
/// error decays with the state it was made in, so over T tokens their relative sum is at most T 2^-24, and the removal
/// pair's dot product adds at most S_k 2^-24. Where the decay is an exp of rounded numbers, `exponent` times 2^-24 more:
/// e^x is off by x times the error of x, a few 2^-24, and past x = 88 nothing is left of the state. The square of all
/// that together, never above 1e-7. out: 1e-7, the bar of the field; how much of a dot product query . s cancels is up
/// to the data, so no formula in sizes is tighter and true.
double scan_tolerance(const ScanSizes& s, int64_t tokens, bool is_state, int exponent = 0);

}  // namespace rw::ops
