#include "runtime/grammar/fragments.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "rewind/ops/contract.h"
#include "runtime/grammar/utf8_ranges.h"

namespace rw::grammar {
namespace {

constexpr size_t most_states = 500'000;
/// Rules this small are put where they are used, so that what they match needs no stack (a character of a string, say).
constexpr uint64_t most_inlined = 64;
/// Repetitions that come to no more than this are copies.
constexpr uint64_t most_copied = 200;

using Kind = Expression::Kind;

class Maker {
public:
    explicit Maker(const Rules& rules) : rules_(rules), inlined_(rules.size()) {
        // Rules of rules of rules: eight rounds find all that matter.
        for (int round = 0; round < 8; ++round)
            for (uint32_t r = 0; r < rules.size(); ++r)
                if (const auto size = size_of(rules.at(r).expression); size && *size <= most_inlined) inlined_[r] = *size;
    }

    Fragments make() {
        made_.rules.resize(rules_.size());
        for (uint32_t r = 0; r < rules_.size(); ++r) {
            const uint32_t end = state(r);
            made_.rules[r] = {build(rules_.at(r).expression, end, r), end, r};
        }
        return std::move(made_);
    }

private:
    /// Of an expression that has an end by itself: how large it is put in place. Nothing for others.
    std::optional<uint64_t> size_of(const Expression& e) const {
        uint64_t size = 1;
        switch (e.kind) {
            case Kind::literal: return 1 + e.bytes.size();
            case Kind::set: return 1 + e.set.size();
            case Kind::call: return inlined_[e.rule];
            case Kind::repeat: {
                const auto part = size_of(e.parts.front());
                if (!part || e.most == endless) return std::nullopt;
                return 1 + std::min<uint64_t>(*part, most_inlined + 1) * e.most;
            }
            default: break;
        }
        for (const Expression& part : e.parts) {
            const auto more = size_of(part);
            if (!more) return std::nullopt;
            size += *more;
        }
        return size;
    }
    /// The same of any expression, where calls and repetitions without end count once. Above most_copied it is any such number.
    uint64_t weight(const Expression& e) const {
        uint64_t sum = 1 + e.bytes.size() + 2 * e.set.size();
        for (const Expression& part : e.parts) {
            if (sum > most_copied) return sum;
            sum += weight(part);
        }
        if (e.kind == Kind::call) sum += inlined_[e.rule].value_or(0);
        if (e.kind == Kind::repeat) sum *= std::max<uint64_t>(1, e.most == endless ? e.least : e.most);
        return std::min(sum, most_copied + 1);
    }

    uint32_t state(uint32_t rule) {
        if (made_.states.size() >= most_states)
            throw Error(Status::invalid_argument, fmt::format("rule '{}' makes the grammar too large: more than {} states",
                                                              rules_.at(name_of(rule)).name, most_states));
        made_.states.push_back({.rule = rule});
        return uint32_t(made_.states.size() - 1);
    }
    uint32_t name_of(uint32_t rule) const { return rule < rules_.size() ? rule : made_.rules[rule].name; }
    uint32_t passing(std::vector<uint32_t> to, uint32_t rule) {
        const uint32_t s = state(rule);
        made_.states[s].passes = std::move(to);
        return s;
    }

    /// The state from which e is read and `next` reached.
    uint32_t build(const Expression& e, uint32_t next, uint32_t rule) {
        switch (e.kind) {
            case Kind::literal:
                for (size_t i = e.bytes.size(); i-- > 0;) next = reads({uint8_t(e.bytes[i]), uint8_t(e.bytes[i])}, next, rule);
                return next;
            case Kind::set: return set(e, next, rule);
            case Kind::sequence:
                for (size_t i = e.parts.size(); i-- > 0;) next = build(e.parts[i], next, rule);
                return next;
            case Kind::choice: {
                std::vector<uint32_t> ways;
                for (const Expression& part : e.parts) ways.push_back(build(part, next, rule));
                return passing(std::move(ways), rule);
            }
            case Kind::repeat: return repetition(e, next, rule);
            case Kind::call: break;
        }
        if (inlined_[e.rule]) return build(rules_.at(e.rule).expression, next, rule);
        return calling({.rule = e.rule, .next = next}, rule);
    }

    uint32_t reads(ByteRange range, uint32_t next, uint32_t rule) {
        const uint32_t s = state(rule);
        made_.states[s].moves.push_back({range.first, range.last, next});
        return s;
    }

    uint32_t set(const Expression& e, uint32_t next, uint32_t rule) {
        std::vector<ByteSequence> sequences;
        for (const Span& span : e.set) append_utf8_ranges(span, sequences);
        std::map<std::tuple<ByteRange, uint32_t>, uint32_t> tails;  // shared: most end with any byte of a tail
        const uint32_t begin = state(rule);
        for (const ByteSequence& s : sequences) {
            uint32_t to = next;
            for (int i = s.size - 1; i > 0; --i) {
                const auto [tail, added] = tails.try_emplace({s.ranges[size_t(i)], to});
                if (added) tail->second = reads(s.ranges[size_t(i)], to, rule);
                to = tail->second;
            }
            made_.states[begin].moves.push_back({s.ranges[0].first, s.ranges[0].last, to});
        }
        return begin;
    }

    uint32_t repetition(const Expression& e, uint32_t next, uint32_t rule) {
        const Expression& part = e.parts.front();
        if (e.most == 0) return next;
        const uint32_t times = e.most == endless ? e.least : e.most;
        if (times > 1 && weight(e) > most_copied) return counted(e, next, rule);
        uint32_t to = next, copies = e.least;
        if (e.most == endless) {
            const uint32_t again = state(rule), first = build(part, again, rule);
            made_.states[again].passes = {first, next};
            to = again;
            if (copies > 0) to = first, --copies;
        }
        for (uint32_t i = e.least; e.most != endless && i < e.most; ++i) to = passing({build(part, to, rule), next}, rule);
        for (uint32_t i = 0; i < copies; ++i) to = build(part, to, rule);
        return to;
    }

    uint32_t counted(const Expression& e, uint32_t next, uint32_t rule) {
        const uint32_t body = uint32_t(made_.rules.size());
        made_.rules.push_back({.name = name_of(rule), .counted = true});
        const uint32_t end = state(body);
        const uint32_t entry = build(e.parts.front(), end, body);
        made_.rules[body].entry = entry, made_.rules[body].end = end;
        const uint32_t s = calling({.rule = body, .next = next, .least = e.least, .most = e.most, .counted = true}, rule);
        if (e.least == 0) made_.states[s].passes.push_back(next);
        return s;
    }

    uint32_t calling(Call call, uint32_t rule) {
        const uint32_t s = state(rule);
        made_.states[s].calls.push_back(uint32_t(made_.calls.size()));
        made_.calls.push_back(call);
        return s;
    }

    const Rules& rules_;
    std::vector<std::optional<uint64_t>> inlined_;  // the size of rules that are put in place
    Fragments made_;
};

}  // namespace

Fragments make_fragments(const Rules& rules) { return Maker(rules).make(); }

}  // namespace rw::grammar
