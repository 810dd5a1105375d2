// The tensors of a Gated-DeltaNet hybrid on a device, by what they are for.
//
// Shapes in ne order; w is the model's width. Matrices are [inputs, outputs] of any type that MUL_MAT takes, everything
// else is f32. What an architecture stores in another arrangement (qwen3next: beta and alpha of a K head side by side,
// or q, k, v and z) is taken apart by rows when it is loaded, so that a graph sees one form.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "runtime/gguf/geometry.h"
#include "runtime/model/memory.h"

namespace rw::model {

struct Recurrent {
    Tensor qkv;            // [w, conv_width]: q | k | v
    Tensor z;              // [w, inner]
    Tensor alpha, beta;    // [w, V heads]
    Tensor conv;           // [taps, conv_width]
    Tensor dt_bias, a;     // [1, V heads], [V heads]: g = softplus(alpha + dt_bias) a
    Tensor norm;           // [S]
    Tensor out;            // [inner, w]
};

struct Attention {
    Tensor q;               // [w, 2 D heads]: of each head the query, then its gate
    Tensor k, v;            // [w, D kv_heads], [w, D_v kv_heads]
    Tensor q_norm, k_norm;  // [D]
    Tensor out;             // [D_v heads, w]
    int64_t heads = 0, kv_heads = 0;
};

struct Dense {
    Tensor gate, up, down;  // [w, ff], [w, ff], [ff, w]
};

struct Experts {
    Tensor router;                                // [w, experts] f32
    Tensor gate, up, down;                        // [w, ff, experts] twice, [ff, w, experts]; gate holds both without up
    Tensor shared_router;                         // [w, 1] f32
    Dense shared;
};

struct Block {
    Tensor norm, ffn_norm;  // [w]
    std::optional<Recurrent> recurrent;
    std::optional<Attention> attention;
    std::optional<Dense> dense;
    std::optional<Experts> experts;
};

struct Mtp {
    Block block;
    Tensor merge;                   // [2 w, w]: eh_proj, takes embedding | hidden
    Tensor embed_norm, hidden_norm; // [w]
    Tensor norm, embed, head;       // the trunk's where the file has none of its own
    bool own_embed = false;
};

struct Weights {
    Tensor embed;  // [w, vocabulary]
    Tensor norm;   // [w]
    Tensor head;   // [w, vocabulary]: embed when tied
    std::vector<Block> blocks;
    std::optional<Mtp> mtp;
    Tensor shift;  // [2, w], (1, 0) a channel: a convolution that takes the row before
};

/// Called while bytes move; false stops with Error(invalid_argument) "cancelled".
using Progress = std::function<bool(uint64_t done, uint64_t total)>;

/// Loads, or with a Memory that measures only describes. with_mtp: the MTP block too. mtp: the file of that block where
/// it is not `trunk`'s own, or null; its embedding, final norm and head are the trunk's and not loaded again. Where
/// memory is the host's, plain tensors stay in the file's mapping, so the files have to outlive the weights.
Weights load_weights(const gguf::File& trunk, const gguf::Geometry& geometry, const gguf::File* mtp, bool with_mtp,
                     Memory& memory, const Progress& progress = {});

}  // namespace rw::model
