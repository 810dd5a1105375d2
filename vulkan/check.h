// Vulkan results as errors.
#pragma once

#include <vulkan/vulkan.h>

#include <string>

#include "rewind/ops/contract.h"

namespace rw::vulkan {

/// The library's status for a failed Vulkan call.
Status status_of(VkResult result);
/// Throws Error unless the call succeeded; `what` says in plain words what was tried.
void check(VkResult result, const std::string& what);

}  // namespace rw::vulkan
