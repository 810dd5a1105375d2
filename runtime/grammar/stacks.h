// Where in a grammar a text is: states, each with what is to happen when its rule ends.
//
// That is a frame: the calls that may be returned from, each with the frame of its caller. A frame so stands for all the
// stacks below it, and rules entered at one place of the text share one, as in generalised LL parsing (Scott and
// Johnstone, 2010). Frames are immutable and kept once, whoever makes them; of each state there is one place. So however
// ambiguous a grammar is, a text has no more places than the grammar has states, and frames grow with its length at most.
//
// Frame 0 is the bottom: when it is left the text is complete.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "runtime/grammar/program.h"

namespace rw::grammar {

using Frame = uint32_t;
inline constexpr Frame bottom = 0;
inline constexpr uint32_t no_call = UINT32_MAX;  // of the bottom's entry

/// A call to return from.
struct Entry {
    uint32_t call;
    Frame parent = bottom;
    // Of a counted one: how many more there have to be and may be behind the one that is being read.
    uint32_t need = 0, left = 0;
    auto operator<=>(const Entry&) const = default;
};

struct Place {
    uint32_t state;
    Frame frame;
    auto operator<=>(const Place&) const = default;
};

struct Places {
    std::vector<Place> all{};  // sorted, one of a state
    bool complete = false;     // the text may end here
    bool none() const { return all.empty() && !complete; }
    bool operator==(const Places&) const = default;
};
uint64_t hash_of(const Places& places);

class Stacks {
public:
    /// The program has to outlive it. More memory than that is not taken: Full is thrown instead, and what was there stays.
    Stacks(const Program& program, uint64_t most_bytes);
    struct Full {};

    Places start();
    /// Behind one more byte; none() where it does not fit.
    Places step(const Places& places, uint8_t byte);
    /// What comes when the rule that the frame was made for has ended.
    Places leave(Frame frame);

    const std::vector<Entry>& entries(Frame frame) const { return *frames_[frame]; }
    Frame frame_of(std::vector<Entry> entries);
    /// Merges places of one state.
    void tidy(std::vector<Place>& places);
    uint64_t bytes() const { return bytes_; }

private:
    struct Hash {
        size_t operator()(const std::vector<Entry>& entries) const;
    };
    void begin();
    void go(uint32_t state, Frame frame);
    void enter(uint32_t call, Frame frame, uint32_t need, uint32_t left);
    void end(Frame frame);
    Places settle();

    const Program& program_;
    const uint64_t most_bytes_;
    uint64_t bytes_ = 0;
    std::unordered_map<std::vector<Entry>, Frame, Hash> known_;
    std::vector<const std::vector<Entry>*> frames_;

    // While places are worked out:
    std::vector<Place> work_, found_;
    std::vector<uint32_t> ended_;  // by frame: the turn in which it was left
    uint32_t turn_ = 0;
    bool complete_ = false;
    std::map<uint32_t, std::pair<uint32_t, std::vector<Entry>>> entered_;  // by rank: the rule and who called it
};

}  // namespace rw::grammar
