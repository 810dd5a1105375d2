// Times of ggml's test-backend-ops, for comparison: the user names the executable.
#pragma once

#include <string>
#include <vector>

namespace rw::bench {

struct PeerTime {
    std::string words;    // the case in our words; empty where the line says something we do not know
    std::string backend;  // as the peer names it
    double seconds = 0;
};

/// Lines of `test-backend-ops perf -o GATED_DELTA_NET`.
std::vector<PeerTime> parse_peer(const std::string& output);
/// Runs the executable; throws Error(io) when it cannot be run or prints nothing of the kind.
std::vector<PeerTime> run_peer(const std::string& executable, const std::string& backend);

}  // namespace rw::bench
