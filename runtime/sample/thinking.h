// How long a model may think: behind so many tokens inside <think> ... </think> the end is forced. And rules for the answer,
// such as a grammar, that hold behind the end of the thinking only.
//
//     const sample::ThinkingTokens tokens{.start = tokenizer.encode("<think>"), .end = tokenizer.encode("</think>")};
//     request.constraint = sample::thinking(tokens, {.budget = 500, .inside = sample::is_thinking(tokens, prompt)}, rules);
//
// The budget is for all of a text: who begins to think again goes on counting. The tokens of start and end are not counted.
// Where the budget ends in the middle of an end that the model writes itself, the rest of it is forced.
//
// With rules the text is either the answer from its first token on, or begins with the start; where the rules would allow the
// start's first token too, it is the start's. While the model thinks, none of `ends` may come: there would be no answer.
#pragma once

#include <vector>

#include "runtime/sample/constraint.h"

namespace rw::sample {

struct ThinkingTokens {
    std::vector<int32_t> start, end;
    std::vector<int32_t> ends{};  // tokens that end a text
};

struct Thinking {
    int64_t budget = -1;  // tokens; -1: any number
    bool inside = false;  // the prompt has begun to think
};

/// Throws Error(invalid_argument) for a start or end without tokens, or a budget below -1.
std::shared_ptr<const Constraint> thinking(ThinkingTokens tokens, Thinking how,
                                           std::shared_ptr<const Constraint> rules = nullptr);

/// Whether these tokens, a prompt's, leave the model thinking: the last start has no end behind it.
bool is_thinking(const ThinkingTokens& tokens, std::span<const int32_t> prompt);

}  // namespace rw::sample
