// Drafters in an order: each sequence gets the guess of the first that has one of at least `fewest` tokens for it. A guess
// that may be extended and is shorter than it could be is gone on with by the first behind that can do so.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "runtime/spec/drafter.h"

namespace rw::spec {

class ChainDrafter : public Drafter {
public:
    struct Link {
        std::unique_ptr<Drafter> drafter;
        int fewest = 1;       // shorter guesses are left to the next
        bool extend = false;  // its guesses may be gone on with
    };
    /// Throws Error(invalid_argument) when there is none.
    explicit ChainDrafter(std::vector<Link> links);
    std::string name() const override;
    bool needs_mtp() const override;
    void begin(const Known& known) override;
    void draft(std::span<DraftJob> jobs) override;
    void accept(const Known& known, int drafted, int accepted) override;
    void observe(const Known& known) override;
    void end(uint64_t id) override;
    uint64_t bytes() const override;

private:
    std::vector<Link> links_;
    struct Guess {
        size_t link;
        int tokens;  // of its own
    };
    std::unordered_map<uint64_t, Guess> guessed_;  // who made a sequence's last guess, or began it
};

}  // namespace rw::spec
