// How long a model may think: behind so many tokens inside <think> ... </think> the end is forced. And rules for the answer,
// such as a grammar, that hold behind the end of the thinking only.
//
//     const sample::ThinkingMarks marks = sample::thinking_marks(tokenizer);
//     const bool inside = sample::is_thinking(marks, prompt);
//     request.constraint = sample::thinking(marks, {.budget = 500, .inside = inside}, rules);
//
// The marks are found in the text, however it is cut into tokens: many vocabularies have no token for them, and then
// the last one of a mark may go on with what stands behind it. Where a vocabulary has one for each, these tokens are
// the marks, and what else spells them is not.
//
// The budget is for all of a text: who begins to think again goes on counting. Tokens that begin within a mark are not
// counted. Where the budget ends in the middle of an end that the model writes itself, the rest of it is forced.
//
// With rules the text is either the answer from its first token on, or begins with the start, in the tokens that the
// tokenizer makes of it; what may be either is decided where the two part, and a whole start is one. While the model
// thinks, none of `ends` may come: there would be no answer. Nor may a token that completes the end and goes on: the
// rules would not see it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/sample/constraint.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::sample {

/// How thoughts are told from the rest of a text. What the functions refer to has to outlive what is made with them.
struct ThinkingMarks {
    std::string start = "<think>", end = "</think>";
    std::function<std::string_view(int32_t)> text;                 // of a token
    std::function<std::vector<int32_t>(std::string_view)> encode;  // a mark, or the rest of one
    int32_t tokens = 0;                                            // that there are
    std::vector<int32_t> ends{};                                   // that end a text
};

/// <think> and </think> in a vocabulary, and its `ends`.
ThinkingMarks thinking_marks(const tokenizer::Tokenizer& tokenizer);

struct Thinking {
    int64_t budget = -1;  // tokens; -1: any number
    bool inside = false;  // the prompt has begun to think
};

/// Throws Error(invalid_argument) for an empty start or end, or a budget below -1.
std::shared_ptr<const Constraint> thinking(const ThinkingMarks& marks, Thinking how,
                                           std::shared_ptr<const Constraint> rules = nullptr);

/// Whether these tokens, a prompt's, leave the model thinking: the last start has no end behind it.
bool is_thinking(const ThinkingMarks& marks, std::span<const int32_t> prompt);

}  // namespace rw::sample
