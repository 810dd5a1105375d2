#include "tools/model_options.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/interrupt.h"
#include "tools/numbers.h"
#include "tools/table.h"

namespace rw::tools {

void ModelOptions::add_to(CLI::App& verb) {
    verb.add_option("-m,--model", model, "The model's file (the first part, where it was split)")->required();
    verb.add_option("--mtp-model", mtp, "File of the MTP block, where it is not in the model's own");
    verb.add_option("--backend", backend, "cpu, vulkan, opencl, or one device as rewind devices names it")
        ->capture_default_str();
    verb.add_option("-c,--context", context, "Positions of a sequence; the model's, at most 4096, by default")
        ->check(CLI::Range(1, 1 << 30));
    verb.add_option("--kv", kv, "Type of the KV cache")
        ->capture_default_str()
        ->check(CLI::IsMember({"f16", "q8_0", "f32"}));
    verb.add_option("--rollback", rollback, "How recurrent layers go back: ring, snapshots, checkpoint, or auto by memory")
        ->capture_default_str()
        ->check(CLI::IsMember({"ring", "snapshots", "checkpoint", "auto"}));
    verb.add_option("--chunk", chunk, "Most prompt tokens of a call")
        ->capture_default_str()
        ->check(CLI::Range(1, 1 << 16));
    verb.add_option("--memory", memory_gib, "GiB that may be taken; 0 is what the device has")
        ->capture_default_str()
        ->check(at_least_zero)
        ->check(CLI::Range(0.0, 1e6));
}

model::Progress progress_bar(const char* what) {
    return [what, shown = -1](uint64_t done, uint64_t total) mutable {
        const int now = total ? int(100 * done / total) : 100;
        if (now != shown && isatty(STDERR_FILENO))
            std::cerr << fmt::format("\r{} {:3} %", what, shown = now) << (now == 100 ? "\r\x1b[K" : "") << std::flush;
        return !Interrupt::asked();
    };
}

std::string memory_text(const model::Ledger& ledger) {
    std::string text;
    for (const auto& [purpose, bytes] : ledger) text += fmt::format("{} {}, ", purpose, bytes_text(double(bytes)));
    return text + bytes_text(double(model::total(ledger))) + " in all";
}

namespace {

/// The fastest form that fits the memory, or the smallest where none does; or the one that was asked for.
void choose_form(const std::string& asked, const model::Model& model, const std::shared_ptr<core::Device>& device,
                 model::Options& shape, Opened& opened) {
    constexpr std::pair<const char*, model::StateForm> forms[] = {{"ring", model::StateForm::ring},
                                                                  {"snapshots", model::StateForm::snapshots},
                                                                  {"checkpoint", model::StateForm::checkpoint}};
    std::string figures;
    uint64_t smallest = UINT64_MAX;
    bool chosen = false;
    for (const auto& [name, form] : forms) {
        model::Options with = shape;
        with.pools.form = form;
        const model::Ledger ledger = model::Context::measure(model, device, with);
        const uint64_t all = model::total(ledger);
        const bool fits = !shape.budget || all <= shape.budget;
        const bool best = asked == "auto" ? !chosen && (fits || all < smallest) : asked == name;
        if (best) shape.pools.form = form, opened.mode = name;
        chosen = chosen || (best && fits), smallest = std::min(smallest, all);
        const auto states = ledger.find("recurrent state");
        figures += fmt::format("{}{} {}", figures.empty() ? "" : ", ", name,
                               bytes_text(states == ledger.end() ? 0 : double(states->second)));
    }
    opened.why = fmt::format("{}; of recurrent state {} would take",
                             asked != "auto" ? "asked for" : chosen ? "the fastest that fits" : "the smallest, and none fits", figures);
}

}  // namespace

Opened find_model(const ModelOptions& o, model::Options& shape) {
    Opened opened;
    opened.device = core::open(o.backend);
    opened.model = std::make_shared<model::Model>(o.model, o.mtp);
    const gguf::Geometry& g = opened.model->geometry();
    if (shape.mtp && g.mtp_blocks == 0)
        throw Error(Status::invalid_argument,
                    o.model + " has no MTP block; give its file with --mtp-model, or do without");
    if (o.context > int64_t(g.context))
        throw Error(Status::invalid_argument,
                    fmt::format("a context of {} positions: the model was made for {}", o.context, g.context));
    shape.pools.kv = type_named(o.kv);
    shape.pools.context = o.context ? o.context : std::min<int64_t>(4096, g.context);
    shape.chunk = std::min(o.chunk, shape.pools.context);
    if (shape.logit_rows) shape.logit_rows = shape.chunk;
    shape.budget = o.memory_gib > 0 ? std::max<uint64_t>(1, uint64_t(o.memory_gib * (1 << 30))) : opened.device->info().memory;
    return opened;
}

void load_model(Opened& opened, const ModelOptions& o, model::Options shape, bool quiet) {
    choose_form(o.rollback, *opened.model, opened.device, shape, opened);
    if (!quiet)
        std::cerr << fmt::format("{}: {}; {} ({})\n", opened.device->info().id,
                                 memory_text(model::Context::measure(*opened.model, opened.device, shape)), opened.mode,
                                 opened.why);
    opened.context = std::make_unique<model::Context>(opened.model, opened.device, shape, progress_bar("loading"));
}

Opened open_model(const ModelOptions& o, model::Options shape, bool quiet) {
    Opened opened = find_model(o, shape);
    load_model(opened, o, shape, quiet);
    return opened;
}

void check_tokens(std::span<const int32_t> tokens, const model::Model& model, const model::Options& shape) {
    const uint32_t vocab = model.geometry().vocab;
    for (const int32_t token : tokens)
        if (token < 0 || uint32_t(token) >= vocab)
            throw Error(Status::range, fmt::format("token {}: the vocabulary has 0 to {}", token, vocab - 1));
    if (int64_t(tokens.size()) > shape.pools.context)
        throw Error(Status::range,
                    fmt::format("{} tokens, and a context of {} positions; {}", tokens.size(), shape.pools.context,
                                tokens.size() > model.geometry().context
                                    ? fmt::format("the model was made for {}", model.geometry().context)
                                    : fmt::format("take --context {} or more", tokens.size())));
}

}  // namespace rw::tools
