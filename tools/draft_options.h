// Options of who drafts, and how much, that every verb with rounds has; and making the drafter.
//
//     DraftOptions o;
//     o.add_to(verb);
//     const Drafting drafting = o.drafting();            // what the options say, checked
//     shape.pools.most_exact = drafting.most + 1, shape.mtp = drafting.who.needs_mtp();
//     const Opened opened = open_model(model_options, shape);
//     const auto drafter = o.make(drafting.who, *opened.context);
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

struct DraftOptions {
    std::string spec, model, backend;  // spec empty: mtp, or with a model draft
    std::string n_max = "3", p_min = "0";
    bool forget = false;

    /// lengths: with --n-max and --p-min as well.
    void add_to(CLI::App& verb, bool lengths = true);
    /// Throws Error(invalid_argument) with what is wrong.
    Drafting drafting() const;
    spec::DrafterText who() const;
    /// What earlier runs learnt of rounds' costs goes to a generator with drafts; and what this one has learnt, to the next.
    /// What is wrong with such a file goes to standard error.
    void remember(spec::Generator& generator, const model::Context& context) const;
    void keep(spec::Generator& generator, const model::Context& context) const;
    /// Null without drafts. Loads the second model where there is one; what it takes goes to standard error unless `quiet`.
    std::unique_ptr<spec::Drafter> make(const spec::DrafterText& who, model::Context& context, bool quiet = false) const;
};

}  // namespace rw::tools
