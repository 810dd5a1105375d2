// Whether a file holds a model that can be run: keys, tensors, shapes, types and vocabulary of a known architecture.
// (That it is a sound GGUF file at all was settled when it was opened.)
#pragma once

#include "runtime/gguf/geometry.h"

namespace rw::gguf {

/// Everything that is wrong, one line each; empty when the model is good.
std::vector<std::string> check(const File& file);

/// Keys tokenizer.*, where there are any. vocab: rows of the embedding.
void check_tokenizer(const File& file, uint32_t vocab, Problems& problems);

/// The geometry of a good model. Throws Error(invalid_argument) with the first problem and the number of them.
Geometry checked_geometry(const File& file);

}  // namespace rw::gguf
