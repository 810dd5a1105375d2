#include "runtime/sample/counts.h"

#include <algorithm>
#include <utility>

namespace rw::sample {

Counts::Counts(int64_t last_n, std::span<const int32_t> prompt) : last_n_(last_n) {
    if (last_n >= 0 && int64_t(prompt.size()) > last_n) prompt = prompt.last(size_t(last_n));
    for (const int32_t token : prompt) push(token, 0);
    prompt_ = tokens_.size();
}

std::vector<Counts::Entry>::iterator Counts::place(int32_t token) {
    return std::lower_bound(entries_.begin(), entries_.end(), token,
                            [](const Entry& entry, int32_t wanted) { return entry.token < wanted; });
}

void Counts::push(int32_t token, int32_t of_text) {
    if (last_n_ == 0) return;
    const auto at = place(token);
    if (at != entries_.end() && at->token == token) ++at->all, at->text += of_text;
    else entries_.insert(at, {token, 1, of_text});
    if (last_n_ < 0) return;
    if (int64_t(tokens_.size()) < last_n_) {
        tokens_.push_back(token);
        return;
    }
    const auto gone = place(std::exchange(tokens_[next_], token));
    next_ = (next_ + 1) % tokens_.size();
    gone->text -= prompt_ == 0;  // the prompt's go first
    prompt_ -= prompt_ > 0;
    if (--gone->all == 0) entries_.erase(gone);
}

}  // namespace rw::sample
