#include "runtime/sample/counts.h"

#include <algorithm>
#include <utility>

namespace rw::sample {

std::vector<std::pair<int32_t, int32_t>>::iterator Counts::place(int32_t token) {
    return std::lower_bound(counts_.begin(), counts_.end(), token,
                            [](const auto& entry, int32_t wanted) { return entry.first < wanted; });
}

void Counts::push(int32_t token) {
    if (last_n_ == 0) return;
    const auto at = place(token);
    if (at != counts_.end() && at->first == token) ++at->second;
    else counts_.insert(at, {token, 1});
    if (last_n_ < 0) return;
    if (int64_t(tokens_.size()) < last_n_) {
        tokens_.push_back(token);
        return;
    }
    const auto gone = place(std::exchange(tokens_[next_], token));
    next_ = (next_ + 1) % tokens_.size();
    if (--gone->second == 0) counts_.erase(gone);
}

void Counts::push(std::span<const int32_t> tokens) {
    if (last_n_ >= 0 && int64_t(tokens.size()) > last_n_) tokens = tokens.last(size_t(last_n_));
    for (const int32_t token : tokens) push(token);
}

}  // namespace rw::sample
