// rewind run: text from a model, token by token as it comes, then one line of figures.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/clock.h"
#include "runtime/gguf/text.h"
#include "runtime/grammar/json_schema.h"
#include "runtime/grammar/matcher.h"
#include "runtime/spec/generator.h"
#include "runtime/tokenizer/chat.h"
#include "runtime/tokenizer/detokenizer.h"
#include "tools/draft_options.h"
#include "tools/interrupt.h"
#include "tools/manual.h"
#include "tools/sampling_options.h"
#include "tools/table.h"
#include "tools/tokens.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    ModelOptions model;
    DraftOptions draft;
    std::string prompt, tokens, thinking, system, grammar, schema;
    bool chat = false, json = false, trace = false, ignore_end = false;
    int64_t most_tokens = 128;
    int n_min = 0;
    SamplingOptions sampling;
};

/// Of a model that has no vocabulary nothing is shown: token ids in, token ids out.
std::unique_ptr<tokenizer::Tokenizer> tokenizer_of(const model::Model& model, bool needed) {
    if (!needed && !model.file().metadata().has("tokenizer.ggml.tokens")) return nullptr;
    return std::make_unique<tokenizer::Tokenizer>(model.file());
}

std::vector<int32_t> prompt_tokens(const Options& o, const model::Model& model, const tokenizer::Tokenizer& tokens) {
    if (!o.chat) return tokens.encode(o.prompt);
    std::vector<tokenizer::Message> messages;
    if (!o.system.empty()) messages.push_back({tokenizer::Role::system, o.system});
    messages.push_back({tokenizer::Role::user, o.prompt});
    return tokenizer::ChatTemplate::of(model.file().metadata()).encode(tokens, messages, thinking_named(o.thinking));
}

/// What the text has to look like; null where nothing is asked.
std::shared_ptr<const sample::Constraint> constraint(const Options& o, const tokenizer::Tokenizer* tokens) {
    const std::string& path = o.schema.empty() ? o.grammar : o.schema;
    if (path.empty()) return nullptr;
    if (!tokens) throw Error(Status::invalid_argument, "a grammar needs a model with a vocabulary");
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw Error(Status::io, path + ": cannot be read");
    auto rules = std::make_shared<const grammar::Grammar>(o.schema.empty() ? grammar::Grammar::gbnf(text) : grammar::json_schema_text(text));
    auto trie = std::make_shared<const grammar::TokenTrie>(tokens->vocabulary());
    return std::make_shared<grammar::Matcher>(std::move(rules), std::move(trie))->start();
}

void trace(const spec::Generation& g, const tokenizer::Tokenizer* tokens) {
    std::string draft;
    for (size_t i = 0; i < g.last.draft.size(); ++i) {
        const auto& c = g.last.draft[i];
        const std::string piece = tokens ? gguf::printable(tokens->piece(c.token, true)) : std::to_string(c.token);
        draft += fmt::format(" {}{} {:.2f}", int(i) < g.last.accepted ? "+" : "-", piece, c.probability);
    }
    const int64_t back = int64_t(g.last.draft.size()) - g.last.accepted;
    std::string asked;
    if (g.controller)
        asked = fmt::format(" of {} ({})", g.last.asked,
                            g.last.asked != g.controller->best() ? "a try" : g.last.asked ? "best" : "parked");
    std::cerr << fmt::format("round {}: drafted {}{}, accepted {};{} | back {} to position {}{}\n", g.counts.rounds,
                             g.last.draft.size(), asked, g.last.accepted, draft, back, g.state.pos(),
                             back == 0              ? ""
                             : g.last.recomputed > 0 ? fmt::format(", {} tokens computed again", g.last.recomputed)
                                                    : ", nothing copied or computed again");
}

nlohmann::ordered_json report(const Options& o, const Opened& opened, const spec::Generation& g, uint64_t drafter_bytes,
                              const std::string& text, double decode) {
    const spec::Counts& c = g.counts;
    const int64_t taken = g.text.empty() ? g.state.pos() : int64_t(g.request.prompt.size());
    std::vector<double> per_position;
    for (size_t i = 0; i < c.tried.size(); ++i)
        per_position.push_back(c.tried[i] ? double(c.taken[i]) / double(c.tried[i]) : 0);
    nlohmann::ordered_json memory;
    for (const auto& [purpose, bytes] : opened.context->ledger()) memory[purpose] = bytes;
    nlohmann::ordered_json r{
            {"text", text},
            {"tokens", g.text},
            {"prompt_tokens", g.request.prompt.size()},
            {"prompt_tokens_taken", taken},
            {"cached_tokens", c.cached},
            {"stop", spec::name_of(g.stopped)},
            {"rounds", c.rounds},
            {"drafted", c.drafted},
            {"accepted", c.accepted},
            {"emitted", c.emitted},
            {"accepted_per_position", c.taken},
            {"tried_per_position", c.tried},
            {"acceptance_per_position", per_position},
            {"prefill_tps", c.prefill_seconds > 0 ? double(taken) / c.prefill_seconds : 0},
            {"decode_tps", decode > 0 ? double(c.emitted) / decode : 0},
            {"n_max", g.controller ? g.controller->best() : g.request.n_max},
            {"parked_rounds", g.controller ? g.controller->parked_rounds() : 0},
            {"recomputed", c.recomputed},
            {"draft_seconds", c.draft_seconds},
            {"verify_seconds", c.verify_seconds},
            {"rollback_mode", opened.mode},
            {"rollback_reason", opened.why},
            {"memory", memory},
            {"drafter_bytes", drafter_bytes},
            {"state_hash", fmt::format("{:016x}", g.state.hash())},
            {"backend", o.model.backend},
            {"device", opened.context->device().info().name}};
    for (size_t i = 0; i < g.logprobs.size(); ++i) {
        const auto& [logprob, most_likely] = g.logprobs[i];
        nlohmann::ordered_json likely = nlohmann::ordered_json::array();
        for (const sample::Likely& l : most_likely) likely.push_back({{"token", l.token}, {"logprob", l.logprob}});
        r["logprobs"].push_back({{"token", g.text[i]}, {"logprob", logprob}, {"most_likely", likely}});
    }
    return r;
}

void print_figures(const nlohmann::ordered_json& r) {
    const int64_t drafted = r["drafted"], accepted = r["accepted"], rounds = r["rounds"];
    const int64_t prompt = r["prompt_tokens"], taken = r["prompt_tokens_taken"];
    if (taken < prompt) std::cerr << taken << " of ";
    std::cerr << fmt::format("{} prompt tokens, {:.1f} tok/s; {} tokens, {:.1f} tok/s ({})", prompt,
                             r["prefill_tps"].get<double>(), r["tokens"].size(), r["decode_tps"].get<double>(),
                             r["stop"].get<std::string>());
    if (drafted > 0) {
        std::vector<std::string> places;
        for (const double share : r["acceptance_per_position"]) places.push_back(fmt::format("{:.2f}", share));
        std::cerr << fmt::format("; {} rounds, {} drafted, {} accepted ({:.2f}; by place {}), {:.2f} tokens a round",
                                 rounds, drafted, accepted, double(accepted) / double(drafted), fmt::join(places, " "),
                                 double(r["emitted"].get<int64_t>()) / double(rounds));
    }
    if (const uint64_t bytes = r["drafter_bytes"]; bytes > 0) std::cerr << "; drafter " << bytes_text(double(bytes));
    if (const int64_t parked = r["parked_rounds"]; parked > 0)
        std::cerr << fmt::format("; {} rounds parked, as drafts did not pay", parked);
    std::cerr << fmt::format("; state {}\n", r["state_hash"].get<std::string>());
}

/// Returns the exit status.
int run(const Options& o) {
    if (o.prompt.empty() && o.tokens.empty())
        throw Error(Status::invalid_argument, "there is no prompt: give -p TEXT or --tokens 1,2,3");
    const Drafting drafting = o.draft.drafting();
    spec::Request request{.prompt = read_tokens(o.tokens),
                          .most_tokens = o.most_tokens,
                          .n_max = drafting.n_max,
                          .n_min = o.n_min,
                          .p_min = drafting.p_min};
    model::Options shape;
    o.draft.put_into(shape, drafting.who, drafting.most);
    Opened opened = find_model(o.model, shape);
    const auto tokens = tokenizer_of(*opened.model, o.tokens.empty() || !o.grammar.empty() || !o.schema.empty());
    if (o.tokens.empty()) request.prompt = prompt_tokens(o, *opened.model, *tokens);
    if (!o.ignore_end && tokens) request.ends = tokens->vocabulary().ends();
    if (tokens) request.message_start = tokenizer::ChatTemplate::message_start(tokens->vocabulary()).value_or(-1);
    request.constraint = constraint(o, tokens.get());
    o.sampling.put_into(request, tokens.get());
    const sample::Stops stops = request.stops;
    check_tokens(request.prompt, *opened.model, shape);
    spec::Generator::check(request, shape, opened.model->geometry().vocab);
    SecondModel second = o.draft.find_second(drafting.who, opened, shape, o.json);
    const Interrupt interrupt;  // from here on the end comes with the figures of what there is
    std::unique_ptr<spec::Drafter> drafter;
    try {
        o.draft.load(opened, o.model, shape, second, o.json);
        drafter = o.draft.make(drafting.who, *opened.context, second);
    } catch (const Error& e) {
        if (!Interrupt::asked()) throw;
        std::cerr << "rewind: " << e.what() << "\n";
        return Interrupt::status();
    }
    spec::Generator generator(*opened.context, drafter.get());
    const bool learns = drafting.n_max == spec::n_auto || drafting.p_min == spec::p_auto;
    if (learns) o.draft.remember(generator, *opened.context);
    spec::Generation& g = generator.add(std::move(request), progress_bar("prompt"));
    sample::StopGate gate(stops, [&](int32_t token) { return tokens->piece(token); });
    std::optional<tokenizer::Detokenizer> shown;
    if (tokens) shown.emplace(*tokens);
    std::string text;
    size_t printed = 0;
    const auto show = [&] {
        std::string more;
        for (; printed < g.text.size(); ++printed)
            more += shown ? shown->push(gate.push(g.text[printed])) : fmt::format("{}{}", printed ? "," : "", g.text[printed]);
        text += more;
        if (!o.json) std::cout << more << std::flush;
    };
    const double start = seconds_now();
    show();
    while (!Interrupt::asked() && generator.round()) {
        if (o.trace) trace(g, tokens.get());
        show();
    }
    if (Interrupt::asked()) generator.cancel(g);
    const double decode = seconds_now() - start;
    if (learns) o.draft.keep(generator, *opened.context);
    const std::string rest = shown ? shown->push(gate.finish()) + shown->finish() : "";
    text += rest;
    const nlohmann::ordered_json r = report(o, opened, g, drafter ? drafter->bytes() : 0, text, decode);
    if (o.json) {
        std::cout << r.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
    } else {
        std::cout << rest << std::endl;
        print_figures(r);
    }
    return Interrupt::status();
}

}  // namespace

void add_run(CLI::App& app, int& status) {
    CLI::App& verb =
        *app.add_subcommand("run", "Text from a model, with drafts: the same text as without, sooner");
    auto o = std::make_shared<Options>();
    o->model.add_to(verb);
    CLI::Option* text = verb.add_option("-p,--prompt", o->prompt, "The text to go on from");
    CLI::Option* ids = verb.add_option("-t,--tokens", o->tokens, "Its tokens instead, as 1,2,3")->excludes(text);
    CLI::Option* chat =
        verb.add_flag("--chat", o->chat, "The prompt is a message of the user, in the model's chat template")
            ->excludes(ids);
    verb.add_option("--system", o->system, "With --chat: a message of the system before it")->needs(chat);
    verb.add_option("--thinking", o->thinking, "With --chat; the model's own choice by default")
        ->needs(chat)
        ->check(CLI::IsMember({"on", "off"}));
    verb.add_option("-n,--tokens-out", o->most_tokens, "Most tokens to generate")
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 30));
    o->draft.add_to(verb);
    verb.add_option("--n-min", o->n_min, "Shorter drafts are dropped")->capture_default_str()->check(CLI::Range(0, 64));
    o->sampling.add_to(verb);
    CLI::Option* end = verb.add_flag("--ignore-end", o->ignore_end, "Go on after an end token");
    CLI::Option* rules = verb.add_option("--grammar", o->grammar, "The text follows this grammar, a file in GBNF")
                             ->check(CLI::ExistingFile)
                             ->excludes(end);
    verb.add_option("--json-schema", o->schema, "The text is JSON that fits this schema, a file")
        ->check(CLI::ExistingFile)
        ->excludes(end)
        ->excludes(rules);
    verb.add_flag("--json", o->json, "One line of JSON at the end, and nothing else on standard output");
    verb.add_flag("--trace", o->trace, "Each round on standard error: drafts, what was accepted, what going back did");
    add_manual(verb, {.about = "The text is on standard output, everything else on standard error. With --json one line ends standard output:\n"
                               "text, tokens, rounds, drafted, accepted, emitted, speeds, memory, state_hash and more.",
                      .examples = {{"rewind run -m model.gguf -p \"Once upon a time\" -n 100", "text, with drafts of the model's own block"},
                                   {"rewind run -m model.gguf --chat -p \"Why is the sky blue?\" --thinking off --temp 0.7 --seed 7",
                                    "a conversation's first answer, sampled"},
                                   {"rewind run -m model.gguf -p \"[\" --json-schema list.json --n-max auto --p-min auto",
                                    "JSON that fits a schema, drafts as long as they pay"},
                                   {"rewind run -m big.gguf --draft-model small.gguf -p \"Once\" --trace", "a second model drafts; each round shown"}},
                      .files = {{"~/.cache/rewind/costs", "what rounds cost, as learnt with --n-max auto (XDG_CACHE_HOME moves it)"}},
                      .status = {{"130", "Ctrl-C: the figures of what there is were printed (143: SIGTERM)"}},
                      .more = "docs/runtime.md, docs/speculation.md, docs/grammars.md"});
    verb.callback([o, &status] {
        o->sampling.check();
        status = run(*o);
    });
}

}  // namespace rw::tools
