#include "core/ops/scan.h"

namespace rw::ops {

void validate_scan_rows(const Check& check, const Tokens& n, std::initializer_list<ScanRows> rows) {
    for (const ScanRows& r : rows) {
        check.shape(r.arg, r.name, {r.width, r.heads, n.packed ? n.N : n.T, n.packed ? 1 : n.B}, r.spelled);
        check.rows(r.arg, r.name);
        check.fits(r.arg, r.name);
    }
}

void validate_scan_width(const Check& check, const char* name, int64_t size) {
    check.supported(size >= 16 && size <= 256 && size % 16 == 0, name, " is a multiple of 16 in 16..256; got ", size);
}

Cost scan_cost(const Call& call, const SlotArgs& at, const ScanSizes& s, double token_floats, bool pair) {
    const Tokens n = tokens_of(call, at);
    const double tokens = double(token_count(call, at)), kept = double(std::min(call.arg[at.state_out].ne[1], n.T));
    Cost cost;
    cost.bytes = 4 * (tokens * token_floats + double(s.state()) * double(n.B) * (1 + kept));
    cost.flops = tokens * double(s.state()) * (pair ? 9 : 5);
    return cost;
}

double scan_tolerance(const ScanSizes& s, int64_t tokens, bool is_state, int exponent) {
    const double sum = double(s.S_k + tokens + exponent) * 0x1p-24;
    return is_state ? std::min(1e-7, sum * sum) : 1e-7;
}

}  // namespace rw::ops
