#include "runtime/model/memory.h"

#include <fmt/format.h>

namespace rw::model {
namespace {

Tensor described(Type type, const Extent& ne) {
    Tensor t;
    t.type = type, t.ne = ne, t.nb = contiguous(type, ne);
    return t;
}

}  // namespace

uint64_t total(const Ledger& ledger) {
    uint64_t sum = 0;
    for (const auto& [purpose, bytes] : ledger) sum += bytes;
    return sum;
}

Tensor Memory::make(const std::string& purpose, Type type, Extent ne) {
    Tensor t = described(type, ne);
    const uint64_t bytes = t.span();
    if (device_) {
        try {
            owned_.push_back(device_->allocate(bytes));
        } catch (const Error& e) {
            throw Error(e.status, fmt::format("{}: {} bytes for {}: {}", device_->info().id, bytes, purpose, e.what()));
        }
        t.buffer = owned_.back().get();
    }
    ledger_[purpose] += bytes;
    return t;
}

Tensor Memory::wrap(const std::string& purpose, Type type, Extent ne, const void* host) {
    Tensor t = described(type, ne);
    t.offset = reinterpret_cast<uintptr_t>(host) % 16;  // a device may want that much; files have tensors at 8 bytes too
    auto* start = static_cast<std::byte*>(const_cast<void*>(host)) - t.offset;  // inputs only: nothing writes to it
    owned_.push_back(device_->wrap_host(start, t.offset + t.span()));
    t.buffer = owned_.back().get();
    ledger_[purpose] += t.span();
    return t;
}

bool Memory::shares_host() {
    if (shares_host_ < 0) {
        shares_host_ = 0;
        alignas(64) static std::byte probe[64];
        try {
            shares_host_ = device_ && device_->wrap_host(probe, sizeof probe)->host() == probe;
        } catch (const Error&) {  // a device with memory of its own
        }
    }
    return shares_host_ != 0;
}

Tensor reshaped(Tensor t, Extent ne) {
    t.ne = ne, t.nb = contiguous(t.type, ne);
    return t;
}

Tensor columns(Tensor t, int64_t from, int64_t n) {
    t.offset += uint64_t(from) * size_of(t.type);
    t.ne[0] = n;
    return t;
}

}  // namespace rw::model
