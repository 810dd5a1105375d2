// Grammars of replies that call functions: in the form of the model's template, with arguments that fit their schemas.
#pragma once

#include "runtime/grammar/grammar.h"
#include "runtime/serve/tool_calls.h"

namespace rw::serve {

/// What a reply has to be.
struct CallRules {
    Tools tools;                  // each call is of one of these; at least one
    bool marks = false;           // <function=...>, not JSON (tokenizer::ToolsForm)
    bool several = false;         // one call or more
    bool behind_thought = false;  // blank lines may come first
};

/// Every text that it accepts is read by parse_call() with arguments that fit. Throws Error, naming function and place,
/// for a schema that is not understood, or that has what this form of calls cannot write.
grammar::Grammar call_grammar(const CallRules& rules);

}  // namespace rw::serve
