// The prefill path of GATED_DELTA_NET: chunks of kChunk tokens through gdn_block-inl.h, then the exact path for the rest.
//
// The state walks through the final slot of state_out, chunk by chunk, in place. The last tokens, those of an incomplete
// chunk and those whose states are kept when K > 1, are replayed by the exact path from the nearest chunk boundary.
//
// Tunable: kChunk. A token and head costs 6 S_k S_v + 2 kChunk (S_k + S_v) flops, the recurrence 8 S_k S_v in four
// multiply-adds or products a state element: with vector units alone there is little else to gain than what keeps the
// multiply-add units busy.
#if defined(REWIND_CPU_GDN_PREFILL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_CPU_GDN_PREFILL_INL_H
#undef REWIND_CPU_GDN_PREFILL_INL_H
#else
#define REWIND_CPU_GDN_PREFILL_INL_H
#endif

#include "cpu/gdn_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::cpu::HWY_NAMESPACE {

/// One value head of a call: its rows, its state before the call and where its final state goes.
template <class Params>
struct HeadState {
    RowSource<Params> source;
    const float* state;
    float* final;
};

/// Columns [begin, begin + columns) of the value heads that share a key head, over the first n tokens, a multiple of
/// kChunk. head(i): the i-th of `heads` HeadStates.
template <class Head>
void PrefillTokens(GdnBlock& x, int64_t heads, const Head& head, int64_t n, int64_t begin, int64_t columns) {
    const auto none = [](int64_t) -> float* { return nullptr; };
    for (int64_t t = 0; t < n; t += kChunk) {
        const Span span{0, kChunk, t};
        BlockKeys(x, span, head(0).source, none);
        if (t + kChunk < n) head(0).source.AskRows(t + kChunk, kChunk);
        for (int64_t i = 0; i < heads; ++i) {
            const auto h = head(i);
            const float* state = t ? h.final : h.state;
            BlockHead(x, span, h.source, none);
            for (int64_t c = begin; c < begin + columns; c += kBlockColumns) {
                if (columns >= kBlockColumns) BlockColumns<kBlockColumns>(x, span, h.source, c, state, h.final, none, none);
                else BlockColumns<16>(x, span, h.source, c, state, h.final, none, none);
            }
        }
    }
}

}  // namespace rw::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
