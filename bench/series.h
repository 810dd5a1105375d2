// What the report measures: times of one form of the gated delta rule on one device over a growing T.
#pragma once

#include <string>
#include <vector>

#include "tools/measure.h"

namespace rw::bench {

struct Point {
    int T = 0, K = 1;
    std::string implementation;
    double seconds = 0, bytes = 0, flops = 0;
};

struct Series {
    std::string device, form;  // form: "snapshots" or "ring"
    std::vector<Point> points;
};

/// One layer, 16 key and 32 value heads of 128. `grow_slots`: K = T snapshots (a verify that can be undone to any of
/// its tokens), else only the last state. Stops where a call takes longer than `patience` seconds.
Series over_tokens(core::Device& device, const std::string& form, const std::vector<int>& tokens, bool grow_slots, bool cold,
                   double patience);

}  // namespace rw::bench
