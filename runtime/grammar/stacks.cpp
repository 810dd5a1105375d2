#include "runtime/grammar/stacks.h"

#include <algorithm>
#include <tuple>

namespace rw::grammar {
namespace {

uint64_t mixed(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

/// Of counted calls from the same place, one that needs no more and may have no fewer than another makes that one needless.
void simplify(std::vector<Entry>& entries) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.call, a.parent, a.need, b.left) < std::tie(b.call, b.parent, b.need, a.left);
    });
    size_t kept = 0;
    for (const Entry& e : entries) {
        if (kept > 0) {
            const Entry& before = entries[kept - 1];
            if (before.call == e.call && before.parent == e.parent && before.left >= e.left) continue;
        }
        entries[kept++] = e;
    }
    entries.resize(kept);
}

}  // namespace

uint64_t hash_of(const Places& places) {
    uint64_t hash = places.complete;
    for (const Place& p : places.all) hash = mixed(hash, uint64_t(p.state) << 32 | p.frame);
    return hash;
}

size_t Stacks::Hash::operator()(const std::vector<Entry>& entries) const {
    uint64_t hash = entries.size();
    for (const Entry& e : entries)
        hash = mixed(mixed(hash, uint64_t(e.call) << 32 | e.parent), uint64_t(e.need) << 32 | e.left);
    return size_t(hash);
}

Stacks::Stacks(const Program& program, uint64_t most_bytes) : program_(program), most_bytes_(most_bytes) {
    frame_of({Entry{no_call}});
}

Frame Stacks::frame_of(std::vector<Entry> entries) {
    simplify(entries);
    const auto found = known_.find(entries);
    if (found != known_.end()) return found->second;
    const uint64_t more = entries.size() * sizeof(Entry) + 96;  // with what the tables take
    if (bytes_ + more > most_bytes_) throw Full();
    const auto [entry, added] = known_.emplace(std::move(entries), Frame(frames_.size()));
    frames_.push_back(&entry->first);
    bytes_ += more;
    return entry->second;
}

Places Stacks::start() {
    begin();
    entered_[program_.rank[program_.root]] = {program_.root, {Entry{no_call}}};
    // The whole grammar may be empty: nobody called it who could have skipped it.
    complete_ = program_.states[program_.entry[program_.root]].end;
    return settle();
}

Places Stacks::step(const Places& places, uint8_t byte) {
    begin();
    for (const Place& p : places.all)
        for (const Move& move : program_.states[p.state].moves)
            if (move.first <= byte && byte <= move.last) work_.push_back({move.to, p.frame});
    return settle();
}

Places Stacks::leave(Frame frame) {
    begin();
    end(frame);
    return settle();
}

void Stacks::begin() {
    work_.clear(), found_.clear(), entered_.clear();
    ended_.resize(frames_.size());
    ++turn_;
    complete_ = false;
}

void Stacks::go(uint32_t state, Frame frame) {
    const State& s = program_.states[state];
    if (!s.moves.empty()) found_.push_back({state, frame});
    for (const uint32_t c : s.calls) {
        const Call& call = program_.calls[c];
        const uint32_t need = call.least > 0 ? call.least - 1 : 0;
        enter(c, frame, call.counted ? need : 0, !call.counted ? 0 : call.most == endless ? endless : call.most - 1);
    }
}

void Stacks::enter(uint32_t c, Frame frame, uint32_t need, uint32_t left) {
    const Call& call = program_.calls[c];
    auto& [rule, callers] = entered_[program_.rank[call.rule]];
    rule = call.rule;
    if (call.last) callers.insert(callers.end(), entries(frame).begin(), entries(frame).end());
    else callers.push_back({c, frame, need, left});
}

void Stacks::end(Frame frame) {
    if (ended_[frame] == turn_) return;
    ended_[frame] = turn_;
    for (const Entry& e : entries(frame)) {
        if (e.call == no_call) {
            complete_ = true;
            continue;
        }
        if (e.need == 0) work_.push_back({program_.calls[e.call].next, e.parent});
        if (e.left > 0) enter(e.call, e.parent, e.need > 0 ? e.need - 1 : 0, e.left == endless ? endless : e.left - 1);
    }
}

/// First all that ends, and what comes behind it; then what is entered, in the order in which it enters more.
Places Stacks::settle() {
    for (size_t i = 0; i < work_.size(); ++i) {
        const Place p = work_[i];
        if (program_.states[p.state].end) end(p.frame);
    }
    std::sort(work_.begin(), work_.end());
    work_.erase(std::unique(work_.begin(), work_.end()), work_.end());
    for (const Place& p : work_) go(p.state, p.frame);
    while (!entered_.empty()) {
        auto node = entered_.extract(entered_.begin());
        auto& [rule, callers] = node.mapped();
        go(program_.entry[rule], frame_of(std::move(callers)));
    }
    tidy(found_);
    return {found_, complete_};
}

void Stacks::tidy(std::vector<Place>& places) {
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    size_t kept = 0;
    for (size_t i = 0; i < places.size();) {
        size_t same = i + 1;
        while (same < places.size() && places[same].state == places[i].state) ++same;
        Place merged = places[i];
        if (same > i + 1) {
            std::vector<Entry> all;
            for (size_t k = i; k < same; ++k) all.insert(all.end(), entries(places[k].frame).begin(), entries(places[k].frame).end());
            merged.frame = frame_of(std::move(all));
        }
        places[kept++] = merged;
        i = same;
    }
    places.resize(kept);
}

}  // namespace rw::grammar
