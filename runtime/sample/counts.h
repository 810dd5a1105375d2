// How often each of the last tokens was there, kept up to date token by token.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rw::sample {

class Counts {
public:
    /// Of the last `last_n` tokens; -1: of all.
    explicit Counts(int64_t last_n) : last_n_(last_n) {}
    void push(int32_t token);
    void push(std::span<const int32_t> tokens);
    /// Tokens that were there, in order, and how often.
    std::span<const std::pair<int32_t, int32_t>> all() const { return counts_; }

private:
    std::vector<std::pair<int32_t, int32_t>>::iterator place(int32_t token);

    int64_t last_n_;
    std::vector<int32_t> tokens_;  // the last ones, from next_ on round; none where all count
    size_t next_ = 0;
    std::vector<std::pair<int32_t, int32_t>> counts_;
};

}  // namespace rw::sample
