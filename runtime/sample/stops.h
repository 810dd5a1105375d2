// Strings at which a text ends, found in the bytes of its tokens while they come.
//
//     sample::Stops stops({"\nUser:", "```"}, [&](int32_t token) { return tokenizer.piece(token); });
//     if (stops.push(token)) ...                // the token completed one: the text ends with it
//     stops.certain()                           // bytes of the text that are none of a stop string's, whatever comes
//
// A stop string may begin and end anywhere in a token and reach over several. The first one to be complete ends the text,
// of those that are at the same byte the longest. What the reader is shown goes up to where the stop string begins; the
// token that completed it is the last of the text and in the state like any other.
//
// A value: copies share the strings and go their own way, so a round tries on a copy what it may give up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rw::sample {

class Stops {
public:
    /// The bytes that a token stands for in the text that the reader gets; none for tokens that are not shown.
    using Bytes = std::function<std::string_view(int32_t)>;

    /// Never.
    Stops() = default;
    /// Throws Error(invalid_argument) for a string without bytes. Whatever `bytes` refers to has to outlive this.
    Stops(std::vector<std::string> strings, Bytes bytes);

    /// Takes a token in; true when it completed a stop string. There is nothing to take in behind that.
    bool push(int32_t token);
    bool any() const { return strings_ != nullptr; }

    struct Found {
        size_t which;  // of the strings
        uint64_t at;   // byte of the text where it begins
    };
    const std::optional<Found>& found() const { return found_; }
    /// Bytes from the text's begin that are in no stop string, whatever comes: what a stream may show. The others are its
    /// own too, if the text ends for another reason.
    uint64_t certain() const;

private:
    /// With the longest beginning that ends each of their beginnings (Knuth, Morris, Pratt 1977).
    struct Strings {
        std::vector<std::string> text;
        std::vector<std::vector<uint32_t>> shorter;
        Bytes bytes;
    };
    std::shared_ptr<const Strings> strings_;
    std::vector<uint32_t> matched_;  // bytes of each that end the text
    uint64_t bytes_ = 0;
    std::optional<Found> found_;
};

/// The text of a stream: what may be shown of each token's bytes, and at the end what is left.
class StopGate {
public:
    explicit StopGate(Stops stops, Stops::Bytes bytes) : stops_(std::move(stops)), bytes_(std::move(bytes)) {}
    std::string push(int32_t token);
    /// What was held back, where the text ended for another reason than a stop string.
    std::string finish();

private:
    Stops stops_;
    Stops::Bytes bytes_;
    std::string held_;
    uint64_t shown_ = 0;
};

}  // namespace rw::sample
