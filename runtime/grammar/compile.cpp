// The second half of compiling: which rules may be empty, which ever end, which begin with themselves; then the states
// that only pass on are taken out.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rewind/ops/contract.h"
#include "runtime/grammar/fragments.h"

namespace rw::grammar {
namespace {

constexpr size_t most_moves = 4'000'000;

class Compiler {
public:
    explicit Compiler(const Rules& rules) : rules_(rules), made_(make_fragments(rules)) {}

    Program compile() {
        find_callers();
        const std::vector<bool> ending = reaching_end(true);
        if (std::find(ending.begin(), ending.end(), false) != ending.end()) refuse_endless(ending);
        empty_ = reaching_end(false);
        for (const Call& call : made_.calls)
            if (call.counted && empty_[call.rule]) refuse(call.rule, "repeats many times what may be empty: let the repeated part have a character");
        for (const Fragments::Rule& rule : made_.rules) program_.entry.push_back(closed(rule.entry));
        // Calls are taken up while states are closed; closing what is behind one may bring more.
        for (size_t i = 0; i < pending_.size(); ++i) close(pending_[i]);
        finish();
        return std::move(program_);
    }

private:
    [[noreturn]] void refuse(size_t rule, const char* why) const {
        throw Error(Status::invalid_argument, fmt::format("rule '{}' {}", rules_.at(made_.rules[rule].name).name, why));
    }

    void find_callers() {
        callers_.resize(made_.rules.size());
        for (uint32_t s = 0; s < made_.states.size(); ++s)
            for (const uint32_t c : made_.states[s].calls) callers_[made_.calls[c].rule].push_back({s, c});
    }

    /// Which rules get from their entry to their end: at all, or reading nothing.
    std::vector<bool> reaching_end(bool reading) const {
        std::vector<bool> reached(made_.states.size()), ends(made_.rules.size());
        std::vector<uint32_t> work;
        const auto reach = [&](uint32_t s) {
            if (!reached[s]) reached[s] = true, work.push_back(s);
        };
        for (const auto& rule : made_.rules) reach(rule.entry);
        while (!work.empty()) {
            const uint32_t s = work.back();
            work.pop_back();
            const Fragments::State& state = made_.states[s];
            for (const uint32_t to : state.passes) reach(to);
            if (reading)
                for (const Move& move : state.moves) reach(move.to);
            for (const uint32_t c : state.calls)
                if (ends[made_.calls[c].rule]) reach(made_.calls[c].next);
            if (s != made_.rules[state.rule].end || ends[state.rule]) continue;
            ends[state.rule] = true;
            for (const auto& [caller, c] : callers_[state.rule])
                if (reached[caller]) reach(made_.calls[c].next);
        }
        return ends;
    }

    /// What has no end calls what has none: going on so meets a circle.
    [[noreturn]] void refuse_endless(const std::vector<bool>& ending) const {
        std::vector<uint32_t> calls(ending.size());
        uint32_t r = 0;
        for (const Fragments::State& state : made_.states)
            for (const uint32_t c : state.calls)
                if (!ending[state.rule] && !ending[made_.calls[c].rule]) calls[state.rule] = made_.calls[c].rule, r = state.rule;
        std::vector<bool> seen(ending.size());
        for (; !seen[r]; r = calls[r]) seen[r] = true;
        refuse(r, "never comes to an end: give it an alternative that does not use itself");
    }

    /// The number of a state of the program; its contents come later.
    uint32_t closed(uint32_t fragment) {
        const auto [known, added] = number_.try_emplace(fragment, uint32_t(pending_.size()));
        if (added) pending_.push_back(fragment);
        return known->second;
    }

    void close(uint32_t fragment) {
        State state;
        ++visit_;
        seen_.resize(made_.states.size());
        std::vector<uint32_t> work{fragment};
        const auto visit = [&](uint32_t s) {
            if (seen_[s] != visit_) seen_[s] = visit_, work.push_back(s);
        };
        seen_[fragment] = visit_;
        while (!work.empty()) {
            const Fragments::State& from = made_.states[work.back()];
            state.end |= work.back() == made_.rules[from.rule].end;
            work.pop_back();
            for (const Move& move : from.moves) state.moves.push_back({move.first, move.last, closed(move.to)});
            for (const uint32_t to : from.passes) visit(to);
            for (const uint32_t c : from.calls) {
                state.calls.push_back(c);
                if (empty_[made_.calls[c].rule]) visit(made_.calls[c].next);
            }
            moves_ += from.moves.size() + from.passes.size() + from.calls.size();
            if (moves_ > most_moves) refuse(from.rule, "makes the grammar too large: too much of it may be left out");
        }
        for (const uint32_t c : state.calls) closed(made_.calls[c].next);
        std::sort(state.calls.begin(), state.calls.end());
        std::sort(state.moves.begin(), state.moves.end());
        state.moves.erase(std::unique(state.moves.begin(), state.moves.end()), state.moves.end());
        program_.states.push_back(std::move(state));
    }

    void finish() {
        program_.calls = made_.calls;
        for (Call& call : program_.calls)
            if (const auto next = number_.find(call.next); next != number_.end()) call.next = next->second;
        merge_equal_states();
        for (State& state : program_.states)
            for (const uint32_t c : state.calls) {
                Call& call = program_.calls[c];
                const State& next = program_.states[call.next];
                const bool in_counted = made_.rules[made_.states[made_.calls[c].next].rule].counted;
                call.last = !call.counted && !in_counted && next.end && next.moves.empty() && next.calls.empty();
            }
        program_.root = rules_.root;
        rank_rules();
        find_kinds();
    }

    /// States with the same contents become one, until there are none; loops bring forth many.
    void merge_equal_states() {
        for (int round = 0; round < 4; ++round) {
            std::map<State, uint32_t> first;
            std::vector<uint32_t> to(program_.states.size());
            for (uint32_t s = 0; s < to.size(); ++s) {
                const auto& [state, number] = *first.try_emplace(program_.states[s], s).first;
                to[s] = number;
            }
            if (first.size() == program_.states.size()) return;
            std::vector<uint32_t> number(to.size());
            std::vector<State> kept;
            for (uint32_t s = 0; s < to.size(); ++s) {
                if (to[s] == s) number[s] = uint32_t(kept.size()), kept.push_back(std::move(program_.states[s]));
                else number[s] = number[to[s]];
            }
            for (State& state : kept)
                for (Move& move : state.moves) move.to = number[move.to];
            for (uint32_t& entry : program_.entry) entry = number[entry];
            for (const uint32_t c : reached_calls(kept)) program_.calls[c].next = number[program_.calls[c].next];
            program_.states = std::move(kept);
        }
    }

    static std::vector<uint32_t> reached_calls(const std::vector<State>& states) {
        std::vector<uint32_t> calls;
        for (const State& state : states) calls.insert(calls.end(), state.calls.begin(), state.calls.end());
        std::sort(calls.begin(), calls.end());
        calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
        return calls;
    }

    /// What is entered with a rule gets a higher rank. What cannot be ranked begins with itself.
    void rank_rules() {
        const size_t n = program_.entry.size();
        std::vector<uint32_t> waits(n), order;
        std::vector<std::vector<uint32_t>> entered(n);
        for (size_t r = 0; r < n; ++r)
            for (const uint32_t c : program_.states[program_.entry[r]].calls) {
                entered[r].push_back(program_.calls[c].rule);
                ++waits[program_.calls[c].rule];
            }
        for (uint32_t r = 0; r < n; ++r)
            if (waits[r] == 0) order.push_back(r);
        for (size_t i = 0; i < order.size(); ++i)
            for (const uint32_t r : entered[order[i]])
                if (--waits[r] == 0) order.push_back(r);
        if (order.size() < n) refuse_left_recursion(waits, entered);
        program_.rank.resize(n);
        for (uint32_t i = 0; i < n; ++i) program_.rank[order[i]] = i;
    }

    /// Those that still wait are entered with others that wait: going from one to what it is entered with meets a circle.
    [[noreturn]] void refuse_left_recursion(const std::vector<uint32_t>& waits, const std::vector<std::vector<uint32_t>>& entered) const {
        std::vector<uint32_t> with(waits.size(), endless);
        uint32_t r = 0;
        for (uint32_t from = 0; from < waits.size(); ++from)
            for (const uint32_t to : entered[from])
                if (waits[from] > 0 && waits[to] > 0) with[to] = from, r = to;
        std::vector<bool> seen(waits.size());
        for (; !seen[r]; r = with[r]) seen[r] = true;
        refuse(r, "is left-recursive, it may begin with itself: write it as a repetition, or put something before it");
    }

    void find_kinds() {
        std::array<bool, 257> cut{};
        for (const State& state : program_.states)
            for (const Move& move : state.moves) cut[move.first] = cut[size_t(move.last) + 1] = true;
        for (size_t b = 1; b < 256; ++b) program_.kind[b] = uint8_t(program_.kind[b - 1] + cut[b]);
        program_.kinds = uint32_t(program_.kind[255]) + 1;
    }

    const Rules& rules_;
    const Fragments made_;
    std::vector<std::vector<std::pair<uint32_t, uint32_t>>> callers_;  // of each rule: state and call
    std::vector<bool> empty_;
    std::map<uint32_t, uint32_t> number_;  // of fragments that are states of the program
    std::vector<uint32_t> pending_;        // fragments, by that number
    std::vector<uint32_t> seen_;
    uint32_t visit_ = 0;
    size_t moves_ = 0;
    Program program_;
};

}  // namespace

Program compile(const Rules& rules) { return Compiler(rules).compile(); }

}  // namespace rw::grammar
