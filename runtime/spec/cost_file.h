// What rounds cost, kept between processes: for a model on a device, as this build runs it.
//
//     const CostFile file(context);
//     file.load(generator.costs());     // before the first round
//     ...
//     file.save(generator.costs());
//
// A file that is damaged, or of something else, is as good as none: what is wrong with it is returned, to be logged.
// Files are written beside their place and then moved there, so that nobody ever reads half of one.
#pragma once

#include <filesystem>

#include "runtime/model/context.h"
#include "runtime/spec/round_costs.h"

namespace rw::spec {

class CostFile {
public:
    /// Of this context; in the cache folder, or another.
    explicit CostFile(const model::Context& context);
    CostFile(const model::Context& context, const std::filesystem::path& folder);
    const std::filesystem::path& path() const { return path_; }

    /// Empty when all is well, also without a file; else why nothing was taken over.
    std::string load(RoundCosts& costs) const;
    /// Empty when it is written, or there is no cache folder; else why not.
    std::string save(const RoundCosts& costs) const;

private:
    std::string key_;  // of what the costs are
    std::filesystem::path path_;
};

}  // namespace rw::spec
