// The definition of GATED_LINEAR_ATTENTION, in double. Equation and shapes: rewind/ops/gated_linear_attention.h.
#include "rewind/ops/gated_linear_attention.h"

#include "reference/scan.h"

namespace rw::reference {

void gated_linear_attention(Run& run) {
    using namespace ops::gated_linear_attention;
    const Params p = params(run.call);
    const auto token = [&](size_t row, int h) {
        const auto of = [&](int arg, int width) { return scan_row(run, arg, row, p.H, h, width); };
        return ScanToken{of(arg::g, p.S_k), of(arg::k, p.S_k), of(arg::q, p.S_k), of(arg::v, p.S_v), {}, {}};
    };
    const auto result = [&](size_t, int, int, double y) { return double(p.scale) * y; };
    scan(run, p, {arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::out, arg::state_out}, token, result);
}

}  // namespace rw::reference
