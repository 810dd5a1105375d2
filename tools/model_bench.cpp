// rewind bench: how fast a model reads a prompt and writes, plainly and with drafts of several lengths.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/clock.h"
#include "runtime/sample/random.h"
#include "runtime/spec/generator.h"
#include "tools/cache_bench.h"
#include "tools/controller_suite.h"
#include "tools/manual.h"
#include "tools/mtp_suite.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    ModelOptions model;
    DraftOptions draft;
    CacheOptions cache;
    std::vector<int> n_max{0, 1, 2, 3, 4};
    int64_t prompt = 512, most_tokens = 64, sequences = 1;
    double accept_rate = -1;
    bool json = false;
    std::string suite, prompts, svg;
};

/// Tokens of no meaning, the same every time.
std::vector<int32_t> some_prompt(int64_t n, uint32_t vocab, int64_t sequence) {
    std::vector<int32_t> tokens(static_cast<size_t>(n));
    for (size_t i = 0; i < tokens.size(); ++i)
        tokens[i] = int32_t(sample::uniform(uint64_t(sequence), 0, int64_t(i)) * vocab);
    return tokens;
}

nlohmann::ordered_json measure(const Options& o, model::Context& context, spec::Drafter* drafter, int n_max, double p_min) {
    spec::Generator generator(context, n_max > 0 ? drafter : nullptr);
    double prefill = 0;
    for (int64_t i = 0; i < o.sequences; ++i) {
        spec::Request r{.prompt = some_prompt(o.prompt, context.geometry().vocab, i),
                        .most_tokens = o.most_tokens + 2 * (n_max + 1),
                        .n_max = n_max,
                        .p_min = n_max > 0 ? p_min : 0,
                        .accept_rate = o.accept_rate};
        prefill += generator.add(std::move(r)).counts.prefill_seconds;
    }
    generator.round();  // records the plans
    const auto sum = [&](auto of) {
        double all = 0;
        for (const auto& g : generator.all()) all += double(of(g.counts));
        return all;
    };
    const auto emitted_so_far = [&] { return sum([](const spec::Counts& c) { return c.emitted; }); };
    const auto rounds_so_far = [&] { return sum([](const spec::Counts& c) { return c.rounds; }); };
    const auto drafting_so_far = [&] { return generator.all().front().counts.draft_seconds; };
    const double emitted_before = emitted_so_far(), rounds_before = rounds_so_far(),
                 drafting_before = drafting_so_far(), start = seconds_now();
    int64_t rounds = 0;
    while (generator.round()) ++rounds;
    const double seconds = seconds_now() - start, emitted = emitted_so_far() - emitted_before,
                 sequence_rounds = rounds_so_far() - rounds_before;
    const int64_t drafted = int64_t(sum([](const spec::Counts& c) { return c.drafted; }));
    const int64_t accepted = int64_t(sum([](const spec::Counts& c) { return c.accepted; }));
    return {{"n_max", n_max},
            {"prompt_tokens", o.prompt},
            {"prefill_tps", double(o.prompt * o.sequences) / prefill},
            {"sequences", o.sequences},
            {"decode_tps", emitted / seconds},
            {"round_seconds", seconds / double(std::max<int64_t>(rounds, 1))},
            {"draft_seconds", (drafting_so_far() - drafting_before) / double(std::max<int64_t>(rounds, 1))},
            {"tokens_per_round", emitted / sequence_rounds},
            {"drafted", drafted},
            {"accepted", accepted}};
}

void bench(const Options& o) {
    model::Options shape;
    const int most = *std::max_element(o.n_max.begin(), o.n_max.end());
    shape.pools.sequences = o.sequences, shape.joint = false;
    const spec::DrafterText who = most > 0 ? o.draft.who() : spec::DrafterText("none");
    o.draft.put_into(shape, who, most);
    ModelOptions mo = o.model;
    const int64_t least = o.prompt + 3 * (most + 1);  // for a round that records plans, and one that is measured
    if (mo.context > 0 && mo.context < least)
        throw Error(Status::invalid_argument,
                    fmt::format("--context {}: a prompt of {} tokens and rounds behind it take {} or more; take fewer "
                                "--prompt-tokens",
                                mo.context, o.prompt, least));
    if (mo.context == 0) mo.context = least + o.most_tokens;
    const double p_min = o.draft.share();
    SecondModel second;
    const Opened opened = o.draft.open(mo, who, shape, second, o.json);
    std::vector<nlohmann::ordered_json> results;
    for (const int n : o.n_max) {  // each with a drafter that has heard of nothing yet
        const auto drafter = o.draft.make(n > 0 ? who : spec::DrafterText("none"), *opened.context, second);
        results.push_back(measure(o, *opened.context, drafter.get(), n, p_min));
    }
    if (o.json) {
        nlohmann::ordered_json memory;
        for (const auto& [purpose, bytes] : opened.context->ledger()) memory[purpose] = bytes;
        std::cout << nlohmann::ordered_json{{"backend", o.model.backend},
                                            {"device", opened.context->device().info().name},
                                            {"rollback_mode", opened.mode},
                                            {"accept_rate", o.accept_rate},
                                            {"memory", memory},
                                            {"results", results}}
                         .dump()
                  << "\n";
        return;
    }
    Table table({">n_max", ">prefill tok/s", ">decode tok/s", ">round", ">of it drafting", ">tokens a round",
                 ">accepted", ">to plain"});
    const double plain = results.front()["n_max"] == 0 ? results.front()["decode_tps"].get<double>() : 0;
    for (const auto& r : results) {
        const int64_t drafted = r["drafted"];
        table.row({std::to_string(r["n_max"].get<int>()), fmt::format("{:.1f}", r["prefill_tps"].get<double>()),
                   fmt::format("{:.2f}", r["decode_tps"].get<double>()), duration(r["round_seconds"]),
                   duration(r["draft_seconds"]), fmt::format("{:.2f}", r["tokens_per_round"].get<double>()),
                   drafted ? percent(r["accepted"].get<double>() / double(drafted)) : "–",
                   plain > 0 ? fmt::format("{:.2f}", r["decode_tps"].get<double>() / plain) : "–"});
    }
    table.print(std::cout);
}

/// How the controller fares in worlds whose costs and acceptance are known; no model takes part.
void controller_suite(bool json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    Table table({"world", ">sequences", ">best fixed n", ">p_min", ">regret", ">to plain"});
    for (const Regret& r : controller_regrets()) {
        const std::string p = r.p_auto ? fmt::format("{:.1f}", r.best_p) : "–";
        table.row({r.world, std::to_string(r.sequences), std::to_string(r.best_n), p, fmt::format("{:.1f} %", 100 * r.regret),
                   fmt::format("{:.3f}", r.to_plain)});
        list.push_back({{"world", r.world}, {"sequences", r.sequences}, {"p_min_auto", r.p_auto}, {"best_n_max", r.best_n},
                        {"best_p_min", r.best_p}, {"regret", r.regret}, {"to_plain", r.to_plain}});
    }
    if (json) std::cout << list.dump() << "\n";
    else table.print_markdown(std::cout);
}

int suite(const Options& o, bool tokens_given, bool lengths_given) {
    if (o.suite == "controller") return controller_suite(o.json), 0;
    MtpSuite suite{.model = o.model, .draft = o.draft, .prompts = o.prompts, .svg = o.svg};
    if (tokens_given) suite.tokens = o.most_tokens;
    if (lengths_given) suite.n_max = o.n_max;
    const nlohmann::ordered_json report = run_mtp_suite(suite, o.json);
    if (!o.json) return print_mtp_suite(report, std::cout) ? 0 : 1;
    std::cout << report.dump() << "\n";
    for (const auto& r : report["results"])
        if (!r["all"]["same_text"]) return 1;
    return 0;
}

}  // namespace

void add_model_bench(CLI::App& app, int& status) {
    CLI::App& verb =
        *app.add_subcommand("bench", "A model's speed: prompts, plain decoding, and drafts of several lengths");
    auto o = std::make_shared<Options>();
    o->model.add_to(verb);
    verb.get_option("--model")->required(false);  // one suite has none
    o->draft.add_to(verb, false);
    o->cache.add_to(verb);
    CLI::Option* lengths = verb.add_option("--n-max", o->n_max, "Drafts of a round, as 0,1,2,3")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(0, 64));
    verb.add_option("--accept-rate", o->accept_rate,
                    "Take drafts with this probability, for models whose head is not trained")
        ->check(CLI::Range(0.0, 1.0));
    const CLI::Option* const prompt =
        verb.add_option("--prompt-tokens", o->prompt, "Tokens of the prompt; of the cache's suite 4096 by default")
            ->capture_default_str()
            ->check(CLI::Range(1, 1 << 24));
    CLI::Option* tokens = verb.add_option("-n,--tokens-out", o->most_tokens, "Tokens to generate; of the suite mtp 192")
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 24));
    verb.add_option("--sequences", o->sequences, "That many at once")->capture_default_str()->check(CLI::Range(1, 256));
    verb.add_flag("--json", o->json, "Print JSON");
    verb.add_option("--suite", o->suite,
                    "Instead: mtp, nine prompts of nine kinds, each plainly, with drafts of several lengths and of as many as "
                    "pay; cache, a prompt that comes again, changed a little; or controller, the choice of how many "
                    "against made-up devices")
        ->check(CLI::IsMember({"mtp", "cache", "controller"}));
    verb.add_option("--prompts", o->prompts, "Of the suite mtp, other prompts: a file of [{\"kind\": \"...\", \"text\": \"...\"}, ...]");
    verb.add_option("--svg", o->svg, "Of the suite mtp, a file for a plot");
    add_manual(verb, {.examples = {{"rewind bench -m model.gguf --n-max 0,1,2,3", "prompts, plain decoding, and drafts of 1 to 3"},
                                   {"rewind bench -m random.gguf --accept-rate 0.7", "the speed of rounds where no head is trained"},
                                   {"rewind bench -m model.gguf --suite mtp --json --svg mtp.svg", "nine prompts of nine kinds"},
                                   {"rewind bench -m model.gguf --suite cache --prompt-tokens 4096", "a prompt that comes again, edited"},
                                   {"rewind bench --suite controller", "what choosing the length of drafts costs; needs no model"}},
                      .files = {{"~/.cache/rewind/costs", "what rounds cost, as learnt by drafts of as many as pay (XDG_CACHE_HOME moves it)"}},
                      .status = {{"1", "it could not, or a text was not the same with drafts and without; standard error says which"}},
                      .more = "docs/speculation.md, docs/prefix-cache.md"});
    verb.callback([o, prompt, lengths, tokens, &status] {
        if (o->model.model.empty() && o->suite != "controller") throw CLI::RequiredError("--model");
        if (o->suite == "cache")
            return run_cache_bench({o->model, o->cache, prompt->count() ? o->prompt : 4096, o->json});
        if (!o->suite.empty()) {
            status = suite(*o, !tokens->empty(), !lengths->empty());
            return;
        }
        if (o->draft.spec == "none") o->n_max = {0};
        bench(*o);
    });
}

}  // namespace rw::tools
