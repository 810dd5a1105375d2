#include "runtime/serve/grammars.h"

#include <algorithm>

#include "runtime/grammar/json_schema.h"

namespace rw::serve {
namespace {

constexpr size_t most_known = 16;

std::shared_ptr<const grammar::Grammar> compiled(const std::string& kind, const std::string& text) {
    return std::make_shared<const grammar::Grammar>(kind == "gbnf"     ? grammar::Grammar::gbnf(text)
                                                    : kind == "schema" ? grammar::json_schema_text(text)
                                                                       : grammar::json_object());
}

}  // namespace

std::shared_ptr<const grammar::TokenTrie> Grammars::trie() {
    const std::lock_guard lock(mutex_);
    if (!trie_) trie_ = std::make_shared<const grammar::TokenTrie>(tokenizer_.vocabulary());
    return trie_;
}

std::shared_ptr<const sample::Constraint> Grammars::start(const std::string& kind, const std::string& text, const char* field) {
    const std::string key = kind + ":" + text;
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
        matcher = std::make_shared<grammar::Matcher>(compiled(kind, text), trie());
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
    if (gbnf) return start("gbnf", fields.text("grammar", "", 1 << 20), "grammar");
    if (bare) return start("schema", dumped(*fields.find("json_schema")), "json_schema");
    if (type == "json_object" && !format.has("schema")) return start("object", "", "response_format");
    if (type == "text") return nullptr;
    const Fields named = format.object("json_schema");  // or, as some clients have it, the schema without a name
    const Json* schema = named.has("schema") ? named.find("schema") : format.find("schema");
    if (!schema) named.fail("schema", "a JSON schema");
    return start("schema", dumped(*schema), "response_format.json_schema");
}

}  // namespace rw::serve
