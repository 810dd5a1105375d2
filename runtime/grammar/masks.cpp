#include "runtime/grammar/masks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rw::grammar {

Masks::Masks(const Program& program, const TokenTrie& trie) : program_(program), trie_(trie), path_(trie.longest() + 1) {
    forget();
}

void Masks::forget() {
    locals_.clear();
    bytes_ = 0;
    automaton_.emplace(program_, most_bytes);
}

void Masks::add(Stacks& stacks, const Places& places, TokenSet& tokens) {
    if (bytes() > most_bytes) forget();
    for (int attempt = 0;; ++attempt) {
        const uint64_t taken = stacks.bytes();
        try {
            return find(stacks, places, tokens);
        } catch (const Stacks::Full&) {
            forget();
            if (attempt == 0 && taken == stacks.bytes()) continue;
            throw Error(Status::out_of_memory,
                        fmt::format("the grammar is too ambiguous: which tokens fit needs more than {} MiB to find", most_bytes >> 20));
        }
    }
}

void Masks::find(Stacks& stacks, const Places& places, TokenSet& tokens) {
    Open open;
    for (auto& [base, all] : groups(stacks, places)) {
        const Local& here = local(node_of(std::move(all)));
        for (const int32_t token : here.few) tokens.add(token);
        if (here.many) tokens.add(*here.many);
        if (base != bottom && !here.open.empty()) open[base] = here.open;
    }
    // All that is open now lies deeper in the trie than what it came from, so this ends.
    while (!open.empty()) {
        const Open now = std::exchange(open, {});
        for (const auto& [base, from] : now)
            for (auto& [outer, all] : groups(stacks, stacks.leave(base))) {
                const Automaton::Node node = node_of(std::move(all));
                std::vector<uint32_t> more;
                for (const uint32_t i : from) walk(i + 1, trie_.nodes()[i].skip, node, tokens, &more);
                if (outer == bottom || more.empty()) continue;
                auto& all_open = open[outer];
                all_open.insert(all_open.end(), more.begin(), more.end());
                std::sort(all_open.begin(), all_open.end());
                all_open.erase(std::unique(all_open.begin(), all_open.end()), all_open.end());
            }
    }
}

/// The places as the automaton knows them, by the frame that is outside of what it knows.
Masks::Groups Masks::groups(Stacks& stacks, const Places& places) {
    Groups groups;
    for (const Place& p : places.all)
        for (const auto& [base, frame] : split(stacks, p.frame)) groups[base].push_back({p.state, frame});
    return groups;
}

/// Counted calls belong to the rule that they stand in, and to what is known. A count that no token can use up is any such.
std::map<Frame, Frame> Masks::split(Stacks& stacks, Frame frame) {
    const uint32_t more = uint32_t(trie_.longest()) + 1;
    std::vector<Entry> outside;
    std::map<Frame, std::vector<Entry>> inside;
    for (const Entry& e : stacks.entries(frame)) {
        if (e.call == no_call || !program_.calls[e.call].counted) {
            outside.push_back(e);
            continue;
        }
        for (const auto& [base, parent] : split(stacks, e.parent))
            inside[base].push_back({e.call, parent, std::min(e.need, more), std::min(e.left, more)});
    }
    if (inside.empty()) return {{frame, bottom}};
    if (!outside.empty()) inside[stacks.frame_of(std::move(outside))].push_back({no_call});
    std::map<Frame, Frame> frames;
    for (auto& [base, entries] : inside) frames[base] = automaton_->stacks().frame_of(std::move(entries));
    return frames;
}

Automaton::Node Masks::node_of(std::vector<Place> places) {
    automaton_->stacks().tidy(places);
    return automaton_->node_of({std::move(places), false});
}

const Masks::Local& Masks::local(Automaton::Node node) {
    const auto found = locals_.find(node);
    if (found != locals_.end()) return found->second;
    TokenSet tokens(trie_.size());
    Local local;
    walk(0, uint32_t(trie_.nodes().size()), node, tokens, &local.open);
    local.open.shrink_to_fit();
    if (tokens.count() * sizeof(int32_t) < tokens.bytes()) {
        local.few.reserve(tokens.count());
        tokens.each([&](int32_t token) { local.few.push_back(token); });
    } else {
        local.many = std::move(tokens);
    }
    const uint64_t more = 128 + local.few.size() * sizeof(int32_t) + (local.many ? local.many->bytes() : 0) +
                          local.open.size() * sizeof(uint32_t);
    if (bytes() + more > most_bytes) throw Stacks::Full();
    bytes_ += more;
    return locals_.emplace(node, std::move(local)).first->second;
}

void Masks::walk(uint32_t begin, uint32_t end, Automaton::Node node, TokenSet& tokens, std::vector<uint32_t>* open) {
    if (begin >= end) return;
    const auto nodes = trie_.nodes();
    const size_t outside = size_t(nodes[begin].depth) - 1;
    path_[0] = node;
    for (uint32_t i = begin; i < end;) {
        const TokenTrie::Node& n = nodes[i];
        const size_t depth = n.depth - outside;
        const Automaton::Node to = automaton_->next(path_[depth - 1], n.byte);
        if (to == Automaton::dead) {
            i = n.skip;
            continue;
        }
        for (const int32_t token : trie_.tokens_at(i)) tokens.add(token);
        if (automaton_->complete(to)) open->push_back(i);
        path_[depth] = to;
        i = automaton_->over(to) ? n.skip : i + 1;
    }
}

}  // namespace rw::grammar
