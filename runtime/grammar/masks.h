// Which tokens fit, worked out for a whole vocabulary at once by walking its trie.
//
// Most of it depends on the rule that the text is in and not on the rules round it: inside a string it is always the
// same tokens, whatever the string is for. That part is found once for each such place and kept: the tokens that fit for
// certain, and the beginnings of tokens at which the rule has ended (`",` in a string), from where it is up to what called
// it. Only from those the walk goes on, with the frames at hand.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include "runtime/grammar/automaton.h"
#include "runtime/grammar/token_set.h"
#include "runtime/grammar/token_trie.h"

namespace rw::grammar {

class Masks {
public:
    /// Both have to outlive it.
    Masks(const Program& program, const TokenTrie& trie);

    /// Adds the tokens that fit at the places. Throws Error(out_of_memory) for a grammar too ambiguous to do it in.
    void add(Stacks& stacks, const Places& places, TokenSet& tokens);
    /// What is kept, and what it may come to before it is begun anew.
    uint64_t bytes() const { return automaton_->bytes() + bytes_; }
    static constexpr uint64_t most_bytes = 64 << 20;

private:
    struct Local {
        std::vector<int32_t> few{};       // tokens, where that is shorter
        std::optional<TokenSet> many{};
        std::vector<uint32_t> open{};     // nodes of the trie, in their order
    };
    using Open = std::map<Frame, std::vector<uint32_t>>;
    using Groups = std::map<Frame, std::vector<Place>>;

    void forget();
    void find(Stacks& stacks, const Places& places, TokenSet& tokens);
    Groups groups(Stacks& stacks, const Places& places);
    std::map<Frame, Frame> split(Stacks& stacks, Frame frame);
    Automaton::Node node_of(std::vector<Place> places);
    const Local& local(Automaton::Node node);
    void walk(uint32_t begin, uint32_t end, Automaton::Node node, TokenSet& tokens, std::vector<uint32_t>* open);

    const Program& program_;
    const TokenTrie& trie_;
    std::optional<Automaton> automaton_;
    std::unordered_map<Automaton::Node, Local> locals_;
    uint64_t bytes_ = 0;
    std::vector<Automaton::Node> path_;
};

}  // namespace rw::grammar
