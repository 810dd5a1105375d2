#include "runtime/spec/drafter.h"

#include "runtime/spec/generator.h"

namespace rw::spec {

MtpDrafter::MtpDrafter(model::Context& context) : context_(context) {
    if (!context.has_mtp())
        throw Error(Status::invalid_argument, "drafts need a model with an MTP block, and a context made with it");
}

void MtpDrafter::draft(std::span<DraftJob> jobs) {
    std::vector<model::Part> parts;
    std::vector<int> steps;
    for (const DraftJob& job : jobs) {
        parts.push_back(job.sequence->state.part({&job.sequence->text.back(), 1}));
        steps.push_back(job.most);
    }
    const auto chains = context_.draft(parts, steps);
    for (size_t i = 0; i < jobs.size(); ++i)
        for (int step = 0; step < jobs[i].most; ++step) jobs[i].chain.push_back(chains[size_t(step)][i]);
}

}  // namespace rw::spec
