// One output of the causal convolutions, as both definitions use it.
#pragma once

#include <cmath>

#include "reference/sequences.h"

namespace rw::reference {

template <class Params>
struct Conv {
    Run& run;
    const Params& p;
    int x_arg, weight, bias, out;

    size_t at(const Sequence& s, int c, int t) const { return s.at(t, p.N) * size_t(p.C) + size_t(c); }
    double x(const Sequence& s, int c, int t) const { return run.value[size_t(x_arg)][at(s, c, t)]; }
    /// Channel c of token t; input(t) is the channel's input, also for t < 0.
    template <class Input>
    void write(const Sequence& s, int c, int t, const Input& input) const {
        double y = run.has(bias) ? run.value[size_t(bias)][size_t(c)] : 0;
        for (int j = 0; j < p.d_conv; ++j)
            y += run.value[size_t(weight)][size_t(c * p.d_conv + j)] * input(t - (p.d_conv - 1) + j);
        if (p.silu) y /= 1 + std::exp(-y);
        run.write(out, at(s, c, t), y);
    }
};

}  // namespace rw::reference
