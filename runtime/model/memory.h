// Device memory by purpose: tensors are asked for by name of purpose, so that what a model takes can be listed before
// anything is allocated and nothing is missing from the list.
//
//     Memory would(device, Memory::Mode::measure);   // counts, and gives tensors that have no memory behind them
//     Memory memory(device);                         // the same requests, allocated
//
// A buffer is counted as the bytes that were asked for; devices round each up to their alignment.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"

namespace rw::model {

/// Bytes by purpose ("weights", "kv", ...).
using Ledger = std::map<std::string, uint64_t>;
uint64_t total(const Ledger& ledger);

class Memory {
public:
    enum class Mode { take, measure };
    explicit Memory(std::shared_ptr<core::Device> device, Mode mode = Mode::take)
        : device_(std::move(device)), measures_(mode == Mode::measure) {}

    /// A packed tensor in a buffer of its own. Throws Error(out_of_memory) with the purpose.
    Tensor make(const std::string& purpose, Type type, Extent ne);
    /// A tensor over memory of the host that outlives this, without a copy.
    Tensor wrap(const std::string& purpose, Type type, Extent ne, const void* host);
    std::shared_ptr<core::Buffer> buffer(const std::string& purpose, uint64_t bytes);
    /// What is taken elsewhere.
    void count(const std::string& purpose, uint64_t bytes) { ledger_[purpose] += bytes; }

    const Ledger& ledger() const { return ledger_; }
    size_t buffers() const { return owned_.size(); }
    bool measures() const { return measures_; }
    core::Device& device() const { return *device_; }
    /// Whether the device's memory is the host's, so that files can be used where they are mapped.
    bool shares_host();

private:
    std::shared_ptr<core::Device> device_;
    bool measures_;
    Ledger ledger_;
    std::vector<std::shared_ptr<core::Buffer>> owned_;
    int shares_host_ = -1;  // not asked yet
};

/// Fills part of a buffer with zeros.
void clear(core::Buffer& buffer, uint64_t offset, uint64_t bytes);

/// Whether a tensor was ever described: optional ones are not.
inline bool present(const Tensor& t) { return t.nb[0] != 0; }
/// Other extents over the same packed memory.
Tensor reshaped(Tensor t, Extent ne);
/// Elements [from, from + ne) of every row.
Tensor columns(Tensor t, int64_t from, int64_t n);

}  // namespace rw::model
