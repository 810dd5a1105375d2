#include "runtime/sample/stops.h"

#include <algorithm>
#include <utility>

#include "rewind/ops/contract.h"

namespace rw::sample {
namespace {

/// Of a string whose first n bytes end the text, what ends it behind one byte more.
uint32_t advanced(const std::string& text, const std::vector<uint32_t>& shorter, uint32_t n, char byte) {
    while (n > 0 && (n == text.size() || text[n] != byte)) n = shorter[n];
    return text[n] == byte ? n + 1 : 0;
}

}  // namespace

Stops::Stops(std::vector<std::string> strings, Bytes bytes) {
    if (strings.empty()) return;
    auto made = std::make_shared<Strings>();
    for (const std::string& text : strings) {
        if (text.empty()) throw Error(Status::invalid_argument, "a stop string has at least one byte");
        std::vector<uint32_t> shorter(text.size() + 1, 0);
        for (size_t n = 1; n < text.size(); ++n) shorter[n + 1] = advanced(text, shorter, shorter[n], text[n]);
        made->shorter.push_back(std::move(shorter));
    }
    made->text = std::move(strings), made->bytes = std::move(bytes);
    matched_.assign(made->text.size(), 0);
    strings_ = std::move(made);
}

bool Stops::push(int32_t token) {
    if (!strings_ || found_) return found_.has_value();
    const auto& [text, shorter, bytes] = *strings_;
    for (const char byte : bytes(token)) {
        ++bytes_;
        for (size_t i = 0; i < text.size(); ++i) {
            matched_[i] = advanced(text[i], shorter[i], matched_[i], byte);
            if (matched_[i] < text[i].size()) continue;
            const uint64_t at = bytes_ - text[i].size();
            if (!found_ || at < found_->at) found_ = Found{i, at};
        }
        if (found_) return true;
    }
    return false;
}

uint64_t Stops::certain() const {
    if (found_) return found_->at;
    return matched_.empty() ? bytes_ : bytes_ - *std::max_element(matched_.begin(), matched_.end());
}

std::string StopGate::push(int32_t token) {
    held_ += bytes_(token);
    if (!stops_.any()) return std::exchange(held_, {});
    stops_.push(token);
    std::string shown = held_.substr(0, stops_.certain() - shown_);
    held_.erase(0, shown.size());
    shown_ += shown.size();
    if (stops_.found()) held_.clear();
    return shown;
}

std::string StopGate::finish() { return std::exchange(held_, {}); }

}  // namespace rw::sample
