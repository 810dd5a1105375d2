// The layers of a Gated-DeltaNet hybrid as calls of registry ops. Formulas: Yang, Kautz, Hatamizadeh, arXiv 2412.06464,
// for the recurrence; the order of steps is that of the models' own definition.
//
// Token rows of all sequences of a call are packed: activations are [.., N]. Where rows belong is in `Rows`. Each
// function adds the steps of one layer and returns the residual stream after it.
#pragma once

#include "runtime/model/pool.h"

namespace rw::model {

/// Whose the N token rows of a call are: B sequences, i32 tensors on the device.
struct Rows {
    int64_t N = 1, B = 1, longest = 1;  // longest: most tokens of a sequence
    bool prefill = false;               // the chunk-parallel path, else the exact one
    Tensor pos, seq, first, len;        // [B]: position of the first token, pool row, first row, tokens
    Tensor slot;                        // [B]: slot of the input state, in snapshot form
    Tensor rope;                        // [N, planes, 1]: rotary positions
};

struct Layers {
    Graph& graph;
    const gguf::Geometry& geometry;
    const Pools& pools;

    /// Norm, recurrent layer, norm, feed-forward. x is added to and the sum returned.
    Tensor recurrent(const Block& block, const RecurrentPool& pool, const Rows& rows, const Tensor& x) const;
    /// The same with attention.
    Tensor attention(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& x) const;
    /// What attention leaves behind alone: keys and values, for rows whose output nobody wants.
    void keys_and_values(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& x) const;
    /// The MTP block's input: the tokens' embeddings merged with the hidden rows before them. The hidden rows of this
    /// call are kept, so that the row before is known whatever the next call begins with.
    Tensor merged(const Mtp& mtp, const Tensor& shift, const Rows& rows, const Tensor& embedding, const Tensor& hidden) const;
    /// The same with the rows before given, as a chain of drafts has them.
    Tensor merged_with(const Mtp& mtp, const Tensor& embedding, const Tensor& before) const;

private:
    void store(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& y) const;
    Tensor feed_forward(const Block& block, const Tensor& x) const;
    Tensor dense(const Dense& ffn, const Tensor& y, const Tensor& x) const;
    Tensor experts(const Experts& ffn, const Tensor& y, const Tensor& x) const;
};

}  // namespace rw::model
