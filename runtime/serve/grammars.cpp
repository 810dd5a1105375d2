#include "runtime/serve/grammars.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/grammar/json_schema.h"

namespace rw::serve {
namespace {

constexpr size_t most_known = 16;

}  // namespace

std::shared_ptr<const grammar::TokenTrie> Grammars::trie() {
    const std::lock_guard lock(mutex_);
    if (!trie_) trie_ = std::make_shared<const grammar::TokenTrie>(tokenizer_.vocabulary());
    return trie_;
}

std::shared_ptr<const sample::Constraint> Grammars::start(const std::string& key, const char* field, const Make& make) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.key == key; });
        if (at != known_.end()) {
            known_.splice(known_.begin(), known_, at);
            return at->matcher->start();
        }
    }
    std::shared_ptr<grammar::Matcher> matcher;
    try {
        matcher = std::make_shared<grammar::Matcher>(std::make_shared<const grammar::Grammar>(make()), trie());
    } catch (const Error& e) {
        throw bad(field, e.what());
    }
    const std::lock_guard lock(mutex_);
    known_.push_front({key, matcher});
    if (known_.size() > most_known) known_.pop_back();
    return matcher->start();
}

std::shared_ptr<const sample::Constraint> Grammars::constraint(const Fields& fields) {
    const Fields format = fields.object("response_format");
    const std::string type = format.choice("type", "text", {"text", "json_object", "json_schema"});
    const bool bare = fields.has("json_schema"), gbnf = fields.has("grammar");
    if ((type != "text") + bare + gbnf > 1) fields.fail("response_format", "one of response_format, json_schema and grammar");
    if (gbnf) {
        const std::string text = fields.text("grammar", "", 1 << 20);
        return start("gbnf:" + text, "grammar", [&] { return grammar::Grammar::gbnf(text); });
    }
    const auto of_schema = [&](const Json& schema, const char* field) {
        const std::string text = dumped(schema);
        return start("schema:" + text, field, [&] { return grammar::json_schema_text(text); });
    };
    if (bare) return of_schema(*fields.find("json_schema"), "json_schema");
    if (type == "json_object" && !format.has("schema")) return start("object", "response_format", grammar::json_object);
    if (type == "text") return nullptr;
    const Fields named = format.object("json_schema");  // or, as some clients have it, the schema without a name
    const Json* schema = named.has("schema") ? named.find("schema") : format.find("schema");
    if (!schema) named.fail("schema", "a JSON schema");
    return of_schema(*schema, "response_format.json_schema");
}

std::shared_ptr<const sample::Constraint> Grammars::calls(const CallRules& rules) {
    const std::string key = fmt::format("calls {:d}{:d}{:d}:", rules.marks, rules.several, rules.behind_thought);
    return start(key + dumped(Json(rules.tools)), "tools", [&] { return call_grammar(rules); });
}

}  // namespace rw::serve
