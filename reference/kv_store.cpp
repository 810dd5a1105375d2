// The definition of KV_STORE. Equation and shapes: rewind/ops/kv_store.h.
#include "rewind/ops/kv_store.h"

#include "reference/round.h"
#include "reference/sequences.h"

namespace rw::reference {
namespace {

/// The values of a block of q8_0 that holds the 32 at x.
void rounded_to_q8_0(const double* x, double* values) {
    float most = 0;
    bool number = true;
    for (int i = 0; i < 32; ++i) most = std::max(most, float(std::fabs(x[i]))), number = number && !std::isnan(x[i]);
    const double d = rounded(Type::f16, most * RW_Q8_0_STEP);
    for (int i = 0; i < 32; ++i) {
        // Rounding to double makes no tie: x has 24 digits and d 11, so what is none is further from it than that.
        const double q = d > 0 ? std::clamp(std::nearbyint(x[i] / d), -127.0, 127.0) : 0;
        values[i] = number && std::isfinite(d) ? d * q : std::numeric_limits<double>::quiet_NaN();
    }
}

void store_row(Run& run, int from, size_t from_row, int to, size_t to_row, size_t D) {
    const Type type = run.call.arg[size_t(to)].type;
    const double* x = &run.value[size_t(from)][from_row * D];
    std::vector<double> values(D);
    for (size_t i = 0; i < D; i += type == Type::q8_0 ? 32 : 1)
        if (type == Type::q8_0) rounded_to_q8_0(x + i, &values[i]);
        else values[i] = rounded(type, x[i]);
    for (size_t i = 0; i < D; ++i) run.write(to, to_row * D + i, values[i]);
}

}  // namespace

void kv_store(Run& run) {
    using namespace ops::kv_store;
    const Params p = params(run.call);
    const auto store = [&](const Sequence& s, int pos, int from, int to, int D) {
        for (int t = 0; t < s.n; ++t)
            for (int h = 0; h < p.H; ++h)
                store_row(run, from, s.at(t, p.N) * size_t(p.H) + size_t(h), to,
                          (size_t(s.row) * size_t(p.R) + size_t(pos + t)) * size_t(p.H) + size_t(h), size_t(D));
    };
    for (int b = 0; b < p.B; ++b) {
        const Sequence s = sequence(run, {arg::seq, arg::first, arg::seq_len}, b, p.T, p.N, p.pool);
        const int pos = run.index(arg::pos, b, 0);
        if (s.n == 0 || pos < 0) continue;
        if (pos > p.R - s.n) {
            run.fault |= RW_FAULT_POS;
            continue;
        }
        store(s, pos, arg::k, arg::cache_k, p.D_k);
        store(s, pos, arg::v, arg::cache_v, p.D_v);
    }
}

}  // namespace rw::reference
