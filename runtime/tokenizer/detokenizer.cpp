#include "runtime/tokenizer/detokenizer.h"

#include <utility>

#include "runtime/tokenizer/unicode.h"

namespace rw::tokenizer {

std::string Detokenizer::push(std::string_view bytes) {
    std::string text = kept_;
    text += bytes;
    const size_t whole = text.size() - unfinished_tail(text);
    kept_ = text.substr(whole);
    text.resize(whole);
    return shown(std::move(text));
}

std::string Detokenizer::finish() { return shown(std::exchange(kept_, {})); }

std::string Detokenizer::shown(std::string text) const { return invalid_ == Invalid::replace ? well_formed(text) : text; }

}  // namespace rw::tokenizer
