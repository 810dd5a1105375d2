// RWKV7_WKV on the CPU. Equation and shapes: rewind/ops/rwkv7_wkv.h; the frame: cpu/scan.h.
#include "rewind/ops/rwkv7_wkv.h"

#include "cpu/scan.h"

namespace rw::cpu {
namespace {

using namespace ops::rwkv7_wkv;

constexpr ScanArgs scan_args{arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::state_out};

struct Source {
    using Params = ops::rwkv7_wkv::Params;
    const Launch& launch;
    const Params& p;
    const Sequence& s;
    int64_t h;

    ScanToken token(int64_t t, float*, const ScanArithmetic&) const {
        const int64_t row = s.token + t;
        const auto at = [&](int arg, int64_t head, int64_t token, int64_t b) {
            return launch.at<float>(arg) + h * head + row * token + s.b * b;
        };
        return {at(arg::w, p.w_h, p.w_t, p.w_b), at(arg::k, p.k_h, p.k_t, p.k_b), at(arg::r, p.r_h, p.r_t, p.r_b),
                at(arg::a, p.a_h, p.a_t, p.a_b), at(arg::b, p.b_h, p.b_t, p.b_b), at(arg::v, p.v_h, p.v_t, p.v_b),
                at(arg::out, p.o_h, p.o_t, p.o_b)};
    }
};

void run(const Launch& launch, const ScanArithmetic& arithmetic) { run_scan<Source>(launch, scan_args, arithmetic); }

}  // namespace

std::vector<Kernel> rwkv7_wkv_kernels() { return scan_kernels<run>(); }

}  // namespace rw::cpu
