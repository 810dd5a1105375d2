#include "runtime/grammar/automaton.h"

namespace rw::grammar {

Automaton::Automaton(const Program& program, uint64_t most_bytes)
    : program_(program), most_bytes_(most_bytes), stacks_(program, most_bytes) {
    node_of({});  // dead
}

Automaton::Node Automaton::node_of(Places places) {
    const auto found = known_.find(places);
    if (found != known_.end()) return found->second;
    const uint64_t more = places.all.size() * sizeof(Place) + program_.kinds * sizeof(Node) + 96;
    if (bytes() + more > most_bytes_) throw Stacks::Full();
    next_.resize(next_.size() + program_.kinds, unknown);
    const auto [entry, added] = known_.emplace(std::move(places), Node(nodes_.size()));
    nodes_.push_back(&entry->first);
    flags_.push_back(uint8_t(entry->first.complete | (entry->first.all.empty() << 1)));
    bytes_ += more;
    return entry->second;
}

Automaton::Node Automaton::find_next(Node node, uint8_t byte) {
    const Node to = node_of(stacks_.step(*nodes_[node], byte));
    return next_[size_t(node) * program_.kinds + program_.kind[byte]] = to;
}

}  // namespace rw::grammar
