// Rollback by checkpoint: the states that pool rows had before their last call of several tokens, and those tokens.
//
// There is one copy a row. An exact call of several tokens makes it, any other call forgets it: one token leaves nothing
// in between to go back to, a prompt is not computed again token by token, and of embeddings and rotary positions of
// the caller's own nothing is known afterwards.
#pragma once

#include "runtime/model/pool.h"

namespace rw::model {

struct Part;

class Checkpoints {
public:
    struct Kept {
        int64_t pos = 0;                // of the state that was copied
        std::vector<int32_t> tokens{};  // of the call behind it; none: nothing is kept
        bool in_place = false;          // the row itself holds it: restored, and nothing computed since
    };

    /// Bytes that plans for copying take, at most: 0 in other forms.
    static uint64_t plan_bytes(core::Device& device, const Pools& pools);
    /// Those of the plans that there are.
    uint64_t bytes() const;
    /// Has nothing to do in other forms. pools has to outlive it.
    void begin(std::shared_ptr<core::Device> device, const Pools& pools);
    const Kept& of(int64_t row) const { return kept_.at(size_t(row)); }
    void forget(int64_t row) { kept_.at(size_t(row)) = {}; }
    /// Before a call with these parts.
    void keep(const std::vector<Part>& parts, bool prefill);
    /// Copies what is kept of a row back into place.
    void restore(int64_t row);

private:
    void copy(int64_t row, bool back);

    std::shared_ptr<core::Device> device_;
    const Pools* pools_ = nullptr;
    std::map<std::pair<int64_t, bool>, std::unique_ptr<core::Plan>> plans_;  // of a row, out or back
    std::vector<Kept> kept_;
};

}  // namespace rw::model
