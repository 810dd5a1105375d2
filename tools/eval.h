// One op applied to arrays: what `rewind ops eval` does between reading and writing files.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/npy.h"

namespace rw::tools {

struct Evaluation {
    std::string op;
    std::string backend;  // a device, or "reference": the definition in double precision
    std::string impl;     // "" = the best that takes the call
    std::vector<std::string> attr;    // "k=v"; K=n sets the slots of state_out
    std::map<std::string, Npy> input;  // by argument name; outputs may be given as well, for the bytes they start with
};

struct Evaluated {
    std::string device, implementation;
    std::vector<std::pair<std::string, Npy>> output;  // in the order of the op's row
};

/// Throws rw::Error naming the argument, what was expected and what came.
Evaluated evaluate(const Evaluation& request);

}  // namespace rw::tools
