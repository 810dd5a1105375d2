#include "runtime/model/memory.h"

#include <fmt/format.h>

#include <algorithm>

namespace rw::model {
namespace {

/// Stands where memory would be.
class Imagined : public core::Buffer {
public:
    explicit Imagined(uint64_t bytes) : Buffer(bytes) {}
    void write(uint64_t, const void*, uint64_t) override { none(); }
    void read(uint64_t, void*, uint64_t) const override { none(); }

private:
    [[noreturn]] static void none() { throw Error(Status::internal, "a tensor that was only measured has no memory"); }
};

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

std::shared_ptr<core::Buffer> Memory::buffer(const std::string& purpose, uint64_t bytes) {
    try {
        if (measures_) owned_.push_back(std::make_shared<Imagined>(bytes));
        else owned_.push_back(device_->allocate(bytes));
    } catch (const Error& e) {
        throw Error(e.status, fmt::format("{}: {} bytes for {}: {}", device_->info().id, bytes, purpose, e.what()));
    }
    ledger_[purpose] += bytes;
    return owned_.back();
}

Tensor Memory::make(const std::string& purpose, Type type, Extent ne) {
    Tensor t = described(type, ne);
    t.buffer = buffer(purpose, t.span()).get();
    return t;
}

Tensor Memory::wrap(const std::string& purpose, Type type, Extent ne, const void* host) {
    Tensor t = described(type, ne);
    if (measures_) return make(purpose, type, ne);
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
            shares_host_ = device_->wrap_host(probe, sizeof probe)->host() == probe;
        } catch (const Error&) {  // a device with memory of its own
        }
    }
    return shares_host_ != 0;
}

void clear(core::Buffer& buffer, uint64_t offset, uint64_t bytes) {
    const std::vector<std::byte> zeros(std::min<uint64_t>(bytes, 1 << 20));
    for (uint64_t at = 0; at < bytes; at += zeros.size())
        buffer.write(offset + at, zeros.data(), std::min<uint64_t>(zeros.size(), bytes - at));
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
