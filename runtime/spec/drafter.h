// Who guesses what the model will say next. A wrong guess costs a row of the verifying call and changes nothing else.
#pragma once

#include "runtime/model/context.h"

namespace rw::spec {

struct Generation;

/// One sequence's place in a round: what is known, and the guess.
struct DraftJob {
    const Generation* sequence;            // its text ends with the token that the model has not taken in yet
    int most;                              // tokens that may be guessed
    std::vector<model::Candidate> chain{}; // the guess, in order; may be shorter, or empty
};

class Drafter {
public:
    virtual ~Drafter() = default;
    /// Whether prompts and verified rows have to go through the MTP block as well.
    virtual bool needs_mtp() const { return false; }
    virtual void draft(std::span<DraftJob> jobs) = 0;
};

/// The model's own multi-token prediction block: all sequences' chains in one call.
class MtpDrafter : public Drafter {
public:
    /// The context has to outlive it. Throws Error(invalid_argument) when it has no such block.
    explicit MtpDrafter(model::Context& context);
    bool needs_mtp() const override { return true; }
    void draft(std::span<DraftJob> jobs) override;

private:
    model::Context& context_;
};

}  // namespace rw::spec
