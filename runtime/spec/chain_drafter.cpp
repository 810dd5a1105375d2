#include "runtime/spec/chain_drafter.h"

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
    for (size_t l = 0; l < links_.size(); ++l) {
        std::vector<DraftJob> left;
        std::vector<size_t> of;
        for (size_t i = 0; i < jobs.size(); ++i)
            if (jobs[i].chain.empty()) left.push_back({jobs[i].known, jobs[i].most}), of.push_back(i);
        if (left.empty()) return;
        links_[l].drafter->draft(left);
        for (size_t i = 0; i < left.size(); ++i) {
            jobs[of[i]].reading |= left[i].reading;
            if (left[i].chain.empty() || int(left[i].chain.size()) < std::min(links_[l].fewest, left[i].most)) continue;
            jobs[of[i]].chain = std::move(left[i].chain);
            guessed_[left[i].known.id] = l;
        }
    }
}

void ChainDrafter::accept(const Known& known, int drafted, int accepted) {
    if (const auto link = guessed_.find(known.id); link != guessed_.end())
        links_[link->second].drafter->accept(known, drafted, accepted);
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
