#include "runtime/spec/chain_drafter.h"

#include <algorithm>

namespace rw::spec {

ChainDrafter::ChainDrafter(std::vector<Link> links) : links_(std::move(links)) {
    if (links_.empty()) throw Error(Status::invalid_argument, "a chain of drafters needs at least one");
}

std::string ChainDrafter::name() const {
    std::string names;
    for (const Link& link : links_) names += (names.empty() ? "" : ",") + link.drafter->name();
    return names;
}

bool ChainDrafter::needs_mtp() const {
    for (const Link& link : links_)
        if (link.drafter->needs_mtp()) return true;
    return false;
}

void ChainDrafter::begin(const Known& known) {
    for (const Link& link : links_) link.drafter->begin(known);
}

void ChainDrafter::draft(std::span<DraftJob> jobs) {
    for (const DraftJob& job : jobs) guessed_.erase(job.known.id);
    std::vector<bool> open(jobs.size(), false);  // there is a guess that may be gone on with
    for (size_t l = 0; l < links_.size(); ++l) {
        const Link& link = links_[l];
        std::vector<DraftJob> left;
        std::vector<size_t> of;
        for (size_t i = 0; i < jobs.size(); ++i)
            if (jobs[i].chain.empty() || (open[i] && link.drafter->extends()))
                left.push_back({jobs[i].known, jobs[i].most, jobs[i].chain}), of.push_back(i);
        if (left.empty()) continue;
        link.drafter->draft(left);
        for (size_t i = 0; i < left.size(); ++i) {
            DraftJob& job = jobs[of[i]];
            const size_t before = job.chain.size(), size = left[i].chain.size();
            job.reading |= left[i].reading, job.read |= left[i].read;
            if (before > 0) {
                open[of[i]] = false;
                if (size > before) job.chain = std::move(left[i].chain);
            } else if (size > 0 && int(size) >= std::min(link.fewest, job.most)) {
                job.chain = std::move(left[i].chain);
                guessed_[job.known.id] = {l, int(size)};
                open[of[i]] = link.extend && int(size) < job.most;
            }
        }
    }
}

void ChainDrafter::accept(const Known& known, int drafted, int accepted) {
    if (const auto guess = guessed_.find(known.id); guess != guessed_.end())
        links_[guess->second.link].drafter->accept(known, std::min(drafted, guess->second.tokens),
                                                   std::min(accepted, guess->second.tokens));
}

void ChainDrafter::observe(const Known& known) {
    for (const Link& link : links_) link.drafter->observe(known);
}

void ChainDrafter::end(uint64_t id) {
    guessed_.erase(id);
    for (const Link& link : links_) link.drafter->end(id);
}

uint64_t ChainDrafter::bytes() const {
    uint64_t sum = 0;
    for (const Link& link : links_) sum += link.drafter->bytes();
    return sum;
}

}  // namespace rw::spec
