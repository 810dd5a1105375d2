// The forward pass of a call as a graph: embedding, layers, MTP block, head.
//
// A graph is made for a shape: how many rows, sequences, logits. What differs between calls of one shape, tokens,
// positions and pool rows, is read from one i32 buffer, divided as InputPlaces says. A plan holds one call, or two side
// by side: a prompt's and an exact one of other sequences, which share weights, and nothing that is written.
#pragma once

#include <compare>
#include <optional>

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

/// What a plan is recorded for: an exact call or a draft, or a prompt's call, or a prompt's and an exact call.
struct Shapes {
    std::optional<Shape> exact, prompt;
    auto operator<=>(const Shapes&) const = default;
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
    int64_t top;          // candidates of a row of logits
    int64_t draft_vocab;  // tokens that a draft is chosen from, the first; 0: all

    /// The call, or with steps the draft, that the shape describes.
    void build(Graph& graph, const Shape& shape) const;
    /// The calls of a plan, in order. lanes: the first is of exact calls and drafts, the last of prompts. Of two calls
    /// side by side each has its own, so that each does what it does alone. They take turns op by op: what one has read
    /// of a matrix is at hand for the other.
    void build(const Shapes& shapes, std::span<Lane> lanes, const Graph::Sink& sink) const;

private:
    void build_call(Graph& graph, const Shape& shape) const;
    void build_draft(Graph& graph, const Shape& shape) const;
    void head(Graph& graph, const Shape& shape, const Tensor& hidden, const Tensor& matrix, const Tensor& chosen) const;
};

}  // namespace rw::model
