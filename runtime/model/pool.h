// What sequences leave behind, for all of them: rows of pools on the device, addressed by position.
//
// Ring form (the default): the state of a recurrent layer is a base and a ring of rows, its convolution a ring of
// inputs; keys, values and the hidden rows that the MTP head is fed with lie at their positions. Going back is a smaller
// position in the next call: nothing is copied. Snapshot form: the layer and its convolution keep the state after each
// of the last K tokens in slots; going back is choosing a slot. Checkpoint form: there is one state, and a copy of what
// it was before the last call, if that had several tokens; going back is copying it back and computing tokens again.
#pragma once

#include "runtime/model/graph.h"
#include "runtime/model/weights.h"

namespace rw::model {

enum class StateForm { ring, snapshots, checkpoint };

struct PoolShape {
    StateForm form = StateForm::ring;
    int64_t sequences = 1;
    int64_t context = 4096;    // positions
    int64_t most_exact = 16;   // tokens of a sequence in one exact call: drafts and one
    int64_t W = 16;            // positions of a block, in ring form
    Type kv = Type::f16;       // or q8_0, or f32
    /// States of a recurrent layer that a call writes, where the form has slots.
    int64_t slots() const { return form == StateForm::snapshots ? most_exact : 1; }
    int64_t n_base() const { return 1 + (most_exact + W - 1) / W; }
    /// Rows of the rings of hidden rows and of convolution inputs.
    int64_t ring(int64_t taps) const { return W * n_base() + taps - 2; }
};

/// One recurrent layer's. Ring: base [D, n_base, P], ring_k, ring_d, ring_g, inputs [C, R, P]. Snapshots: base is the
/// states [D, K, P], inputs the windows [(taps - 1) C, K, P]. Checkpoint: the same with K = 1, and copies of both. What a
/// form does not have is absent.
struct RecurrentPool {
    Tensor base, ring_k, ring_d, ring_g, inputs;
    Tensor kept_base, kept_inputs;
};
struct KvPool {
    Tensor k, v;  // [D, kv_heads, context, P]
};

struct Pools {
    PoolShape shape;
    std::vector<RecurrentPool> recurrent;  // of the recurrent layers, in order
    std::vector<KvPool> kv;                // of the attention layers, in order, the MTP block's last
    Tensor hidden;                         // [w, R, P], with an MTP block

    /// Makes pool row `row` that of a sequence without tokens.
    void clear(int64_t row) const;
    /// Snapshot form: makes the state in `slot` of a sequence the one in its last slot.
    void make_last(int64_t row, int64_t slot) const;
};

Pools make_pools(const PoolShape& shape, const gguf::Geometry& geometry, bool with_mtp, Memory& memory);

}  // namespace rw::model
