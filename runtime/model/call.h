// What is asked of a call of the model, held against what the context was made for.
#pragma once

#include <span>

#include "runtime/model/forward.h"
#include "runtime/model/options.h"

namespace rw::model {

/// One sequence's part of a call.
struct Part {
    int64_t row = 0;                      // of the pools
    int64_t pos = 0;                      // of the first token
    int64_t slot = 0;                     // of the input state, in snapshot form
    std::span<const int32_t> tokens{};
    std::span<const float> embeddings{};  // [w, n], instead of tokens
    std::span<const int32_t> rope{};      // [n, 3]: times, heights, widths; empty: the positions + shift
    int64_t shift = 0;                    // behind a picture words have other rotary positions than positions
};

/// Tokens of a part of either kind, `width` numbers an embedding.
inline int64_t tokens_of(const Part& part, int64_t width) {
    return part.embeddings.empty() ? int64_t(part.tokens.size()) : int64_t(part.embeddings.size()) / width;
}

struct Wanted {
    bool prefill = false;
    std::vector<int32_t> rows{};  // packed rows whose logits are wanted, e.g. n - 1
    bool mtp = false;             // fill the MTP block's cache for the rows
    bool mtp_logits = false;      // the logits are the MTP block's
};

struct Call {
    std::vector<Part> parts{};
    Wanted wanted{};
};

/// What is asked of parts in any call: rows of their own, positions and tokens that there are. Throws Error.
void check(const std::vector<Part>& parts, const Options& options, const gguf::Geometry& geometry);
/// The shape of a call. Throws Error for one that cannot be made; has_mtp: there is an MTP block.
Shape shape_of(const Call& call, const Options& options, const gguf::Geometry& geometry, bool has_mtp);
/// What its inputs are to hold.
std::vector<int32_t> inputs_of(const Call& call, const Shape& shape, int64_t width);

}  // namespace rw::model
