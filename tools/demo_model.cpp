#include "tools/demo_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "runtime/clock.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tools/model_options.h"
#include "tools/table.h"

namespace rw::tools {
namespace {

constexpr int n_max = 3;

int64_t on_software(int64_t tokens) { return (tokens + 3) / 4; }

struct Prompt {
    std::string text;
    std::vector<int32_t> tokens;
};

std::vector<Prompt> read_prompts(const std::string& path, const tokenizer::Tokenizer& tokenizer) {
    std::ifstream file(path);
    if (!file) throw Error(Status::not_found, "there are no prompts at " + path);
    std::vector<Prompt> prompts;
    try {
        for (const auto& entry : nlohmann::json::parse(file)) {
            const std::string text = entry.at("text");
            prompts.push_back({text, tokenizer.encode(text, {.control = true})});
        }
    } catch (const nlohmann::json::exception& e) {
        throw Error(Status::invalid_argument,
                    path + R"(: [{"kind": "...", "text": "..."}, ...] was expected: )" + e.what());
    }
    if (prompts.empty()) throw Error(Status::invalid_argument, path + ": there are no prompts in it");
    return prompts;
}

/// What one way of decoding did over all prompts.
struct Result {
    std::vector<std::vector<int32_t>> texts;
    spec::Counts counts;
    double decode_seconds = 0;
    int64_t prompt_tokens = 0;

    void add(const spec::Generation& g, double seconds) {
        texts.push_back(g.text);
        const spec::Counts& c = g.counts;
        counts.rounds += c.rounds, counts.drafted += c.drafted, counts.accepted += c.accepted;
        counts.emitted += c.emitted, counts.prefill_seconds += c.prefill_seconds;
        counts.taken.resize(std::max(counts.taken.size(), c.taken.size()));
        for (size_t i = 0; i < c.taken.size(); ++i) counts.taken[i] += c.taken[i];
        decode_seconds += seconds, prompt_tokens += int64_t(g.request.prompt.size());
    }
};

Result write(model::Context& context, const std::vector<Prompt>& prompts, int64_t tokens, bool drafts) {
    std::optional<spec::MtpDrafter> drafter;
    if (drafts) drafter.emplace(context);
    Result result;
    for (const Prompt& prompt : prompts) {
        spec::Generator generator(context, drafter ? &*drafter : nullptr);
        const spec::Generation& g =
            generator.add({.prompt = prompt.tokens, .most_tokens = tokens, .n_max = drafts ? n_max : 0});
        const double start = seconds_now();
        while (generator.round()) {
        }
        result.add(g, seconds_now() - start);
    }
    return result;
}

std::vector<std::string> cells(const std::string& device, const Result& r, const Result& plain) {
    const spec::Counts& c = r.counts;
    std::vector<std::string> places;
    for (const int64_t taken : c.taken) places.push_back(fmt::format("{:.2f}", double(taken) / double(c.rounds)));
    return {device,
            &r == &plain ? "plain" : fmt::format("MTP, n_max {}", n_max),
            fmt::format("{:.0f}", double(r.prompt_tokens) / c.prefill_seconds),
            fmt::format("{:.0f}", double(c.emitted) / r.decode_seconds),
            fmt::format("{:.2f}", double(c.emitted) / double(c.rounds)),
            c.drafted ? percent(double(c.accepted) / double(c.drafted)) : "–",
            c.drafted ? fmt::format("{}", fmt::join(places, " ")) : "–",
            &r == &plain ? "" : r.texts == plain.texts ? "the same" : "DIFFERENT"};
}

}  // namespace

bool demo_model(const std::string& path, const std::string& prompts_path, int64_t tokens,
                const std::vector<std::shared_ptr<core::Device>>& devices, std::ostream& out) {
    const model::Model model(path);
    const tokenizer::Tokenizer tokenizer(model.file());
    const std::vector<Prompt> prompts = read_prompts(prompts_path, tokenizer);
    size_t longest = 0;
    for (const Prompt& p : prompts) longest = std::max(longest, p.tokens.size());
    out << fmt::format("\n{}: {} prompts, the most probable {} tokens after each ({} on a "
                       "software device).\n",
                       path, prompts.size(), tokens, on_software(tokens));

    ModelOptions options;
    options.model = path, options.context = int64_t(longest) + tokens + n_max + 1;
    Table table({"device", "decoding", ">prompt tok/s", ">tok/s", ">tokens a round", ">accepted", "by place", "text"});
    bool same = true;
    std::string sample;
    std::string notes;
    for (const auto& device : devices) {
        options.backend = device->info().id;
        try {
            model::Options shape;
            shape.pools.most_exact = n_max + 1, shape.mtp = true;
            const Opened opened = open_model(options, shape, true);
            if (device == devices.front()) out << memory_text(opened.context->ledger()) << std::endl;
            for (const bool drafts : {false, true})
                write(*opened.context, {prompts.front()}, 8, drafts);  // compiles kernels
            const int64_t n = device->info().is_software ? on_software(tokens) : tokens;
            const Result plain = write(*opened.context, prompts, n, false);
            const Result drafted = write(*opened.context, prompts, n, true);
            table.row(cells(options.backend, plain, plain));
            table.row(cells(options.backend, drafted, plain));
            same = same && drafted.texts == plain.texts;
            if (sample.empty()) sample = tokenizer.decode(drafted.texts.front());
        } catch (const Error& e) {
            table.row({options.backend, "none", "–", "–", "–", "–", "–", "–"});
            notes += std::string("note: ") + e.what() + "\n";
        }
    }
    out << "\n";
    table.print(out);
    out << notes;
    const bool colours = isatty(STDOUT_FILENO);
    out << "\nThe first of them, and how the model goes on:\n\n"
        << prompts.front().text << (colours ? "\x1b[1m" : " >>> ") << sample << (colours ? "\x1b[0m" : "") << "\n";
    return same;
}

}  // namespace rw::tools
