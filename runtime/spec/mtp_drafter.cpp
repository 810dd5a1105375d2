#include "runtime/spec/mtp_drafter.h"

#include <map>

namespace rw::spec {

MtpDrafter::MtpDrafter(model::Context& context) : context_(context) {
    if (!context.has_mtp())
        throw Error(Status::invalid_argument, "drafts need a model with an MTP block, and a context made with it");
}

void MtpDrafter::draft(std::span<DraftJob> jobs) {
    std::map<size_t, std::vector<DraftJob*>> by_guess;  // those that go on with guesses of one length share a call
    for (DraftJob& job : jobs)
        if (job.known.state->mtp_ready() && int(job.chain.size()) < job.most) by_guess[job.chain.size()].push_back(&job);
    for (const auto& [guessed, alike] : by_guess) {
        std::vector<std::vector<int32_t>> tokens;
        std::vector<model::Part> parts;
        std::vector<int> steps;
        for (const DraftJob* job : alike) {
            tokens.push_back({job->known.text.back()});
            for (const model::Candidate& c : job->chain) tokens.back().push_back(c.token);
            steps.push_back(job->most);
        }
        for (size_t i = 0; i < alike.size(); ++i) parts.push_back(alike[i]->known.state->part(tokens[i]));
        const auto chains = context_.draft(parts, steps);
        for (size_t i = 0; i < alike.size(); ++i)
            for (size_t step = guessed; step < size_t(steps[i]); ++step) alike[i]->chain.push_back(chains[step - guessed][i]);
    }
}

uint64_t MtpDrafter::bytes() const {
    uint64_t sum = 0;
    for (const char* purpose : {"mtp kv cache", "mtp hidden rows"})
        if (const auto found = context_.ledger().find(purpose); found != context_.ledger().end()) sum += found->second;
    return sum;
}

}  // namespace rw::spec
