#include "runtime/grammar/matcher.h"

#include <fmt/format.h>

namespace rw::grammar {
namespace {

constexpr uint64_t most_bytes = uint64_t(256) << 20;  // of one text's frames
constexpr size_t most_sets = 32;                      // kept for places that return

struct PlacesHash {
    size_t operator()(const Places& p) const { return size_t(hash_of(p)); }
};

/// What the constraints of a text share.
struct Text {
    std::shared_ptr<Matcher> matcher;
    std::mutex mutex;
    Stacks stacks;
    std::unordered_map<Places, std::shared_ptr<const TokenSet>, PlacesHash> sets;

    explicit Text(std::shared_ptr<Matcher> m) : matcher(std::move(m)), stacks(matcher->grammar().program(), most_bytes) {}

    std::shared_ptr<const TokenSet> set_of(const Places& places) {
        auto found = sets.find(places);
        if (found != sets.end()) return found->second;
        TokenSet tokens(matcher->trie().size());
        matcher->find(stacks, places, tokens);
        if (places.complete || tokens.count() == 0)
            for (const int32_t end : matcher->trie().ends()) tokens.add(end);
        if (sets.size() >= most_sets) sets.clear();
        return sets[places] = std::make_shared<const TokenSet>(std::move(tokens));
    }
};

[[noreturn]] void too_ambiguous() {
    throw Error(Status::out_of_memory, fmt::format("the text has more ways through the grammar than {} MiB can hold", most_bytes >> 20));
}

class Position : public sample::Constraint {
public:
    Position(std::shared_ptr<Text> text, Places places, bool ended)
        : text_(std::move(text)), places_(std::move(places)), ended_(ended) {}

    bool allows(int32_t token) const override {
        const std::scoped_lock lock(text_->mutex);
        if (trie().ends(checked(token))) return ended_ || places_.complete || set().has(token);
        if (ended_) return false;
        return set_ ? set_->has(token) : !behind(token).none();
    }

    void mask(std::span<float> logits) const override {
        const std::scoped_lock lock(text_->mutex);
        if (logits.size() < trie().size())
            throw Error(Status::invalid_argument, fmt::format("{} logits for a vocabulary of {}", logits.size(), trie().size()));
        set().mask(logits);
    }

    std::shared_ptr<const sample::Constraint> after(int32_t token) const override {
        if (!allows(token))
            throw Error(Status::invalid_argument, fmt::format("token {} does not fit the grammar where the text is", token));
        if (trie().ends(token)) return std::make_shared<Position>(text_, Places(), true);
        const std::scoped_lock lock(text_->mutex);
        return std::make_shared<Position>(text_, behind(token), false);
    }

private:
    const TokenTrie& trie() const { return text_->matcher->trie(); }
    int32_t checked(int32_t token) const {
        if (token < 0 || size_t(token) >= trie().size())
            throw Error(Status::range, fmt::format("token {}: the vocabulary has 0 to {}", token, trie().size() - 1));
        return token;
    }
    /// Nothing fits behind what is no text.
    Places behind(int32_t token) const try {
        const std::string_view bytes = trie().bytes(token);
        Places places = bytes.empty() ? Places() : places_;
        for (size_t i = 0; i < bytes.size() && !places.none(); ++i) places = text_->stacks.step(places, uint8_t(bytes[i]));
        return places;
    } catch (const Stacks::Full&) {
        too_ambiguous();
    }
    const TokenSet& set() const {
        if (!set_) set_ = text_->set_of(places_);  // places of an ended text: none, so the ends
        return *set_;
    }

    const std::shared_ptr<Text> text_;
    const Places places_;
    const bool ended_;
    mutable std::shared_ptr<const TokenSet> set_;
};

}  // namespace

Matcher::Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie)
    : grammar_(std::move(grammar)), trie_(std::move(trie)), masks_(grammar_->program(), *trie_) {}

std::shared_ptr<const sample::Constraint> Matcher::start() try {
    auto text = std::make_shared<Text>(shared_from_this());
    Places places = text->stacks.start();
    return std::make_shared<Position>(std::move(text), std::move(places), false);
} catch (const Stacks::Full&) {
    too_ambiguous();
}

void Matcher::find(Stacks& stacks, const Places& places, TokenSet& tokens) {
    const std::scoped_lock lock(mutex_);
    masks_.add(stacks, places, tokens);
}

}  // namespace rw::grammar
