// A model on a device: weights, pools, scratch, and the plans that run it. One thread at a time.
//
//     model::Context context(model, core::open("cpu"), {});
//     context.run({{.row = 0, .pos = 0, .tokens = prompt}}, {.prefill = true, .rows = {int(prompt.size()) - 1}});
//     std::vector<float> logits = context.logits(0);
//
// A plan is recorded once for every shape of a call (rows, sequences, longest, ...) and then replayed; when there are
// many, the one used longest ago goes. A prompt's call and an exact one of other sequences may share a plan. The
// context knows no sequences, only pool rows and positions; SequenceState keeps the law of what may be asked for
// (checkpoint.h has what a row held before its last call).
#pragma once

#include <set>

#include "runtime/model/call.h"
#include "runtime/model/checkpoint.h"
#include "runtime/model/model.h"
#include "runtime/model/plan_cache.h"

namespace rw::model {

struct Candidate {
    int32_t token;
    float probability;
};

class Context {
public:
    /// Loads the model. Throws Error(out_of_memory), before anything is allocated, with a table of what it would take.
    Context(std::shared_ptr<const Model> model, std::shared_ptr<core::Device> device, const Options& options,
            const Progress& progress = {});

    const Model& model() const { return *model_; }
    const gguf::Geometry& geometry() const { return model_->geometry(); }
    const Options& options() const { return options_; }
    const Pools& pools() const { return pools_; }
    core::Device& device() const { return *device_; }
    bool has_mtp() const { return weights_.mtp.has_value(); }
    /// Bytes of device memory by purpose. "plans" is the most that recorded plans may take, all else is taken already.
    const Ledger& ledger() const { return memory_.ledger(); }
    /// Buffers that this is made of, what plans take now, and how many there are for calls.
    size_t buffers() const { return memory_.buffers(); }
    uint64_t plan_bytes() const { return plans_.bytes() + checkpoints_.bytes(); }
    size_t plans() const { return plans_.size(); }
    /// What a context would take on the device; nothing is loaded or allocated.
    static Ledger measure(const Model& model, std::shared_ptr<core::Device> device, const Options& options);

    /// A pool row that nobody has, cleared. Throws Error(out_of_memory) when all are taken.
    int64_t take_row();
    bool has_free_row() const;
    void give_row(int64_t row) { taken_.at(size_t(row)) = false; }
    /// Makes the pool row that of a sequence without tokens.
    void clear_row(int64_t row);

    /// Runs the parts' tokens through the model, each from its position on, and waits.
    void run(const std::vector<Part>& parts, const Wanted& wanted);
    /// A prompt's call and an exact one of other sequences: each has the bits that it has alone. From the second time
    /// that two of their shapes meet they are one plan; what meets once is not worth recording, and runs as two. Only
    /// where joins(). Of what is wanted the exact call's rows come first.
    void run(const Call& prompt, const Call& exact);
    /// Whether there is what two calls side by side take: with Options::joint, for several sequences.
    bool joins() const { return lanes_.size() > 1; }
    /// Whether the last call failed on the device: what the sequences hold that it was about is not known. One that
    /// failed before has changed no state; what checkpoints could go back to may be less.
    bool broke_off() const { return broke_off_; }
    /// Whether a pool row's last call was a prompt's, which keeps its last state alone.
    bool ran_prompt(int64_t row) const { return ran_.at(size_t(row)).prompt; }
    /// Of that call's tokens the greatest of their three rotary positions; empty where none were given.
    std::span<const int32_t> ran_rope(int64_t row) const { return ran_.at(size_t(row)).rope; }
    Checkpoints& checkpoints() { return checkpoints_; }
    const Checkpoints& checkpoints() const { return checkpoints_; }

    /// After run(): the logits of the i-th wanted row, and the most probable tokens of it, best first.
    std::vector<float> logits(size_t i) const;
    std::vector<Candidate> candidates(size_t i) const;
    /// The row that those logits come from, behind the final norm.
    std::vector<float> hidden(size_t i) const;

    /// A chain of `steps` tokens for each part: the MTP block takes the part's last token and the hidden row before it,
    /// then its own best token and output. One token a part, whose rotary positions, where they are given, are three alike,
    /// since it is a word; steps < options.pools.most_exact. candidates: [step][part].
    std::vector<std::vector<Candidate>> draft(const std::vector<Part>& parts, const std::vector<int>& steps);

private:
    /// Measures only: the tensors, and with measure_plans() what plans take.
    Context(const Model& model, std::shared_ptr<core::Device> device, const Options& options);
    void measure_plans();
    /// What would fit, for who asked for too much.
    std::string advice(const Ledger& would, uint64_t budget) const;
    void prepare(Memory& memory, const Progress& progress);
    Forward forward() const { return {geometry(), weights_, pools_, options_.top, options_.draft_vocab}; }
    core::Plan& plan(const Shapes& shapes);
    Lane& lane(bool prompt) { return prompt ? lanes_.back() : lanes_.front(); }
    void run_all(std::initializer_list<const Call*> calls);
    void give(const Call& call, const Shape& shape);
    bool worth_recording(const Shapes& both);
    /// Where the i-th wanted row is.
    struct Result {
        const Scratch& scratch;
        const Shape& shape;
        size_t at;
    };
    Result result(size_t i) const;
    struct Ran {
        bool prompt = false;
        std::vector<int32_t> rope{};
    };

    std::shared_ptr<const Model> model_;
    std::shared_ptr<core::Device> device_;
    Options options_;
    Memory memory_;
    Weights weights_;
    Pools pools_;
    std::vector<Lane> lanes_;  // of exact calls and drafts, and of prompts where that is another
    std::shared_ptr<core::Buffer> kernel_scratch_;  // of all plans
    PlanCache<Shapes, core::Plan> plans_;
    std::set<Shapes> met_;  // pairs that came up once
    Shapes last_;
    bool broke_off_ = false;
    std::vector<Ran> ran_;  // of the pool rows
    std::vector<bool> taken_;
    Checkpoints checkpoints_;
};

}  // namespace rw::model
