#include "core/device.h"

#include <charconv>

// Generated: declares make_backend() of every backend in this build and lists them.
#include "backends.h"

namespace rw::core {

std::shared_ptr<Buffer> Device::wrap_host(void*, uint64_t) {
    throw Error(Status::unsupported, info().id + ": cannot use host memory in place; allocate and write instead");
}

std::shared_ptr<Buffer> Device::wrap_native(uint64_t, uint64_t, uint64_t) {
    throw Error(Status::unsupported, info().id + ": has no buffers of its own API to wrap");
}

std::shared_ptr<Device> Backend::wrap(const void*) {
    throw Error(Status::unsupported, std::string(name()) + ": cannot wrap a device");
}

std::string Device::fingerprint() const { return info().name + "|" + info().driver; }

std::span<const std::unique_ptr<Backend>> backends() {
    static const std::vector<std::unique_ptr<Backend>> list = make_backends();
    return list;
}

std::vector<DeviceInfo> devices(std::vector<std::string>* notes) {
    std::vector<DeviceInfo> found;
    for (const auto& backend : backends()) {
        std::string note;
        for (DeviceInfo& info : backend->enumerate(note)) found.push_back(std::move(info));
        const std::string name = std::string(backend->name()) + ": ";
        if (notes && !note.empty()) notes->push_back(note.starts_with(name) ? note : name + note);
    }
    return found;
}

void throw_fault(uint32_t bits) {
    std::string what;
    const auto add = [&](uint32_t bit, const char* text) {
        if (bits & bit) what += std::string(what.empty() ? "" : ", ") + text;
    };
    add(RW_FAULT_SLOT, "in_slot (expected 0..K_in-1)");
    add(RW_FAULT_SEQ, "seq (expected -1..P-1)");
    add(RW_FAULT_SEQ_LEN, "seq_len (expected 0..T)");
    add(RW_FAULT_FIRST, "first (expected first + seq_len <= N)");
    add(RW_FAULT_POS, "pos (out of the range that the op allows)");
    add(RW_FAULT_ROW, "ids (expected -1..R-1)");
    throw Error(Status::range, "out of range in a device buffer: " + what +
                                   "; the sequences concerned were skipped, all others are done");
}

std::shared_ptr<Device> open(const std::string& id) {
    const size_t colon = std::min(id.find(':'), id.size());
    const std::string name = id.substr(0, colon);
    int index = 0;
    if (colon < id.size()) {
        const auto [end, error] = std::from_chars(id.data() + colon + 1, id.data() + id.size(), index);
        if (error != std::errc() || end != id.data() + id.size() || index < 0)
            throw Error(Status::invalid_argument, "device '" + id + "': expected a name like cpu or vulkan:1");
    }
    std::string names;
    for (const auto& backend : backends()) {
        if (backend->name() == name) return backend->open(index);
        names += std::string(names.empty() ? "" : ", ") + backend->name();
    }
    throw Error(Status::not_found, "device '" + id + "': this build has the backends " + names);
}

}  // namespace rw::core
