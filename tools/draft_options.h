// Options of who drafts, and how much, that every verb with rounds has; and making the drafter.
//
//     DraftOptions o;
//     o.add_to(verb);
//     const Drafting drafting = o.drafting();            // what the options say, checked
//     o.put_into(shape, drafting.who, drafting.most);
//     SecondModel second;                                // stays empty where none drafts
//     const Opened opened = o.open(model_options, drafting.who, shape, second);
//     const auto drafter = o.make(drafting.who, *opened.context, second);
#pragma once

#include "runtime/spec/generator.h"
#include "runtime/spec/make_drafter.h"
#include "tools/model_options.h"

namespace rw::tools {

/// What is asked of rounds.
struct Drafting {
    spec::DrafterText who;
    int n_max;  // or spec::n_auto
    int most;   // drafts that the context has to be made for
    double p_min;  // or spec::p_auto
};

/// The model that drafts, where one is named.
struct SecondModel {
    std::shared_ptr<const model::Model> model;
    std::shared_ptr<core::Device> device;
    model::Options shape;
    uint64_t taken = 0;                       // of the first model's memory, where they share a device
    std::shared_ptr<model::Context> context;  // once it is loaded
};

/// What --n-max auto means where no other limit is named.
constexpr int auto_most = 16;

struct DraftOptions {
    std::string spec, model, backend;  // spec empty: mtp, or with a model draft
    std::string n_max = "3", p_min = "0";
    int64_t vocab = 0;  // tokens that an MTP block drafts; 0: all
    bool forget = false;

    /// lengths: with --n-max as well.
    void add_to(CLI::App& verb, bool lengths = true);
    /// Throws Error(invalid_argument) with what is wrong.
    Drafting drafting() const;
    spec::DrafterText who() const;
    /// What a context needs for rounds of at most `most` drafts.
    void put_into(model::Options& shape, const spec::DrafterText& who, int most) const;
    /// What --p-min says, or spec::p_auto.
    double share() const;
    /// What earlier runs learnt of rounds' costs goes to a generator with drafts; and what this one has learnt, to the next.
    /// What is wrong with such a file goes to standard error.
    void remember(spec::Generator& generator, const model::Context& context) const;
    void keep(spec::Generator& generator, const model::Context& context) const;
    /// The second model's file and device, and whether its tokens are the first's; nothing is loaded. What it will take is
    /// taken off shape.budget where both are on one device, and goes to standard error, as tables of drafters do, unless `quiet`.
    SecondModel find_second(const spec::DrafterText& who, const Opened& first, model::Options& shape, bool quiet) const;
    /// Loads the first and, where there is one, the second.
    static void load(Opened& opened, const ModelOptions& options, const model::Options& shape, SecondModel& second, bool quiet);
    /// Both models, found and counted before either is loaded (model_options.h).
    Opened open(const ModelOptions& options, const spec::DrafterText& who, model::Options shape, SecondModel& second,
                bool quiet = false) const;
    /// Null without drafts.
    std::unique_ptr<spec::Drafter> make(const spec::DrafterText& who, model::Context& context, const SecondModel& second) const;
};

}  // namespace rw::tools
