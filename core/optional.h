// What only some backends and devices have. Asked for with dynamic_cast; who does not derive from it has no need of it.
#pragma once

#include <memory>
#include <vector>

#include "core/device.h"

namespace rw::core {

/// What an engine should enable on an API's device before it is wrapped. Points into `owner`.
struct Wishes {
    std::vector<const char*> extensions;
    const void* features = nullptr;
    std::shared_ptr<const void> owner;
};

/// A backend with such wishes.
class Wishful {
public:
    virtual ~Wishful() = default;
    /// For a physical device of the API (VkPhysicalDevice).
    virtual Wishes wishes(void* physical_device) = 0;
};

/// A device that may disappear.
class Losable {
public:
    virtual ~Losable() = default;
    /// Throws device_lost once the device is: from then on every call on it does.
    virtual void alive() const = 0;
};

inline void check_alive(const Device& device) {
    if (const auto* losable = dynamic_cast<const Losable*>(&device)) losable->alive();
}

}  // namespace rw::core
