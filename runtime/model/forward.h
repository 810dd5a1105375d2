// The forward pass of a call as a graph: embedding, layers, MTP block, head.
//
// A graph is made for a shape: how many rows, sequences, logits. What differs between calls of one shape, tokens,
// positions and pool rows, is read from one i32 buffer, divided as InputPlaces says.
#pragma once

#include <compare>

#include "runtime/model/layers.h"

namespace rw::model {

struct Shape {
    int64_t N = 1, B = 1, longest = 1, logits = 0, planes = 1;
    int64_t steps = 0;   // of a draft, else 0
    int64_t forced = 0;  // of them, those behind which the next token is known already
    bool prefill = false, embeddings = false, mtp = false, mtp_logits = false;
    bool all_rows = false;  // the rows of logits are all rows, in order
    auto operator<=>(const Shape&) const = default;
};

/// Offsets in elements of the parts of the input buffer.
struct InputPlaces {
    int64_t tokens, rope, pos, seq, first, len, slot, logits, end;
    int64_t stride;  // of the steps of a draft: rope, pos, seq each have B elements a step
    explicit InputPlaces(const Shape& shape);
};

struct Forward {
    const gguf::Geometry& geometry;
    const Weights& weights;
    const Pools& pools;
    const Tensor& inputs;  // i32
    int64_t top;           // candidates of a row of logits

    /// The call, or with steps the draft, that the shape describes.
    void build(Graph& graph, const Shape& shape) const;

private:
    void build_call(Graph& graph, const Shape& shape) const;
    void build_draft(Graph& graph, const Shape& shape) const;
    void head(Graph& graph, const Shape& shape, const Tensor& hidden, const Tensor& matrix, const Tensor& chosen) const;
    Rows rows_at(const Shape& shape, const InputPlaces& at, int64_t step) const;
    Tensor input(int64_t from, Extent ne) const;
};

}  // namespace rw::model
