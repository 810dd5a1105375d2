#include "tools/cache_bench.h"

#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/spec/generator.h"
#include "tools/table.h"

namespace rw::tools {
namespace {

using sequence::PrefixCache;

/// Tokens of no meaning, the same every time.
std::vector<int32_t> some_tokens(int64_t n, uint32_t vocab) {
    std::vector<int32_t> tokens(static_cast<size_t>(n));
    uint64_t x = 1;
    for (int32_t& token : tokens) {
        x = x * 6364136223846793005 + 1442695040888963407;
        token = int32_t((x >> 33) % vocab);
    }
    return tokens;
}

struct Run {
    std::string what;
    int64_t tokens = 0, cached = 0;
    double seconds = 0, restoring = 0, keeping = 0;
    int32_t first = -1;
    uint64_t hash = 0;
    int64_t ran() const { return tokens - cached; }
};

Run run(const char* what, model::Context& context, PrefixCache* cache, const std::vector<int32_t>& prompt) {
    const PrefixCache::Stats before = cache ? cache->stats() : PrefixCache::Stats{};
    spec::Generator generator(context, nullptr, cache);
    const spec::Generation& g = generator.add({.prompt = prompt, .most_tokens = 1}, progress_bar(what));
    const PrefixCache::Stats after = cache ? cache->stats() : PrefixCache::Stats{};
    return {what,
            int64_t(prompt.size()),
            g.counts.cached,
            g.counts.prefill_seconds,
            after.restore_seconds - before.restore_seconds,
            after.keep_seconds - before.keep_seconds,
            g.text.empty() ? -1 : g.text.front(),
            g.state.hash()};
}

void expect_same(const Run& a, const Run& b) {
    if (a.first != b.first || a.hash != b.hash)
        throw Error(Status::internal, fmt::format("'{}' and '{}' have different states", a.what, b.what));
}

}  // namespace

void run_cache_bench(const CacheBench& o) {
    ModelOptions mo = o.model;
    o.cache.apply(mo);
    if (mo.context == 0) mo.context = o.prompt + 1;
    model::Options shape;
    shape.pools.most_exact = 1, shape.mtp = false;
    const Opened opened = open_model(mo, shape, o.json);
    model::Context& context = *opened.context;
    PrefixCache cache(context, o.cache.options());

    const std::vector<int32_t> prompt = some_tokens(o.prompt, context.geometry().vocab);
    const auto changed = [&](int64_t at) {
        std::vector<int32_t> other = prompt;
        int32_t& token = other[size_t(at)];
        token = token ? token - 1 : 1;
        return other;
    };
    const int64_t middle = std::max<int64_t>(o.prompt / 2 - 1, 0);  // the last token of a chunk: the dearest place
    std::vector<Run> runs;
    runs.push_back(run("the first time", context, &cache, prompt));
    runs.push_back(run("the same again", context, &cache, prompt));
    expect_same(runs[1], runs[0]);
    runs.push_back(run("an edit in the middle", context, &cache, changed(middle)));
    runs.push_back(run("the same without a cache", context, nullptr, changed(middle)));
    expect_same(runs[3], runs[2]);
    runs.push_back(run("an edit 100 tokens before the end", context, &cache, changed(std::max<int64_t>(o.prompt - 100, 0))));

    const PrefixCache::Stats& s = cache.stats();
    if (o.json) {
        nlohmann::ordered_json list;
        for (const Run& r : runs)
            list.push_back({{"what", r.what},
                            {"prompt_tokens", r.tokens},
                            {"cached_tokens", r.cached},
                            {"run_tokens", r.ran()},
                            {"seconds", r.seconds},
                            {"restore_seconds", r.restoring},
                            {"keep_seconds", r.keeping}});
        std::cout << nlohmann::ordered_json{{"backend", o.model.backend},
                                            {"device", context.device().info().name},
                                            {"rollback_mode", opened.mode},
                                            {"chunk", context.options().chunk},
                                            {"runs", list},
                                            {"cache", {{"entries", s.entries},
                                                       {"states", s.states},
                                                       {"bytes", s.bytes},
                                                       {"budget", s.budget},
                                                       {"evicted", s.evicted},
                                                       {"refused", s.refused}}}}
                         .dump()
                  << "\n";
        return;
    }
    Table table({"prompt", ">tokens", ">known", ">run", ">seconds", ">of it restoring", ">keeping"});
    for (const Run& r : runs)
        table.row({r.what, std::to_string(r.tokens), std::to_string(r.cached), std::to_string(r.ran()),
                   fmt::format("{:.2f}", r.seconds), r.cached ? duration(r.restoring) : "–", duration(r.keeping)});
    table.print(std::cout);
    std::cout << fmt::format("{} entries with {} states in {} of {}; {} states made room\n", s.entries, s.states,
                             bytes_text(double(s.bytes)), bytes_text(double(s.budget)), s.evicted);
}

}  // namespace rw::tools
