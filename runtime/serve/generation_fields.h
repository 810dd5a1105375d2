// The fields that say how text is generated, the same in every endpoint: sampling, stop strings, drafts.
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/reading.h"
#include "runtime/serve/service.h"

namespace rw::serve {

struct Defaults {
    double temperature = 1, top_p = 1, min_p = 0;
    int top_k = 0;
    int64_t penalty_last_n = -1;
    bool penalties_of_text = true;  // presence and frequency: of the answer, as OpenAI has them
    double most_temperature = 2;
};
constexpr Defaults openai_defaults{};
constexpr Defaults native_defaults{.temperature = 0.8,
                                   .top_p = 0.95,
                                   .min_p = 0.05,
                                   .top_k = 40,
                                   .penalty_last_n = 64,
                                   .penalties_of_text = false,
                                   .most_temperature = 1000};

/// Everything but the prompt, the number of tokens and how many log-probabilities. Throws Problem(400) for a field that
/// cannot be taken.
Task generation_task(const Fields& fields, Service& service, const Defaults& defaults);

/// Sampling alone.
sample::Options sampling_of(const Fields& fields, const Service& service, const Defaults& defaults);

/// What drafts are asked for, as requests write it: a number, or "auto".
Json or_auto(int n_max);
Json or_auto(double p_min);

/// Room for tokens behind a prompt: what was asked for (negative: as many as there are), within the limits.
int64_t tokens_behind(const Service& service, size_t prompt, int64_t asked);

/// Throws Problem(400) that names the field for a prompt that is empty or longer than the context.
void check_prompt(const Service& service, const std::vector<int32_t>& prompt, const char* field);

/// The readings of `n` choices; the i-th differs in the draws alone.
std::vector<Reading> submit_choices(Service& service, const Task& task, int n);

}  // namespace rw::serve
