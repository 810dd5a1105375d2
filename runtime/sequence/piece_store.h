// Copies of a sequence's pieces, one behind the other, in memory of the host or of the device.
//
//     PieceStore store(device, PieceStore::Where::device);
//     PieceStore::Kept kept = store.keep(state.live_all());
//     store.put_back(kept, other.live_all());       // the same pieces of another sequence
//
// Between memories that the host cannot see the device copies on its own, where it has shown that it keeps every bit.
#pragma once

#include "runtime/sequence/sequence_state.h"

namespace rw::sequence {

class PieceStore {
public:
    enum class Where { host, device };
    using Pieces = std::span<const SequenceState::Piece>;
    struct Kept {
        std::unique_ptr<std::byte[]> host;
        std::shared_ptr<core::Buffer> device;
        uint64_t bytes = 0;  // that it takes
    };

    PieceStore(std::shared_ptr<core::Device> device, Where where);

    /// What a copy of these takes.
    static uint64_t bytes(Pieces pieces);
    /// Throws Error, out_of_memory among others.
    Kept keep(Pieces pieces) const;
    /// The first of what was kept, as many as there are pieces; of the same sizes.
    void put_back(const Kept& kept, Pieces pieces) const;
    /// Whether copies stay on the device.
    bool on_device() const { return device_copies_; }

private:
    enum class Way { out, back };
    void through_host(const Kept& kept, Pieces pieces, Way way) const;
    bool by_device(const Kept& kept, Pieces pieces, Way way) const;
    bool keeps_every_bit() const;

    std::shared_ptr<core::Device> device_;
    Where where_;
    bool device_copies_ = false;
};

}  // namespace rw::sequence
