#include "tools/draft_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

#include "runtime/spec/cost_file.h"
#include "runtime/spec/model_drafter.h"
#include "runtime/spec/same_vocabulary.h"
#include "tools/table.h"

namespace rw::tools {
namespace {

/// "auto", "auto:32" or a number: what is asked of a round, and the most that the context has to be made for.
std::pair<int, int> lengths_of(const std::string& text) {
    const bool as_pays = text.starts_with("auto");
    const std::string digits = !as_pays ? text : text == "auto" ? std::to_string(auto_most) : text.substr(5);
    int n = -1;
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    const bool number = end.ec == std::errc() && end.ptr == digits.data() + digits.size();
    if (!number || n < 0 || n > 64 || (as_pays && text.size() > 4 && text[4] != ':'))
        throw Error(Status::invalid_argument,
                    fmt::format("--n-max {}: a number from 0 to 64, auto, or auto:N for at most N is expected", text));
    return {as_pays && n > 0 ? spec::n_auto : n, n};
}

}  // namespace

double DraftOptions::share() const {
    const std::string& text = p_min;
    if (text == "auto") return spec::p_auto;
    double p = -1;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), p);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !(p >= 0 && p <= 1))
        throw Error(Status::invalid_argument, fmt::format("--p-min {}: a number from 0 to 1, or auto, is expected", text));
    return p;
}

namespace {

void log(const std::string& problem) {
    if (!problem.empty()) std::cerr << "note: " << problem << "\n";
}

}  // namespace

void DraftOptions::add_to(CLI::App& verb, bool lengths) {
    verb.add_option("--spec", spec,
                    "Who drafts: mtp, draft, ngram-simple, ngram-map, ngram-mod, or several in order, as ngram-mod:n=12,mtp; "
                    "none. Without it mtp, or with --draft-model draft");
    verb.add_option("--draft-model", model, "File of a smaller model with the same tokens, which drafts");
    verb.add_option("--draft-backend", backend, "Its device, where it is not the model's");
    if (lengths)
        verb.add_option("--n-max", n_max, "Drafts of a round, up to 64; auto: as many as pay, at most 16 or, as auto:N, N")
            ->capture_default_str();
    verb.add_option("--p-min", p_min, "A draft ends before a token less probable than this; auto: where the next does not pay")
        ->capture_default_str();
    verb.add_option("--draft-vocab", vocab, "Tokens that an MTP block may draft, the first of the vocabulary; 0: all")
        ->capture_default_str()
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
    verb.add_flag("--forget-costs", forget, "With auto: do not use what earlier runs learnt of rounds' costs, and keep nothing");
}

spec::DrafterText DraftOptions::who() const {
    const spec::DrafterText named(!spec.empty() ? spec : model.empty() ? "mtp" : "draft");
    if (!model.empty() && !named.needs_model() && !named.none())
        throw Error(Status::invalid_argument, fmt::format("--draft-model: --spec {} does not use it; name draft there", spec));
    if (model.empty() && named.needs_model())
        throw Error(Status::invalid_argument, "--spec draft: there is no second model; give --draft-model FILE");
    return named;
}

void DraftOptions::put_into(model::Options& shape, const spec::DrafterText& who, int most) const {
    shape.pools.most_exact = most + 1, shape.mtp = who.needs_mtp();
    if (shape.mtp) shape.draft_vocab = vocab;
    else if (vocab > 0)
        throw Error(Status::invalid_argument, "--draft-vocab: no MTP block drafts; leave it out, or ask for drafts (--n-max) of it (--spec mtp)");
}

Drafting DraftOptions::drafting() const {
    const auto [n, most] = lengths_of(n_max);
    spec::DrafterText named = who();
    if (most == 0) named = spec::DrafterText("none");
    return {named, named.none() ? 0 : n, named.none() ? 0 : most, share()};
}

void DraftOptions::remember(spec::Generator& generator, const model::Context& context) const {
    if (!forget) log(spec::CostFile(context).load(generator.costs()));
}

void DraftOptions::keep(spec::Generator& generator, const model::Context& context) const {
    if (!forget) log(spec::CostFile(context).save(generator.costs()));
}

SecondModel DraftOptions::find_second(const spec::DrafterText& who, const Opened& first, model::Options& shape, bool quiet) const {
    if (const uint64_t tables = who.table_bytes(); tables > 0 && !quiet)
        std::cerr << fmt::format("host: {} for tables of drafters\n", bytes_text(double(tables)));
    SecondModel second;
    if (!who.needs_model()) return second;
    second.model = std::make_shared<model::Model>(model);
    spec::check_same_vocabulary(*first.model, *second.model);
    second.device = backend.empty() ? first.device : core::open(backend);
    second.shape = spec::ModelDrafter::options(shape, *second.model);
    second.shape.budget = shape.budget;
    const model::Ledger would = model::Context::measure(*second.model, second.device, second.shape);
    const uint64_t bytes = model::total(would);
    if (!quiet)
        std::cerr << fmt::format("{}: {}; for the model that drafts\n", second.device->info().id, memory_text(would));
    const bool shared = second.device->info().id == first.device->info().id;
    if (!shared) second.shape.budget = second.device->info().memory;
    if (second.shape.budget && bytes >= second.shape.budget)
        throw Error(Status::out_of_memory,
                    fmt::format("the model that drafts takes {} where {} are to be had on {}; do without --draft-model, or "
                                "give it another device with --draft-backend",
                                bytes_text(double(bytes)), bytes_text(double(second.shape.budget)), second.device->info().id));
    if (shared && shape.budget) shape.budget -= bytes, second.taken = bytes;
    return second;
}

void DraftOptions::load(Opened& opened, const ModelOptions& options, const model::Options& shape, SecondModel& second, bool quiet) {
    try {
        load_model(opened, options, shape, quiet);
    } catch (const Error& e) {
        if (!second.taken || e.status != Status::out_of_memory) throw;
        throw Error(e.status, fmt::format("{}\n{} besides are for the model that drafts: do without --draft-model, or give it "
                                          "another device with --draft-backend",
                                          e.what(), bytes_text(double(second.taken))));
    }
    if (!second.model) return;
    second.context = std::make_shared<model::Context>(second.model, second.device, second.shape, progress_bar("loading"));
}

Opened DraftOptions::open(const ModelOptions& options, const spec::DrafterText& who, model::Options shape, SecondModel& second,
                          bool quiet) const {
    Opened opened = find_model(options, shape);
    second = find_second(who, opened, shape, quiet);
    load(opened, options, shape, second, quiet);
    return opened;
}

std::unique_ptr<spec::Drafter> DraftOptions::make(const spec::DrafterText& who, model::Context& context,
                                                  const SecondModel& second) const {
    return who.make(context, second.context);
}

}  // namespace rw::tools
