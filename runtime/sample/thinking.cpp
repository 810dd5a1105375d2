#include "runtime/sample/thinking.h"

#include <algorithm>
#include <limits>

#include "rewind/ops/contract.h"

namespace rw::sample {
namespace {

/// How much of `mark` ends a text, of which that much ended it before the byte.
size_t matched(std::string_view mark, size_t so_far, char byte) {
    std::string seen(mark.substr(0, so_far));
    seen += byte;
    for (size_t n = std::min(seen.size(), mark.size()); n > 0; --n)
        if (std::string_view(seen).substr(seen.size() - n) == mark.substr(0, n)) return n;
    return 0;
}

/// For each number of a mark's bytes that there are, the token to go on with.
std::vector<int32_t> next_tokens(const ThinkingMarks& marks, const std::string& mark) {
    std::vector<int32_t> list;
    for (size_t i = 0; i < mark.size(); ++i) {
        const std::vector<int32_t> rest = marks.encode(std::string_view(mark).substr(i));
        if (rest.empty()) throw Error(Status::invalid_argument, "thinking: the vocabulary has no tokens for " + mark);
        list.push_back(rest[0]);
    }
    return list;
}

class Thought : public Constraint {
public:
    struct Terms {
        ThinkingMarks marks;
        int64_t budget;
        std::shared_ptr<const Constraint> rules;
        std::vector<int32_t> start, end;  // next_tokens()
        std::vector<int32_t> longer;      // with rules: that have the end's last byte and something behind it
    };
    struct State {
        bool inside;
        size_t matched = 0;           // bytes of the end inside, of the start outside
        int64_t spent = 0;
        std::vector<size_t> held{};   // bytes of the last tokens, those that are all within what is matched of the end
        /// Outside, with rules: they, behind what is matched; null where that is none of theirs.
        std::shared_ptr<const Constraint> answer{};
    };
    Thought(std::shared_ptr<const Terms> terms, State state) : terms_(std::move(terms)), state_(std::move(state)) {}

    bool allows(int32_t token) const override {
        if (const int32_t only = forced(); only >= 0) return token == only;
        if (!terms_->rules) return true;
        if (!state_.inside) return token == terms_->start[state_.matched] || state_.answer->allows(token);
        const std::vector<int32_t>& ends = terms_->marks.ends;
        return std::find(ends.begin(), ends.end(), token) == ends.end() && !goes_past_the_end(token);
    }

    void mask(std::span<float> logits) const override {
        constexpr float never = -std::numeric_limits<float>::infinity();
        if (const int32_t only = forced(); only >= 0) {
            const float kept = logits[size_t(only)];
            std::fill(logits.begin(), logits.end(), never);
            logits[size_t(only)] = kept;
        } else if (terms_->rules && state_.inside) {
            for (const int32_t end : terms_->marks.ends) logits[size_t(end)] = never;
            for (const int32_t token : terms_->longer)
                if (goes_past_the_end(token)) logits[size_t(token)] = never;
        } else if (terms_->rules) {
            const size_t start = size_t(terms_->start[state_.matched]);
            const float kept = logits[start];
            state_.answer->mask(logits);
            logits[start] = kept;
        }
    }

    std::shared_ptr<const Constraint> after(int32_t token) const override {
        const ThinkingMarks& marks = terms_->marks;
        if (!state_.inside && terms_->rules && token != terms_->start[state_.matched])
            return state_.answer->after(token);
        State next = state_;
        if (next.answer) next.answer = next.answer->allows(token) ? next.answer->after(token) : nullptr;
        const std::string_view text = marks.text(token);
        if (next.inside) next.held.push_back(text.size());
        for (const char& byte : text) {
            next.matched = matched(next.inside ? marks.end : marks.start, next.matched, byte);
            if (next.matched < (next.inside ? marks.end : marks.start).size()) continue;
            if (next.inside && terms_->rules) return terms_->rules;
            if (next.inside) spend(next, marks.end.size() + size_t(text.data() + text.size() - &byte - 1));
            next.inside = !next.inside, next.matched = 0, next.held.clear(), next.answer.reset();
        }
        if (next.inside) spend(next, next.matched);
        return std::make_shared<Thought>(terms_, std::move(next));
    }

private:
    /// Counts the tokens that do not lie in the last so many bytes; those that do are held.
    static void spend(State& state, size_t bytes) {
        size_t kept = 0;
        for (size_t sum = 0; kept < state.held.size() && bytes > 0; ++kept)
            if ((sum += state.held[state.held.size() - 1 - kept]) > bytes) break;
        state.spent += int64_t(state.held.size() - kept);
        state.held.erase(state.held.begin(), state.held.end() - std::ptrdiff_t(kept));
    }
    /// Inside: whether the token completes the end, and has more behind it.
    bool goes_past_the_end(int32_t token) const {
        const std::string& end = terms_->marks.end;
        const std::string_view text = terms_->marks.text(token);
        size_t so_far = state_.matched;
        for (size_t i = 0; i + 1 < text.size(); ++i)
            if ((so_far = matched(end, so_far, text[i])) == end.size()) return true;
        return false;
    }
    /// The only token that may come; -1 where there are others.
    int32_t forced() const {
        if (!state_.inside) return terms_->rules && !state_.answer ? terms_->start[state_.matched] : -1;
        const int64_t spent = state_.spent + int64_t(state_.held.size());
        return terms_->budget >= 0 && spent >= terms_->budget ? terms_->end[state_.matched] : -1;
    }

    std::shared_ptr<const Terms> terms_;
    State state_;
};

}  // namespace

ThinkingMarks thinking_marks(const tokenizer::Tokenizer& tokenizer) {
    ThinkingMarks marks;
    marks.encode = [&tokenizer](std::string_view text) { return tokenizer.encode(text, {.control = true}); };
    marks.tokens = int32_t(tokenizer.vocabulary().size());
    marks.ends = tokenizer.vocabulary().ends();
    const std::vector<int32_t> start = marks.encode(marks.start), end = marks.encode(marks.end);
    if (start.size() == 1 && end.size() == 1)
        marks.text = [start = start[0], end = end[0], &tokenizer](int32_t token) -> std::string_view {
            return token == start || token == end ? tokenizer.piece(token, true) : ".";
        };
    else
        marks.text = [&tokenizer](int32_t token) -> std::string_view {
            return size_t(token) < tokenizer.vocabulary().size() ? tokenizer.piece(token, true) : std::string_view();
        };
    return marks;
}

std::shared_ptr<const Constraint> thinking(const ThinkingMarks& marks, Thinking how,
                                           std::shared_ptr<const Constraint> rules) {
    if (marks.start.empty() || marks.end.empty())
        throw Error(Status::invalid_argument, "thinking: its start and its end have at least one character each");
    if (how.budget < -1)
        throw Error(Status::invalid_argument, "thinking: the budget is a number of tokens, or -1 for any number");
    auto terms = std::make_shared<Thought::Terms>(Thought::Terms{marks, how.budget, std::move(rules),
                                                                 next_tokens(marks, marks.start),
                                                                 next_tokens(marks, marks.end), {}});
    for (int32_t token = 0; terms->rules && token < marks.tokens; ++token)
        if (const size_t at = marks.text(token).find(marks.end.back()); at != std::string::npos)
            if (at + 1 < marks.text(token).size()) terms->longer.push_back(token);
    Thought::State state{.inside = how.inside, .answer = how.inside ? nullptr : terms->rules};
    return std::make_shared<Thought>(std::move(terms), std::move(state));
}

bool is_thinking(const ThinkingMarks& marks, std::span<const int32_t> prompt) {
    std::string text;
    for (const int32_t token : prompt) text += marks.text(token);
    const size_t start = text.rfind(marks.start), end = text.rfind(marks.end);
    return start != text.npos && (end == text.npos || end < start);
}

}  // namespace rw::sample
