// Choosing a token from logits.
//
//     sample::Sampler sampler({.temperature = 0.7, .top_p = 0.95, .seed = 42}, /* constraint, if any */ rules);
//     sampler.begin(prompt);
//     sample::Choice next = sampler.choose(logits, position);    // of the token that is chosen; changes nothing
//     sampler.accept(next);                                      // it was emitted
//
// In this order:
//
//      1. constraint        tokens that may not come next are impossible
//      2. logit_bias        is added
//      3. penalties         repetition, then presence and frequency, of prompt and text or of the text alone
//      4. DRY
//      -  temperature 0     the greatest logit is chosen, the lowest token of equals; nothing below is looked at
//      5. top_k             the k greatest logits are kept
//      6. temperature       logits are divided by it; the following are about the probabilities that gives
//      7. min_p, 8. typical_p, 9. top_p
//      -  mirostat          takes the place of 5, 7, 8 and 9
//     10. one is drawn      with a number that is a hash of (seed, choice, position), see random.h
//
// What has an effect on later tokens (penalties, DRY, mirostat, the constraint) follows from the accepted ones alone. A
// sampler is a value: a copy costs three pointers and goes its own way, so a round tries on copies what it may give up. What
// penalties know of the text is shared between copies until one of them accepts; that copies the window, nothing is counted
// again.
//
// Log-probabilities are the model's own: of the logits as they came, before any of this, as clients of the OpenAI interface
// expect. One thread at a time for a sampler and its copies.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "runtime/sample/constraint.h"
#include "runtime/sample/options.h"

namespace rw::sample {

class Candidates;
struct Past;

struct Likely {
    int32_t token;
    float logprob;
};

/// Of a token that was chosen.
struct Logprobs {
    float logprob;
    std::vector<Likely> most_likely;  // as many as Options::logprobs asks for, the most probable first
};

struct Choice {
    int32_t token;
    std::optional<Logprobs> logprobs{};  // where they are asked for
    std::optional<double> surprise{};    // bits, before truncation; with mirostat
};

class Sampler {
public:
    /// Greedy.
    Sampler() : Sampler(Options{}) {}
    /// The options are taken as checked.
    explicit Sampler(Options options, std::shared_ptr<const Constraint> constraint = nullptr);

    /// The text begins behind these tokens, as if nothing had been accepted yet.
    void begin(std::span<const int32_t> prompt);

    /// Whether the greatest logit decides, or none does: then choose_best() needs no logits.
    bool argmax_only() const;
    /// With argmax_only(): the choice that follows from which token has the greatest logit; none where the constraint
    /// forbids that one, and the logits are needed.
    std::optional<Choice> choose_best(int32_t greatest) const;
    /// position: of the token that is chosen.
    /// draft: chooses by ratio of probabilities (speculative sampling, Leviathan et al. 2023), where drafters are certain of
    /// their guess: it stands with the probability that it has here, else one of the others is drawn in proportion. The
    /// distribution is the same, what is drawn from it another. Greedy, the token is the same too.
    Choice choose(std::span<const float> logits, int64_t position, std::optional<int32_t> draft = {}) const;
    /// The token was emitted.
    void accept(const Choice& choice);
    /// So many of these tokens may come next, one after the other, as far as the constraint goes.
    size_t possible(std::span<const int32_t> tokens) const;

    struct Share {
        int32_t token;
        double probability;
    };
    /// What choose() draws from; greedy, the one token.
    std::vector<Share> distribution(std::span<const float> logits) const;

    const Options& options() const { return *options_; }

private:
    std::span<const float> changed(std::span<const float> raw, std::vector<float>& room) const;
    void mask(std::span<float> logits) const;
    int32_t best(std::span<const float> raw) const;
    Candidates candidates(std::span<const float> raw) const;
    Choice draw(std::span<const float> raw, int64_t position, std::optional<int32_t> draft) const;
    Logprobs logprobs(std::span<const float> raw, int32_t token) const;

    std::shared_ptr<const Options> options_;
    std::shared_ptr<const Constraint> first_, constraint_;  // where the text begins; now
    std::shared_ptr<Past> past_;                            // null where nobody looks at it
    double mu_ = 0;                                         // mirostat's bound, bits
};

}  // namespace rw::sample
