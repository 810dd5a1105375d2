// Names to their places, by binary search: built in n log n whatever the names are, so that no choice of names makes it
// slow, and of a size that the file has already paid for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace rw::gguf {

class NameIndex {
public:
    NameIndex() = default;
    explicit NameIndex(std::vector<std::string_view> names) : names_(std::move(names)), order_(names_.size()) {
        std::iota(order_.begin(), order_.end(), 0u);
        std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
            const int c = names_[a].compare(names_[b]);
            return c != 0 ? c < 0 : a < b;
        });
    }
    std::optional<uint32_t> find(std::string_view name) const {
        const auto at = std::lower_bound(order_.begin(), order_.end(), name,
                                         [&](uint32_t i, std::string_view n) { return names_[i] < n; });
        if (at == order_.end() || names_[*at] != name) return std::nullopt;
        return *at;
    }
    /// A name that occurs twice.
    std::optional<std::string_view> duplicate() const {
        for (size_t i = 1; i < order_.size(); ++i)
            if (names_[order_[i]] == names_[order_[i - 1]]) return names_[order_[i]];
        return std::nullopt;
    }

private:
    std::vector<std::string_view> names_;
    std::vector<uint32_t> order_;
};

}  // namespace rw::gguf
