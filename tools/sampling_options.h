// Options of how tokens are chosen and where a text ends, that every verb with a text has.
//
//     SamplingOptions o;
//     o.add_to(verb);
//     o.check();                                  // what is wrong without knowing the model, before it is loaded
//     o.put_into(request, tokenizer.get());
#pragma once

#include "runtime/sample/dry.h"
#include "runtime/spec/generator.h"
#include "runtime/tokenizer/tokenizer.h"

namespace CLI {
class App;
}

namespace rw::tools {

struct SamplingOptions {
    sample::Options sampling;
    std::vector<std::string> bias, breakers = sample::dry_breakers, stops;
    int64_t think_budget = -1;
    bool ratio = false;

    void add_to(CLI::App& verb);
    /// Throws Error(invalid_argument) for what is out of range or cannot be read, and takes over what was read.
    void check();
    /// The request has its prompt and its end tokens. tokenizer: it has to outlive the request; null for models without a
    /// vocabulary, of which texts cannot be asked: Error(invalid_argument).
    void put_into(spec::Request& request, const tokenizer::Tokenizer* tokenizer) const;
};

}  // namespace rw::tools
