#include "runtime/spec/mtp_drafter.h"

namespace rw::spec {

MtpDrafter::MtpDrafter(model::Context& context) : context_(context) {
    if (!context.has_mtp())
        throw Error(Status::invalid_argument, "drafts need a model with an MTP block, and a context made with it");
}

void MtpDrafter::draft(std::span<DraftJob> jobs) {
    std::vector<model::Part> parts;
    std::vector<int> steps;
    std::vector<DraftJob*> of;
    for (DraftJob& job : jobs) {
        if (!job.known.state->mtp_ready()) continue;
        parts.push_back(job.known.state->part(job.known.text.last(1)));
        steps.push_back(job.most), of.push_back(&job);
    }
    if (parts.empty()) return;
    const auto chains = context_.draft(parts, steps);
    for (size_t i = 0; i < of.size(); ++i)
        for (int step = 0; step < steps[i]; ++step) of[i]->chain.push_back(chains[size_t(step)][i]);
}

}  // namespace rw::spec
