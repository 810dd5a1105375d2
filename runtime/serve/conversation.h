// The messages of a request as the model reads them, and how its reply is to be read.
#pragma once

#include "runtime/serve/fields.h"
#include "runtime/serve/reply.h"
#include "runtime/serve/service.h"
#include "runtime/serve/tool_choice.h"

namespace rw::serve {

struct Conversation {
    std::vector<tokenizer::Message> messages;
    tokenizer::Thinking thinking = tokenizer::Thinking::by_default;
    std::string text;                // what the template writes
    std::vector<int32_t> prompt;
    ToolChoice choice;
    bool may_think = false;  // before the answer: the template has begun a thought, or leaves it to the model
    Reply::Form reply;
};

/// Of "messages", "tools" and what goes with them, "chat_template_kwargs", "reasoning_format". Throws Problem(400).
Conversation read_conversation(const Fields& fields, const Service& service);

}  // namespace rw::serve
