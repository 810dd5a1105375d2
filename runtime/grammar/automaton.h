// The part of matching that does not depend on how the text got here: from places whose outer frames are not known, bytes
// lead to the next such places, each worked out once. A number stands for a set of places.
//
// complete means here that the known part has ended: what comes next is up to the frames outside.
#pragma once

#include "runtime/grammar/stacks.h"

namespace rw::grammar {

class Automaton {
public:
    using Node = uint32_t;
    static constexpr Node dead = 0;

    /// The program has to outlive it. Throws Stacks::Full when there is no more room.
    Automaton(const Program& program, uint64_t most_bytes);

    Stacks& stacks() { return stacks_; }
    Node node_of(Places places);
    bool complete(Node node) const { return flags_[node] & 1; }
    /// No byte can follow.
    bool over(Node node) const { return flags_[node] & 2; }
    Node next(Node node, uint8_t byte) {
        Node& next = next_[size_t(node) * program_.kinds + program_.kind[byte]];
        return next != unknown ? next : find_next(node, byte);
    }
    uint64_t bytes() const { return bytes_ + stacks_.bytes(); }

private:
    static constexpr Node unknown = UINT32_MAX;
    struct Hash {
        size_t operator()(const Places& p) const { return size_t(hash_of(p)); }
    };
    Node find_next(Node node, uint8_t byte);

    const Program& program_;
    const uint64_t most_bytes_;
    uint64_t bytes_ = 0;
    Stacks stacks_;
    std::unordered_map<Places, Node, Hash> known_;
    std::vector<const Places*> nodes_;
    std::vector<uint8_t> flags_;
    std::vector<Node> next_;
};

}  // namespace rw::grammar
