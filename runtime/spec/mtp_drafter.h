// The model's own multi-token prediction block: all sequences' chains in one call.
#pragma once

#include "runtime/spec/drafter.h"

namespace rw::spec {

class MtpDrafter : public Drafter {
public:
    /// The context has to outlive it. Throws Error(invalid_argument) when it has no such block.
    explicit MtpDrafter(model::Context& context);
    std::string name() const override { return "mtp"; }
    bool needs_mtp() const override { return true; }
    bool extends() const override { return true; }
    void draft(std::span<DraftJob> jobs) override;
    /// Its keys, values and hidden rows, which the context holds.
    uint64_t bytes() const override;

private:
    model::Context& context_;
};

}  // namespace rw::spec
