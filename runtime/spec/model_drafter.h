// A second, smaller model that drafts: greedily, all sequences in one call a step.
//
//     auto small = std::make_shared<model::Context>(small_model, device, ModelDrafter::options(context.options(), *small_model));
//     ModelDrafter drafter(context.model(), small);
//
// Of every sequence it has a state of its own, which follows the text: what both have taken in stays, what was drafted and
// rejected is rolled back, exactly and without computing anything again, and what is new is run. A text is only read when
// drafts of it are asked for, a long one a prompt call a round, for one sequence at a time, so that nobody waits for it;
// until it is read there are no drafts. A sequence whose text begins as another's does, or one's that has ended, starts from
// that one's state where this can go back to their last common token.
//
// Its states are in ring form: the others cannot go back over drafts that were made token by token.
#pragma once

#include <map>
#include <optional>

#include "runtime/spec/drafter.h"

namespace rw::spec {

class ModelDrafter : public Drafter {
public:
    /// own: a context made with options() or the like, in ring form. Throws Error(invalid_argument) where the models'
    /// tokens are not the same (same_vocabulary.h).
    ModelDrafter(const model::Model& target, std::shared_ptr<model::Context> own);
    /// What the second model's context has to be made with, to follow one with these options.
    static model::Options options(const model::Options& target, const model::Model& drafting);

    /// Of another second model, on another device, another.
    std::string name() const override;
    bool extends() const override { return true; }
    void begin(const Known& known) override { entries_[known.id]; }
    void draft(std::span<DraftJob> jobs) override;
    void end(uint64_t id) override;
    uint64_t bytes() const override;

    /// Tokens that were run through the model so far, and those that were not because a state was there already.
    int64_t evaluated() const { return evaluated_; }
    int64_t reused() const { return reused_; }

private:
    struct Entry {
        std::optional<sequence::SequenceState> state{};
        std::vector<int32_t> taken{};  // the tokens of the state
        size_t sure = 0;               // of them, those that are known to be the sequence's
        uint64_t ended = 0;            // when; 0: goes on
    };
    struct Place {
        DraftJob* job;
        Entry* entry;
        std::vector<int32_t> text;  // what is known, and guessed
        int most;                   // tokens to guess
        std::span<const int32_t> rest() const { return std::span(text).subspan(entry->taken.size()); }
    };
    std::vector<Place> places(std::span<DraftJob> jobs);
    bool reading(const Place& place, size_t taken) const;
    bool follow(Place& place, bool& prompted);
    void take_state(Entry& entry, const std::vector<int32_t>& text);
    void go_back(Entry& entry, size_t to);
    void run(const std::vector<Place*>& places, const std::vector<std::span<const int32_t>>& tokens, bool prompt);

    std::shared_ptr<model::Context> own_;
    uint32_t vocab_;  // tokens that both models know
    std::map<uint64_t, Entry> entries_;
    uint64_t ends_ = 0;
    int64_t evaluated_ = 0, reused_ = 0;
};

}  // namespace rw::spec
