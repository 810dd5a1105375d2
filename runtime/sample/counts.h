// How often each of the last tokens was there, in prompt and text and in the text alone, token by token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rw::sample {

class Counts {
public:
    struct Entry {
        int32_t token;
        int32_t all, text;  // how often, the prompt's included and without them
    };

    /// Of the last `last_n` tokens; -1: of all. The text begins behind the prompt.
    explicit Counts(int64_t last_n, std::span<const int32_t> prompt = {});
    /// The text goes on.
    void push(int32_t token) { push(token, 1); }
    /// Tokens that were there, in order.
    std::span<const Entry> all() const { return entries_; }

private:
    void push(int32_t token, int32_t of_text);
    std::vector<Entry>::iterator place(int32_t token);

    int64_t last_n_;
    std::vector<int32_t> tokens_;   // the last ones, from next_ on round; none where all count
    size_t next_ = 0, prompt_ = 0;  // the first prompt_ of them are the prompt's
    std::vector<Entry> entries_;
};

}  // namespace rw::sample
