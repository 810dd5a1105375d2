// The definition of RWKV7_WKV, in double. Equation and shapes: rewind/ops/rwkv7_wkv.h.
#include "rewind/ops/rwkv7_wkv.h"

#include "reference/scan.h"

namespace rw::reference {

void rwkv7_wkv(Run& run) {
    using namespace ops::rwkv7_wkv;
    const Params p = params(run.call);
    const auto token = [&](size_t row, int h) {
        const auto of = [&](int arg) { return scan_row(run, arg, row, p.H, h, p.S_k); };
        return ScanToken{of(arg::w), of(arg::k), of(arg::r), of(arg::v), of(arg::a), of(arg::b)};
    };
    const auto result = [](size_t, int, int, double y) { return y; };
    scan(run, p, {arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::out, arg::state_out}, token, result);
}

}  // namespace rw::reference
