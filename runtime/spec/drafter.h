// Who guesses what the model will say next. A wrong guess costs a row of the verifying call and changes nothing else.
//
// Of a sequence a drafter hears begin, then for every round draft (where there is room for one), accept (where it
// guessed) and observe, and end. Only what the model itself said is ever observed: tokens of a rejected draft are not.
#pragma once

#include <string>

#include "runtime/sequence/sequence_state.h"

namespace rw::spec {

/// A sequence as a drafter knows it: its tokens so far, the last of which the model has not taken in yet.
struct Known {
    uint64_t id = 0;  // no other sequence of the process has had it
    std::span<const int32_t> prompt{}, text{};
    const sequence::SequenceState* state = nullptr;

    size_t size() const { return prompt.size() + text.size(); }
    int32_t operator[](size_t i) const { return i < prompt.size() ? prompt[i] : text[i - prompt.size()]; }
};

/// One sequence's place in a round: what is known, and the guess.
struct DraftJob {
    Known known;
    int most;                              // tokens that may be guessed, at least 1
    std::vector<model::Candidate> chain{}; // the guess, in order; may be shorter, or empty
    bool reading = false;                  // the drafter is still taking the text in: that it guesses nothing says nothing
    bool read = false;                     // it has taken some in: how long that took is not what a draft takes
};

class Drafter {
public:
    virtual ~Drafter() = default;
    /// What its times are kept under: of two that draft alike the same.
    virtual std::string name() const { return "drafter"; }
    /// Whether prompts and verified rows have to go through the MTP block as well.
    virtual bool needs_mtp() const { return false; }
    /// Whether it can go on with a guess of another that is in a job's chain already.
    virtual bool extends() const { return false; }
    /// The prompt has run, and its token is chosen.
    virtual void begin(const Known&) {}
    virtual void draft(std::span<DraftJob> jobs) = 0;
    /// Of its guess `drafted` tokens were verified and the first `accepted` stood.
    virtual void accept(const Known&, int /*drafted*/, int /*accepted*/) {}
    /// A round added tokens, guessed by this drafter, another or none.
    virtual void observe(const Known&) {}
    virtual void end(uint64_t /*id*/) {}
    /// Bytes of memory that it has taken.
    virtual uint64_t bytes() const { return 0; }
};

}  // namespace rw::spec
