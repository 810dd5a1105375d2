// What an answer has to look like, by request: grammars are compiled once and kept while they are in use.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "runtime/grammar/matcher.h"
#include "runtime/serve/call_grammar.h"
#include "runtime/serve/fields.h"
#include "runtime/tokenizer/tokenizer.h"

namespace rw::serve {

class Grammars {
public:
    /// The tokenizer has to outlive it.
    explicit Grammars(const tokenizer::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

    /// Of "response_format" (text, json_object, json_schema), or "json_schema" or "grammar" (GBNF), of which a request has
    /// one; null without. Throws Problem(400). Any thread.
    std::shared_ptr<const sample::Constraint> constraint(const Fields& fields);
    /// Calls of functions and nothing else. Throws Problem(400) naming "tools". Any thread.
    std::shared_ptr<const sample::Constraint> calls(const CallRules& rules);

private:
    using Make = std::function<grammar::Grammar()>;
    std::shared_ptr<const sample::Constraint> start(const std::string& key, const char* field, const Make& make);
    std::shared_ptr<const grammar::TokenTrie> trie();

    struct Known {
        std::string key;
        std::shared_ptr<grammar::Matcher> matcher;
    };
    const tokenizer::Tokenizer& tokenizer_;
    std::mutex mutex_;
    std::shared_ptr<const grammar::TokenTrie> trie_;
    std::list<Known> known_;  // used last first
};

}  // namespace rw::serve
