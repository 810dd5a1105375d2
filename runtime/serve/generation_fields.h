// The fields that say how text is generated, the same in every endpoint: sampling, lengths, drafts.
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/service.h"

namespace rw::serve {

struct Defaults {
    double temperature = 1, top_p = 1, min_p = 0;
    int top_k = 0;
    double most_temperature = 2;
};
constexpr Defaults openai_defaults{}, native_defaults{.temperature = 0.8, .top_p = 0.95, .min_p = 0.05, .top_k = 40,
                                                     .most_temperature = 1000};

/// Everything but the prompt and the number of tokens. Throws Problem(400) for a field that cannot be taken.
spec::Request generation_request(const Fields& fields, const Service& service, const Defaults& defaults);

/// Room for tokens behind a prompt: what was asked for (negative: as many as there are), within the limits.
int64_t tokens_behind(const Service& service, size_t prompt, int64_t asked);

/// Throws Problem(400) for a prompt that is empty or longer than the context.
void check_prompt(const Service& service, const std::vector<int32_t>& prompt);

/// The jobs of `n` choices; the i-th differs in the draws alone.
std::vector<std::shared_ptr<Job>> submit_choices(Service& service, const spec::Request& request, int n, int slot = -1);

}  // namespace rw::serve
