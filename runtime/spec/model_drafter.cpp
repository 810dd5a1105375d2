#include "runtime/spec/model_drafter.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/checksum.h"
#include "runtime/spec/same_vocabulary.h"

namespace rw::spec {
namespace {

size_t common(std::span<const int32_t> a, std::span<const int32_t> b, size_t from = 0) {
    const size_t n = std::min(a.size(), b.size());
    while (from < n && a[from] == b[from]) ++from;
    return std::min(from, n);
}

/// A sequence's tokens, and a guess that is to be gone on with.
std::vector<int32_t> text_of(const DraftJob& job) {
    std::vector<int32_t> text(job.known.prompt.begin(), job.known.prompt.end());
    text.insert(text.end(), job.known.text.begin(), job.known.text.end());
    for (const model::Candidate& c : job.chain) text.push_back(c.token);
    return text;
}

}  // namespace

ModelDrafter::ModelDrafter(const model::Model& target, std::shared_ptr<model::Context> own)
    : own_(std::move(own)), vocab_(std::min(target.geometry().vocab, own_->geometry().vocab)) {
    check_same_vocabulary(target, own_->model());
    if (own_->options().pools.form != model::StateForm::ring)
        throw Error(Status::invalid_argument, "a drafting model's context has to be in ring form");
}

model::Options ModelDrafter::options(const model::Options& target, const model::Model& drafting) {
    model::Options o;
    o.pools = target.pools;
    o.pools.form = model::StateForm::ring;
    o.pools.context = std::min<int64_t>(target.pools.context, drafting.geometry().context);
    o.chunk = std::min(target.chunk, o.pools.context);
    o.mtp = false, o.joint = false;
    return o;
}

std::string ModelDrafter::name() const {
    const std::string whose = fmt::format("{:016x} {} {}", own_->model().fingerprint(), own_->device().info().id,
                                          own_->device().fingerprint());
    Checksum sum;
    sum.add(std::as_bytes(std::span(whose)));
    return fmt::format("draft-{:016x}", sum.value());
}

void ModelDrafter::end(uint64_t id) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return;
    if (!entry->second.state) entries_.erase(entry);
    else if (!entry->second.ended) entry->second.ended = ++ends_;  // kept for who begins alike, until its place is needed
}

uint64_t ModelDrafter::bytes() const { return model::total(own_->ledger()); }

void ModelDrafter::go_back(Entry& entry, size_t to) {
    if (to < entry.taken.size()) {
        if (entry.state->refusal(int64_t(to)).empty()) entry.state->rollback(int64_t(to));
        else entry.state->reset();
        entry.taken.resize(size_t(entry.state->pos()));
    }
    entry.sure = std::min(entry.sure, entry.taken.size());
}

/// Gives the entry a state: of who has most of the text already, else an empty one, if there is one to be had.
void ModelDrafter::take_state(Entry& entry, const std::vector<int32_t>& text) {
    constexpr size_t worth_it = 16;  // tokens, below which a copy is no gain
    const int64_t rows = own_->options().pools.sequences;
    int64_t used = 0;
    auto donor = entries_.end(), oldest = entries_.end();
    size_t most = 0;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        Entry& other = it->second;
        if (!other.state) continue;
        ++used;
        if (other.ended && (oldest == entries_.end() || other.ended < oldest->second.ended)) oldest = it;
        const size_t n = std::min(common(other.taken, text), text.size() - 1), over = other.taken.size() - n;
        // One that goes on has to compute again what it went back over.
        if (n < worth_it || n <= most || (!other.ended && 4 * over > n) || !other.state->refusal(int64_t(n)).empty()) continue;
        donor = it, most = n;
    }
    const bool moves = donor != entries_.end() && donor->second.ended;
    if (used >= rows && !moves) {
        if (oldest == entries_.end()) return;
        entries_.erase(oldest);
    }
    if (donor == entries_.end()) {
        entry.state.emplace(*own_);
        return;
    }
    go_back(donor->second, most);
    std::vector<int32_t> taken = donor->second.taken;
    // A copy that fails leaves the entry without a state and without tokens, as it was.
    if (moves) entry.state = std::move(donor->second.state);
    else entry.state = donor->second.state->fork();
    entry.taken = std::move(taken), reused_ += int64_t(most);
    if (moves) entries_.erase(donor);
}

void ModelDrafter::run(const std::vector<Place*>& places, const std::vector<std::span<const int32_t>>& tokens, bool prompt) {
    std::vector<model::Part> parts;
    model::Wanted wanted{.prefill = prompt};
    int32_t rows = 0;
    for (size_t i = 0; i < places.size(); ++i) {
        parts.push_back(places[i]->entry->state->part(tokens[i]));
        rows += int32_t(tokens[i].size());
        if (!prompt) wanted.rows.push_back(rows - 1);
    }
    for (size_t i = 0; i < places.size(); ++i) {  // so that state and tokens go on together
        std::vector<int32_t>& taken = places[i]->entry->taken;
        const size_t needed = taken.size() + tokens[i].size();
        if (taken.capacity() < needed) taken.reserve(std::max(needed, 2 * taken.size()));
    }
    own_->run(parts, wanted);
    for (size_t i = 0; i < places.size(); ++i) {
        Entry& e = *places[i]->entry;
        e.state->advance(int64_t(tokens[i].size()));
        e.taken.insert(e.taken.end(), tokens[i].begin(), tokens[i].end());
        e.sure = std::min(e.taken.size(), places[i]->job->known.size());
        evaluated_ += int64_t(tokens[i].size());
    }
}

/// Of the jobs whose texts can be read, each with a state where there is one for it.
std::vector<ModelDrafter::Place> ModelDrafter::places(std::span<DraftJob> jobs) {
    const model::PoolShape& pools = own_->options().pools;
    std::vector<Place> list;
    for (DraftJob& job : jobs) {
        const auto entry = entries_.find(job.known.id);
        std::vector<int32_t> text = text_of(job);
        const auto known = [&](int32_t token) { return token < int32_t(vocab_); };
        if (entry == entries_.end() || int64_t(text.size()) > pools.context || !std::all_of(text.begin(), text.end(), known)) continue;
        const int64_t room = pools.context - int64_t(text.size()) + 1;
        const int most = int(std::min<int64_t>(job.most - int64_t(job.chain.size()), room));
        if (most > 0) list.push_back({&job, &entry->second, std::move(text), most});
    }
    const auto reads = [&](const Place& p) {
        return p.entry->state && reading(p, common(p.entry->taken, p.text, p.entry->sure));
    };
    bool busy = std::any_of(list.begin(), list.end(), reads);
    for (Place& p : list) {  // before any of them is counted on: who gives a state to another goes back
        if (p.entry->state || busy) continue;
        take_state(*p.entry, p.text);
        busy = reads(p);
    }
    return list;
}

/// Whether a state that has so many of the text's tokens has to read on before there are drafts.
bool ModelDrafter::reading(const Place& p, size_t taken) const {
    return taken < p.job->known.prompt.size() || int64_t(p.text.size() - taken) > own_->options().pools.most_exact;
}

/// Brings the state to where its tokens and the text part, and on by a prompt call where much is missing and nobody had
/// one yet. False where the text is not read then.
bool ModelDrafter::follow(Place& p, bool& prompted) {
    if (!p.entry->state) return false;
    Entry& e = *p.entry;
    // The last token is run again if need be: what comes behind it is wanted.
    go_back(e, std::min(common(e.taken, p.text, e.sure), p.text.size() - 1));
    if (reading(p, e.taken.size()) && !prompted) {
        prompted = true;
        // Cut as the model's own prompt calls are, but for where messages begin.
        const size_t chunk = size_t(own_->options().chunk), at = e.taken.size(), prompt = p.job->known.prompt.size();
        const size_t end = at < prompt ? std::min((at / chunk + 1) * chunk, prompt) : std::min(at + chunk, p.text.size() - 1);
        run({&p}, {p.rest().first(end - at)}, true);
    }
    return !reading(p, e.taken.size());
}

void ModelDrafter::draft(std::span<DraftJob> jobs) {
    std::vector<Place> all = places(jobs);
    std::vector<Place*> going;
    bool prompted = false;
    for (Place& p : all) {
        const bool before = prompted;
        p.job->reading = !follow(p, prompted), p.job->read = prompted && !before;
        if (!p.job->reading) going.push_back(&p);
    }
    for (int step = 0;; ++step) {
        std::erase_if(going, [&](const Place* p) { return p->most <= step; });
        if (going.empty()) return;
        std::vector<std::span<const int32_t>> tokens;
        for (const Place* p : going) tokens.push_back(p->rest());
        run(going, tokens, false);
        for (size_t i = 0; i < going.size(); ++i) {
            Place& p = *going[i];
            const model::Candidate next = own_->candidates(i).front();
            if (next.token >= int32_t(vocab_)) p.most = 0;  // one of the unused that fill the matrix up
            else p.job->chain.push_back(next), p.text.push_back(next.token);
        }
    }
}

}  // namespace rw::spec
