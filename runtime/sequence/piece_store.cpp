#include "runtime/sequence/piece_store.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace rw::sequence {
namespace {

using Piece = SequenceState::Piece;

constexpr uint64_t alignment = 16;        // of a piece among those kept, as kernels for whole vectors want it
constexpr uint64_t most_step = 16 << 20;  // bytes that one step copies, well inside any grid

uint64_t padded(uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

Tensor words(core::Buffer& buffer, uint64_t offset, uint64_t bytes) {
    Tensor t;
    t.type = Type::f32, t.ne = {int64_t(bytes / 4), 1, 1, 1}, t.nb = contiguous(t.type, t.ne);
    t.buffer = &buffer, t.offset = offset;
    return t;
}

struct Copy {
    core::Buffer *from, *to;
    uint64_t from_offset, to_offset, bytes;
};

/// In one submit. The steps copy words, whatever they mean.
void run_copies(const std::shared_ptr<core::Device>& device, std::span<const Copy> copies) {
    core::Plan plan(device);
    model::Lane none;
    model::Graph graph(none, [&](const ops::Call& call) { plan.add(call); }, false);
    for (const Copy& c : copies)
        for (uint64_t at = 0; at < c.bytes; at += most_step) {
            const uint64_t n = std::min(most_step, c.bytes - at);
            graph.add("COPY", {{"x", words(*c.from, c.from_offset + at, n)},
                               {"out", words(*c.to, c.to_offset + at, n)}});
        }
    plan.run();
}

std::byte* host_of(const PieceStore::Kept& kept) {
    return kept.host ? kept.host.get() : static_cast<std::byte*>(kept.device->host());
}

}  // namespace

PieceStore::PieceStore(std::shared_ptr<core::Device> device, Where where) : device_(std::move(device)), where_(where) {
    device_copies_ = where_ == Where::device && keeps_every_bit();
}

/// The op that copies promises values. Bits that are no number's, a device may keep or not: ask it once.
bool PieceStore::keeps_every_bit() const {
    constexpr uint64_t n = 1 << 15;
    std::vector<uint32_t> in(n), out(n);
    for (uint32_t i = 0; i < n; ++i) in[i] = i * 0x9e3779b9u;  // NaNs of both kinds and subnormal numbers among them
    for (uint32_t i = 0; i < n / 4; ++i) in[4 * i] = (i & 1 ? 0x7f800000u : 0x80000000u) | i * 0x101u;
    const auto from = device_->allocate(n * 4), to = device_->allocate(n * 4);
    if (from->host()) return false;  // then plain copies are at least as good
    from->write(0, in.data(), n * 4);
    const Copy copies[] = {{from.get(), to.get(), 0, 0, n * 2}, {from.get(), to.get(), n * 2, n * 2, n * 2 - 4},
                           {from.get(), to.get(), n * 4 - 4, n * 4 - 4, 4}};
    try {
        run_copies(device_, copies);
    } catch (const Error&) {
        return false;
    }
    to->read(0, out.data(), n * 4);
    return in == out;
}

uint64_t PieceStore::bytes(Pieces pieces) {
    uint64_t sum = 0;
    for (const Piece& piece : pieces) sum += padded(piece.bytes);
    return sum;
}

PieceStore::Kept PieceStore::keep(Pieces pieces) const {
    Kept kept;
    kept.bytes = bytes(pieces);
    if (kept.bytes == 0) return kept;
    if (where_ == Where::device) kept.device = device_->allocate(kept.bytes);
    else kept.host.reset(new (std::nothrow) std::byte[kept.bytes]);
    if (!kept.host && !kept.device)
        throw Error(Status::out_of_memory, std::to_string(kept.bytes) + " bytes of host memory are not to be had");
    if (!device_copies_ || !by_device(kept, pieces, Way::out)) through_host(kept, pieces, Way::out);
    return kept;
}

void PieceStore::put_back(const Kept& kept, Pieces pieces) const {
    if (bytes(pieces) > kept.bytes) throw Error(Status::internal, "more is to be put back than was kept");
    if (!device_copies_ || !by_device(kept, pieces, Way::back)) through_host(kept, pieces, Way::back);
}

/// False where a piece is not made of whole words.
bool PieceStore::by_device(const Kept& kept, Pieces pieces, Way way) const {
    std::vector<Copy> copies;
    uint64_t at = 0;
    for (const Piece& piece : pieces) {
        if (piece.offset % 4 || piece.bytes % 4) return false;
        core::Buffer* const mine = kept.device.get();
        if (way == Way::out) copies.push_back({piece.buffer, mine, piece.offset, at, piece.bytes});
        else copies.push_back({mine, piece.buffer, at, piece.offset, piece.bytes});
        at += padded(piece.bytes);
    }
    if (!copies.empty()) run_copies(device_, copies);
    return true;
}

void PieceStore::through_host(const Kept& kept, Pieces pieces, Way way) const {
    if (kept.bytes == 0) return;
    std::byte* const host = host_of(kept);
    std::vector<std::byte> between;
    uint64_t at = 0;
    for (const Piece& piece : pieces) {
        if (!host) between.resize(piece.bytes);
        std::byte* const bytes = host ? host + at : between.data();
        if (way == Way::out) {
            piece.buffer->read(piece.offset, bytes, piece.bytes);
            if (!host) kept.device->write(at, bytes, piece.bytes);
        } else {
            if (!host) kept.device->read(at, bytes, piece.bytes);
            piece.buffer->write(piece.offset, bytes, piece.bytes);
        }
        at += padded(piece.bytes);
    }
}

}  // namespace rw::sequence
