// rewind logits: the logits of every token of a text, as an array.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "runtime/sequence/sequence_state.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tools/manual.h"
#include "tools/model_options.h"
#include "tools/npy.h"
#include "tools/tokens.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    ModelOptions model;
    std::string prompt, tokens, out;
    bool mtp = false, exact = false;
};

void logits(const Options& o) {
    model::Options shape;
    shape.logit_rows = 1, shape.mtp = o.mtp;
    auto tokens = read_tokens(o.tokens);
    if (const auto folder = std::filesystem::path(o.out).parent_path(); !folder.empty() && !is_directory(folder))
        throw Error(Status::io, fmt::format("--out {}: there is no folder {}", o.out, folder.string()));
    Opened opened = find_model(o.model, shape);
    if (o.tokens.empty()) tokens = tokenizer::Tokenizer(opened.model->file()).encode(o.prompt);
    if (tokens.empty()) throw Error(Status::invalid_argument, "there are no tokens: give --tokens 1,2,3 or -p TEXT");
    check_tokens(tokens, *opened.model, shape);
    load_model(opened, o.model, shape);
    model::Context& context = *opened.context;
    Npy array{"<f4", {int64_t(tokens.size()), opened.model->geometry().vocab}, {}};
    sequence::SequenceState state(context);
    const size_t most = size_t(o.exact ? context.options().pools.most_exact : context.options().chunk);
    const model::Progress progress = progress_bar("running");
    for (size_t at = 0; at < tokens.size(); at += most) {
        const auto part = std::span(tokens).subspan(at, std::min(most, tokens.size() - at));
        model::Wanted wanted{.prefill = !o.exact, .mtp_logits = o.mtp};
        for (size_t i = 0; i < part.size(); ++i) wanted.rows.push_back(int32_t(i));
        context.run({state.part(part)}, wanted);
        state.advance(int64_t(part.size()));
        for (size_t i = 0; i < part.size(); ++i) {
            const std::vector<float> row = context.logits(i);
            const auto* bytes = reinterpret_cast<const std::byte*>(row.data());
            array.data.insert(array.data.end(), bytes, bytes + row.size() * sizeof(float));
        }
        if (progress) progress(at + part.size(), tokens.size());
    }
    write_npy(o.out, array);
    std::cout << fmt::format("{}: {} tokens, {} logits each\n", o.out, array.shape[0], array.shape[1]);
}

}  // namespace

void add_logits(CLI::App& app, int&) {
    CLI::App& verb =
        *app.add_subcommand("logits", "The logits of every token of a text, f32 [tokens, vocabulary] as .npy");
    auto o = std::make_shared<Options>();
    o->model.add_to(verb);
    CLI::Option* text = verb.add_option("-p,--prompt", o->prompt, "The text");
    verb.add_option("-t,--tokens", o->tokens, "Its tokens instead, as 1,2,3")->excludes(text);
    verb.add_option("--out", o->out, "The file")->required();
    verb.add_flag("--mtp", o->mtp,
                  "Of the MTP block: row p pairs token p with the hidden row before it and predicts token p + 1");
    verb.add_flag("--exact", o->exact, "As decoding computes them, not as prompts are");
    add_manual(verb, {.examples = {{"rewind logits -m model.gguf -p \"Hello\" --out rows.npy", "a row a token, to compare with another engine"},
                                   {"rewind logits -m model.gguf --tokens 1,2,3 --mtp --out rows.npy", "what the MTP block says"}}});
    verb.callback([o] { logits(*o); });
}

}  // namespace rw::tools
