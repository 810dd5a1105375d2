// The last n tokens were here before: what followed them then is the guess.
//
// The newest earlier place counts. A guess that reaches the end of what is known goes on with its own tokens, so text
// that repeats itself with any period is continued.
#pragma once

#include <unordered_map>

#include "runtime/spec/ngram.h"

namespace rw::spec {

class NgramSimple : public Drafter {
public:
    /// Throws Error(invalid_argument) for n < 1.
    explicit NgramSimple(int n = 8);
    std::string name() const override { return "ngram-simple"; }
    void begin(const Known& known) override;
    void draft(std::span<DraftJob> jobs) override;
    void observe(const Known& known) override;
    void end(uint64_t id) override { places_.erase(id); }
    uint64_t bytes() const override;

private:
    struct Places {
        std::unordered_map<uint64_t, uint32_t> after;  // key of n tokens -> where the token behind them is, the newest
        size_t seen = 0;                               // tokens that are in it as those behind
    };
    int n_;
    std::unordered_map<uint64_t, Places> places_;
};

}  // namespace rw::spec
