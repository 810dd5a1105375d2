// The choice of how much to draft, against made-up devices and texts whose costs and acceptance are known: how far it
// is from the best fixed setting, which nobody could have known, and whether it ever loses to plain decoding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rw::tools {

/// One world, the worst of several runs with other luck.
struct Regret {
    std::string world;
    bool p_auto = false;     // the threshold was learnt too
    int sequences = 1;
    int best_n = 0;          // of the fixed settings
    double best_p = 0;
    double regret = 0;       // 1 - tokens a second over those of the best fixed setting
    double to_plain = 1;     // tokens a second over those of plain decoding
    double drafts = 0;       // a sequence and round, in the last tenth
};

/// rounds: that plain decoding would take; runs: with luck from first_seed on. Seeds up to 516 were used while the
/// rules and constants were found, those from 601 on were not.
std::vector<Regret> controller_regrets(int rounds = 4000, int runs = 16, uint64_t first_seed = 601);
/// The same run twice gives the same seconds.
bool controller_repeats();

}  // namespace rw::tools
