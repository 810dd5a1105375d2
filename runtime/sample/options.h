// How tokens are chosen: what a client may ask for. sampler.h says what each does, and in which order.
//
//     sample::Options o{.temperature = 0.7, .top_k = 40, .penalties = {.repeat = 1.1}, .seed = 42};
//     o.check(vocabulary);                       // Error(invalid_argument) names what is out of range
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace rw::sample {

/// Against saying the same again, over the last `last_n` tokens of prompt and text; -1: all of them.
struct Penalties {
    double repeat = 1;  // logits above 0 are divided by it, others multiplied (CTRL, Keskar et al. 2019)
    double presence = 0, frequency = 0;  // taken off once, and once for each time
    int64_t last_n = 64;
    bool of_text = false;  // presence and frequency are those of the text's tokens, the prompt's do not count

    bool any() const { return last_n != 0 && (repeat != 1 || presence != 0 || frequency != 0); }
};

/// "Don't repeat yourself": where the last L >= allowed_length tokens stood before, the token that followed them there
/// loses multiplier * base^(L - allowed_length), with the longest such L.
struct Dry {
    double multiplier = 0;  // 0: off
    double base = 1.75;
    int64_t allowed_length = 2;
    int64_t last_n = -1;               // tokens of prompt and text that are looked at; -1: all
    std::vector<int32_t> breakers{};   // no repetition reaches over these, and they never lose anything

    bool any() const { return multiplier > 0 && last_n != 0; }
};

/// Version 2 (Basu et al. 2021): keeps what tokens surprise by near tau bits, and takes the place of top_k, min_p,
/// typical_p and top_p.
struct Mirostat {
    double tau = 0;  // 0: off
    double eta = 0.1;
};

struct Options {
    double temperature = 0;  // 0 takes the greatest logit
    int top_k = 0;           // 0: all
    double top_p = 1, min_p = 0, typical_p = 1;
    Penalties penalties{};
    Dry dry{};
    Mirostat mirostat{};
    std::vector<std::pair<int32_t, double>> logit_bias{};  // token, what is added to its logit
    uint64_t seed = 0;
    uint32_t choice = 0;  // which of several answers to one prompt
    int logprobs = -1;    // how many of the most probable tokens to name with each that is chosen; -1: no probabilities

    bool greedy() const { return temperature <= 0; }
    /// Throws Error(invalid_argument) for what is out of range; tokens have to be below `vocab`.
    void check(int64_t vocab) const;
    /// The same but for the tokens, where the vocabulary is not known yet.
    void check() const;
};

}  // namespace rw::sample
