// Log-probabilities of an answer's tokens, in the three forms that clients read.
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/job.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::serve {

/// Of chat completions: [{"token", "logprob", "bytes", "top_logprobs": [...]}, ...].
Json chat_logprobs(const tokenizer::Tokenizer& tokenizer, const News& news);
/// Of completions: {"tokens", "token_logprobs", "top_logprobs", "text_offset"}; `offset` is where the text stands, and goes on.
Json text_logprobs(const tokenizer::Tokenizer& tokenizer, const News& news, size_t& offset);

/// "logprobs": true with "top_logprobs"; -1: none are wanted.
int wanted_of_chat(const Fields& fields);

}  // namespace rw::serve
