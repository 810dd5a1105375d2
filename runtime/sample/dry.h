// Where the end of a text stood in it before, and what followed there, for the penalty called DRY.
//
//     Repeats repeats(o.dry, prompt);
//     repeats.push(token);                      // a look over the window for where the token was
//     for (auto [next, length] : repeats.next(allowed_length)) ...
//
// Of every place where the last token stood before, the length of what matches up to there is kept; a token makes those
// longer that it goes on, so nothing is compared again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/sample/options.h"
#include "runtime/tokenizer/vocabulary.h"

namespace rw::sample {

class Repeats {
public:
    explicit Repeats(const Dry& options, std::span<const int32_t> tokens = {});
    void push(int32_t token);

    struct Next {
        int32_t token;
        int64_t length;  // of the longest end of the text that it followed
        bool operator==(const Next&) const = default;
    };
    /// Tokens that followed at least that much of the end of the text, in order. Breakers are never among them.
    std::vector<Next> next(int64_t least) const;

private:
    bool breaks(int32_t token) const;
    size_t first() const;

    struct Match {
        size_t end;      // place of its last token
        int64_t length;  // may reach over the window's begin
    };
    int64_t last_n_;
    std::vector<int32_t> breakers_;  // sorted
    std::vector<int32_t> tokens_;    // the window's at least
    std::vector<Match> matches_;     // by place
};

/// The usual sequence breakers.
inline const std::vector<std::string> dry_breakers{"\n", ":", "\"", "*"};

/// Tokens whose text holds one of these strings, as sequence breakers are named.
std::vector<int32_t> tokens_with(const tokenizer::Vocabulary& vocabulary, std::span<const std::string> strings);

}  // namespace rw::sample
