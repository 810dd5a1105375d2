// GATED_LINEAR_ATTENTION on the CPU. Equation and shapes: rewind/ops/gated_linear_attention.h; the frame: cpu/scan.h.
#include "rewind/ops/gated_linear_attention.h"

#include "cpu/scan.h"

namespace rw::cpu {
namespace {

using namespace ops::gated_linear_attention;

constexpr ScanArgs scan_args{arg::state, arg::in_slot, arg::seq, arg::first, arg::seq_len, arg::state_out};

struct Source {
    using Params = ops::gated_linear_attention::Params;
    const Launch& launch;
    const Params& p;
    const Sequence& s;
    int64_t h;

    ScanToken token(int64_t t, float*, const ScanArithmetic&) const {
        const int64_t row = s.token + t;
        const auto at = [&](int arg, int64_t head, int64_t token, int64_t b) {
            return launch.at<float>(arg) + h * head + row * token + s.b * b;
        };
        ScanToken x{at(arg::g, p.g_h, p.g_t, p.g_b), at(arg::k, p.k_h, p.k_t, p.k_b), at(arg::q, p.q_h, p.q_t, p.q_b),
                    nullptr, nullptr, at(arg::v, p.v_h, p.v_t, p.v_b), at(arg::out, p.o_h, p.o_t, p.o_b)};
        x.out_by = p.scale;
        return x;
    }
};

void run(const Launch& launch, const ScanArithmetic& arithmetic) { run_scan<Source>(launch, scan_args, arithmetic); }

}  // namespace

std::vector<Kernel> gated_linear_attention_kernels() { return scan_kernels<run>(); }

}  // namespace rw::cpu
