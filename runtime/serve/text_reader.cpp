#include "runtime/serve/text_reader.h"

#include <algorithm>
#include <utility>

namespace rw::serve {

size_t begun(const std::string& text, const std::string& word) {
    for (size_t n = std::min(text.size(), word.size() - 1); n > 0; --n)
        if (text.compare(text.size() - n, n, word, 0, n) == 0) return n;
    return 0;
}

TextReader::TextReader(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stops, std::vector<int32_t> ends)
    : detokenizer_(tokenizer, false, tokenizer::Detokenizer::Invalid::replace), stops_(std::move(stops)),
      ends_(std::move(ends)) {}

std::string TextReader::push(int32_t token) {
    if (stopped() || std::find(ends_.begin(), ends_.end(), token) != ends_.end()) return "";
    kept_ += detokenizer_.push(token);
    return certain();
}

std::string TextReader::certain() {
    size_t first = kept_.npos;
    for (const std::string& stop : stops_)
        if (const size_t at = kept_.find(stop); at < first) first = at, stop_ = stop;
    if (first != kept_.npos) {
        kept_.resize(first);
        return std::exchange(kept_, {});
    }
    size_t back = 0;
    for (const std::string& stop : stops_) back = std::max(back, begun(kept_, stop));
    std::string shown = kept_.substr(0, kept_.size() - back);
    kept_.erase(0, shown.size());
    return shown;
}

std::string TextReader::finish() {
    if (stopped()) return "";
    kept_ += detokenizer_.finish();
    std::string shown = certain();
    if (!stopped()) shown += std::exchange(kept_, {});
    return shown;
}

}  // namespace rw::serve
