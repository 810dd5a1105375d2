// A sequence in a file: the live bytes at its position and its tokens, so that it goes on in another process with
// nothing computed again.
//
//   "RWSS", u32 version, u64 fingerprint of the model, u32 form, W, KV type, parts (trunk, MTP), i64 pos, i64 tokens,
//   i64 turns, u64 bytes, i32 token..., (i64 position, i64 shift) of each turn, the live bytes in SequenceState's order,
//   u64 checksum of everything before
//
// Little-endian. Written to a file of another name first, so that a full disk leaves the old one as it was.
#pragma once

#include "runtime/sequence/sequence_state.h"

namespace rw::sequence {

/// tokens: the sequence's, and usually the one chosen last, which the state has not taken in yet. Throws Error(io), or
/// invalid_argument for fewer tokens than the state has taken in.
void save(const SequenceState& state, std::span<const int32_t> tokens, const std::string& path);

/// The same in two steps, for who cannot let the state rest until a file is written: a copy of what is to be saved, in
/// host memory, and the writing of it, which needs no context and may be done by any thread.
std::vector<std::byte> image_of(const SequenceState& state, std::span<const int32_t> tokens);
void write_image(std::span<const std::byte> image, const std::string& path);

struct Loaded {
    SequenceState state;
    std::vector<int32_t> tokens;
};
/// Throws Error: io; invalid_argument for a damaged file or one of another model or another form; out_of_memory or range
/// when the context has no place for it.
Loaded load(model::Context& context, const std::string& path);
/// The same in two steps, for who cannot let the context rest until a file is read. First the file into host memory, as
/// image_of() gives it: any thread may do that, since what is read of the context never changes. Throws Error: io;
/// invalid_argument and range as load(); out_of_memory when the host has no place for it.
std::vector<std::byte> read_image(const model::Context& context, const std::string& path);
/// Then the copy into a sequence of the context, of its own. image: what image_of() or read_image() gave. Throws Error:
/// invalid_argument, range, out_of_memory as load(); what the device throws. The context is as before then.
Loaded load_image(model::Context& context, std::span<const std::byte> image);

}  // namespace rw::sequence
