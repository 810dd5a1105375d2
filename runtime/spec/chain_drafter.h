// Drafters in an order: each sequence gets the guess of the first that has one of at least `fewest` tokens for it.
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
        int fewest = 1;  // shorter guesses are left to the next
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
    std::unordered_map<uint64_t, size_t> guessed_;  // which link made a sequence's last guess
};

}  // namespace rw::spec
