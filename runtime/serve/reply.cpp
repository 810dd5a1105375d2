#include "runtime/serve/reply.h"

#include <algorithm>
#include <utility>

#include "runtime/serve/text_reader.h"

namespace rw::serve {
namespace {

const std::string think_open = "<think>", think_close = "</think>", call_open = "<tool_call>", call_close = "</tool_call>";

/// Without the newlines at the end of the first `n` bytes, which may belong to the mark behind.
size_t before_newlines(const std::string& text, size_t n) {
    while (n > 0 && text[n - 1] == '\n') --n;
    return n;
}

}  // namespace

void Reply::skip_newlines() {
    const size_t n = std::min(text_.find_first_not_of('\n'), text_.size());
    text_.erase(0, n);
    if (!text_.empty()) skips_ = false;
}

bool Reply::think(Delta& delta, bool last) {
    const size_t end = text_.find(think_close);
    if (end != text_.npos) {
        delta.reasoning += text_.substr(0, before_newlines(text_, end));
        text_.erase(0, end + think_close.size());
        thinking_ = false, skips_ = true;
        return true;
    }
    const size_t n = last ? text_.size() : before_newlines(text_, text_.size() - begun(text_, think_close));
    delta.reasoning += text_.substr(0, n);
    text_.erase(0, n);
    return false;
}

bool Reply::say(Delta& delta, bool last) {
    if (form_->tools.empty()) {
        delta.content += std::exchange(text_, {});
        return false;
    }
    const size_t at = text_.find(call_open);
    if (at == text_.npos) {
        const size_t n = last ? text_.size() : before_newlines(text_, text_.size() - begun(text_, call_open));
        delta.content += text_.substr(0, n);
        text_.erase(0, n);
        return false;
    }
    const size_t from = at + call_open.size();
    size_t end = text_.find(call_close, from);
    while (end != text_.npos && within_value(std::string_view(text_).substr(from, end - from), form_->tools))
        end = text_.find(call_close, end + 1);
    if (end == text_.npos && !last) {
        delta.content += text_.substr(0, before_newlines(text_, at));
        text_.erase(0, before_newlines(text_, at));
        return false;
    }
    auto call = parse_call(std::string_view(text_).substr(from, end == text_.npos ? end : end - from), form_->tools);
    if (!call) {  // a text that names the mark; what is behind it is looked at anew
        delta.content += text_.substr(0, from);
        text_.erase(0, from);
        return true;
    }
    delta.content += text_.substr(0, before_newlines(text_, at));
    delta.calls.push_back(std::move(*call));
    called_ = skips_ = true;
    text_.erase(0, end == text_.npos ? end : end + call_close.size());
    return true;
}

/// One stretch of the text; true when there may be more.
bool Reply::walk(Delta& delta, bool last) {
    if (skips_) skip_newlines();
    if (text_.empty()) return false;
    if (thinking_) return think(delta, last);
    if (!begun_ && form_->apart) {
        const size_t at = std::min(text_.find_first_not_of('\n'), text_.size());
        if (text_.compare(at, think_open.size(), think_open) == 0) {
            text_.erase(0, at + think_open.size());
            thinking_ = begun_ = skips_ = true;
            return true;
        }
        if (!last && think_open.starts_with(std::string_view(text_).substr(at))) return false;
    }
    begun_ = true;
    return say(delta, last);
}

Delta Reply::push(std::string_view text) {
    Delta delta;
    if (thinking_ && !begun_ && text_.empty()) begun_ = true;
    text_ += text;
    while (walk(delta, false)) {
    }
    return delta;
}

Delta Reply::finish() {
    Delta delta;
    while (walk(delta, true)) {
    }
    return delta;
}

}  // namespace rw::serve
