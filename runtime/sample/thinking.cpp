#include "runtime/sample/thinking.h"

#include <algorithm>
#include <limits>

#include "rewind/ops/contract.h"

namespace rw::sample {
namespace {

/// How much of `wanted` ends a text, of which that much ended it before the token.
size_t matched(const std::vector<int32_t>& wanted, size_t so_far, int32_t token) {
    std::vector<int32_t> seen(wanted.begin(), wanted.begin() + std::ptrdiff_t(so_far));
    seen.push_back(token);
    for (size_t n = std::min(seen.size(), wanted.size()); n > 0; --n)
        if (std::equal(seen.end() - std::ptrdiff_t(n), seen.end(), wanted.begin())) return n;
    return 0;
}

class Thought : public Constraint {
public:
    struct Terms {
        ThinkingTokens tokens;
        int64_t budget;
        std::shared_ptr<const Constraint> rules;
    };
    struct State {
        bool inside;
        size_t matched = 0;  // of the end inside, of the start outside
        int64_t spent = 0;
    };
    Thought(std::shared_ptr<const Terms> terms, const State& state) : terms_(std::move(terms)), state_(state) {}

    bool allows(int32_t token) const override {
        if (const int32_t only = forced(); only >= 0) return token == only;
        if (!terms_->rules) return true;
        return state_.inside ? !ends(token) : token == terms_->tokens.start[0] || terms_->rules->allows(token);
    }

    void mask(std::span<float> logits) const override {
        constexpr float never = -std::numeric_limits<float>::infinity();
        if (const int32_t only = forced(); only >= 0) {
            const float kept = logits[size_t(only)];
            std::fill(logits.begin(), logits.end(), never);
            logits[size_t(only)] = kept;
        } else if (terms_->rules && state_.inside) {
            for (const int32_t end : terms_->tokens.ends) logits[size_t(end)] = never;
        } else if (terms_->rules) {
            const float kept = logits[size_t(terms_->tokens.start[0])];
            terms_->rules->mask(logits);
            logits[size_t(terms_->tokens.start[0])] = kept;
        }
    }

    std::shared_ptr<const Constraint> after(int32_t token) const override {
        const auto& [start, end, ends] = terms_->tokens;
        State next = state_;
        if (!state_.inside) {
            next.matched = matched(start, state_.matched, token);
            if (terms_->rules && next.matched == 0) return terms_->rules->after(token);
            if (next.matched == start.size()) next.inside = true, next.matched = 0;
            return std::make_shared<Thought>(terms_, next);
        }
        next.matched = matched(end, state_.matched, token);
        next.spent += int64_t(state_.matched) + 1 - int64_t(next.matched);  // what looked like the end and was none counts
        if (next.matched == end.size()) {
            if (terms_->rules) return terms_->rules;
            next.inside = false, next.matched = 0;
        }
        return std::make_shared<Thought>(terms_, next);
    }

private:
    bool ends(int32_t token) const {
        const auto& all = terms_->tokens.ends;
        return std::find(all.begin(), all.end(), token) != all.end();
    }
    /// The only token that may come; -1 where there are others.
    int32_t forced() const {
        const auto& [start, end, ends] = terms_->tokens;
        if (!state_.inside) return terms_->rules && state_.matched > 0 ? start[state_.matched] : -1;
        const int64_t spent = state_.spent + int64_t(state_.matched);
        return terms_->budget >= 0 && spent >= terms_->budget ? end[state_.matched] : -1;
    }

    std::shared_ptr<const Terms> terms_;
    State state_;
};

}  // namespace

std::shared_ptr<const Constraint> thinking(ThinkingTokens tokens, Thinking how, std::shared_ptr<const Constraint> rules) {
    if (tokens.start.empty() || tokens.end.empty())
        throw Error(Status::invalid_argument, "thinking: its start and its end have at least one token each");
    if (how.budget < -1)
        throw Error(Status::invalid_argument, "thinking: the budget is a number of tokens, or -1 for any number");
    auto terms = std::make_shared<const Thought::Terms>(
        Thought::Terms{std::move(tokens), how.budget, std::move(rules)});
    return std::make_shared<Thought>(std::move(terms), Thought::State{.inside = how.inside});
}

bool is_thinking(const ThinkingTokens& tokens, std::span<const int32_t> prompt) {
    const auto last = [&](const std::vector<int32_t>& wanted) {
        return std::find_end(prompt.begin(), prompt.end(), wanted.begin(), wanted.end());
    };
    const auto start = last(tokens.start), end = last(tokens.end);
    return start != prompt.end() && (end == prompt.end() || end < start);
}

}  // namespace rw::sample
