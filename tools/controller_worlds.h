// Made-up devices and texts, whose costs and acceptance are known, for the choice of how much to draft.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace rw::tools {

struct World {
    /// Of a token behind `place - 1` others of a draft that stood; token: of the sequence; luck: a draft's own, from 0 to 1.
    using Share = std::function<double(int sequence, double token, int place, double luck)>;
    /// Seconds; token: how far sequences are, on average.
    using Cost = std::function<double(int n, double token)>;

    const char* name;
    Share share;                                    // of such tokens that stand
    Cost drafting;                                  // of the longest draft
    Cost rest;                                      // of all else, by the drafts of all sequences
    int sequences = 1;
    std::function<double(double share)> belief{};   // what the drafter says; none: it cannot tell, and p_min has no part
    int plain = 0;                                  // sequences that never draft, the first
    int least = 0;                                  // n_min
    int reading = 0;                                // first rounds, in which it guesses nothing and takes `reads` seconds
    double reads = 0;
    double first = 1;                               // so much longer takes the first round with so many drafts
    int length = 1;                                 // of the text, times as long as the others

    template <class T>
    World with(T World::* what, T value) const {
        World w = *this;
        w.*what = value;
        return w;
    }
};

std::vector<World> controller_worlds();

}  // namespace rw::tools
