// The demo model on every device: plainly and with drafts of its MTP block.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"

namespace rw::tools {

/// Writes on from every prompt, greedily, on each device, and prints one table: speed, acceptance, and whether the text
/// with drafts is the text without. prompts: a file of [{"kind": "...", "text": "..."}, ...]. Returns whether all texts
/// were; throws Error for files that cannot be used.
bool demo_model(const std::string& model, const std::string& prompts, int64_t tokens,
                const std::vector<std::shared_ptr<core::Device>>& devices, std::ostream& out);

}  // namespace rw::tools
