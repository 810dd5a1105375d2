// What to change when a context does not fit the memory, with figures: each thing alone, or else all together.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "runtime/model/context.h"

namespace rw::model {
namespace {

constexpr int64_t short_chunk = 32;  // rows that prompts still run well with

std::string mib(uint64_t bytes) { return fmt::format("{:.1f} MiB", double(bytes) / (1 << 20)); }

using Set = std::function<void(Options&, int64_t)>;

/// The largest value up to `most` that makes it fit; 0 when none does. More of anything never takes less.
int64_t largest(const Options& from, int64_t most, const Set& set, const std::function<bool(const Options&)>& fits) {
    int64_t fitting = 0, too_many = most + 1;
    while (too_many - fitting > 1) {
        Options with = from;
        const int64_t value = (fitting + too_many) / 2;
        set(with, value);
        (fits(with) ? fitting : too_many) = value;
    }
    return fitting;
}

void set_context(Options& o, int64_t n) {
    o.pools.context = n;
    o.chunk = std::min(o.chunk, n), o.logit_rows = std::min(o.logit_rows, o.chunk);
}
void set_chunk(Options& o, int64_t n) { o.chunk = n, o.logit_rows = std::min(o.logit_rows, n); }

}  // namespace

std::string Context::advice(const Ledger& would, uint64_t budget) const {
    const auto fits = [&](const Options& o) {  // with the plans of what was asked for, which need no less: soon found
        try {
            check_options(o, geometry());
        } catch (const Error&) {
            return false;
        }
        Ledger less = Context(*model_, device_, o).ledger();
        for (const char* purpose : {"kernel scratch", "plans", "staging"})
            if (const auto bytes = would.find(purpose); bytes != would.end()) less[purpose] = bytes->second;
        return total(less) <= budget;
    };
    std::vector<std::string> ways;
    const auto add = [&](const Options& o, const std::string& text) {
        if (fits(o)) ways.push_back(fmt::format("{} ({})", text, mib(total(measure(*model_, device_, o)))));
    };
    const auto fewer = [&](int64_t asked, const Set& set, auto&& text) {
        if (const int64_t n = largest(options_, asked - 1, set, fits)) {
            Options with = options_;
            set(with, n);
            add(with, text(n));
        }
    };
    const PoolShape& p = options_.pools;
    fewer(p.context, set_context, [](int64_t n) { return fmt::format("a context of {} positions", n); });
    fewer(p.sequences, [](Options& o, int64_t n) { o.pools.sequences = n; },
          [](int64_t n) { return fmt::format("{} sequences", n); });
    fewer(p.most_exact, [](Options& o, int64_t n) { o.pools.most_exact = n; },
          [](int64_t n) { return n == 1 ? "no drafts" : fmt::format("drafts of up to {} tokens", n - 1); });
    fewer(options_.chunk, set_chunk, [](int64_t n) { return fmt::format("prompt calls of {} tokens", n); });
    Options with = options_;
    with.pools.kv = Type::q8_0;
    if (p.kv != Type::q8_0) add(with, "a q8_0 KV cache");
    constexpr std::pair<StateForm, const char*> forms[] = {{StateForm::ring, "ring"},
                                                           {StateForm::snapshots, "snapshots"},
                                                           {StateForm::checkpoint, "checkpoint"}};
    for (const auto& [form, name] : forms) {
        with = options_, with.pools.form = form;
        if (form != p.form) add(with, fmt::format("rollback by {}", name));
    }
    with = options_, with.mtp = false;
    if (options_.mtp && geometry().mtp_blocks) add(with, "no MTP block");
    if (!ways.empty()) return fmt::format("what would fit: {}", fmt::join(ways, "; or "));

    const auto takes = [&](const Options& o) {
        try {
            return total(measure(*model_, device_, o));
        } catch (const Error&) {
            return UINT64_MAX;
        }
    };
    Options least = options_;  // but for the context
    least.mtp = false, least.pools.sequences = 1, least.pools.most_exact = 1;
    least.pools.form = StateForm::snapshots;  // one state, with nothing to go back to
    set_chunk(least, std::min(least.chunk, short_chunk));
    with = least, with.pools.kv = Type::q8_0;
    if (takes(with) < takes(least)) least = with;
    uint64_t weights = 0;
    for (const char* purpose : {"weights", "mapped weights"})
        if (const auto bytes = would.find(purpose); bytes != would.end()) weights += bytes->second;
    const std::string so_much = fmt::format("the weights{} are {}", weights > budget ? " alone" : "", mib(weights));
    const int64_t n = largest(least, p.context, set_context, [&](const Options& o) { return takes(o) <= budget; });
    set_context(least, std::max<int64_t>(n, 1));
    const std::string all = fmt::format("one sequence without drafts and MTP block, rollback by snapshots, prompt calls of {} "
                                        "tokens, a {} KV cache and a context of {} ({})",
                                        least.chunk, name_of(least.pools.kv), least.pools.context, mib(takes(least)));
    if (n) return fmt::format("{}; what would fit, all together: {}", so_much, all);
    return fmt::format("{}; nothing would fit, not even {}: take a model of fewer bits, or more memory", so_much, all);
}

}  // namespace rw::model
