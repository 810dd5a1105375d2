// rewind: the program. One file a verb; this one only puts them together.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "core/version.h"
#include "tools/manual.h"
#include "tools/verbs.h"

namespace {

/// Of a word that is no verb CLI11 only says that a verb is required.
std::string unknown_verb(const CLI::App& app) {
    const std::vector<std::string> left = app.remaining(true);
    const auto chosen = app.get_subcommands();
    const std::string help = "rewind" + (chosen.empty() ? "" : " " + chosen.front()->get_name()) + " --help";
    return left.empty() || left.front().starts_with("-") ? "" : "no verb '" + left.front() + "'; " + help + " lists them";
}

/// A full disk or a closed output: what was asked for has not been said.
bool said_all() { return std::cout.flush() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Kernels for recurrent layers whose state can be stepped back.", "rewind");
    app.set_version_flag("--version", rw::core::version());
    app.require_subcommand(1);
    int status = 0;
    rw::tools::add_devices(app, status);
    rw::tools::add_demo(app, status);
    CLI::App& ops = *app.add_subcommand("ops", "Operators: list, explain, test, run on files, measure");
    ops.require_subcommand(1);
    rw::tools::add_ops_list(ops, status);
    rw::tools::add_ops_explain(ops, status);
    rw::tools::add_ops_test(ops, status);
    rw::tools::add_ops_eval(ops, status);
    rw::tools::add_ops_bench(ops, status);
    rw::tools::add_ops_tune(ops, status);
#if REWIND_RUNTIME
    CLI::App& gguf = *app.add_subcommand("gguf", "Model files: inspect, check, make");
    gguf.require_subcommand(1);
    rw::tools::add_gguf_inspect(gguf, status);
    rw::tools::add_gguf_check(gguf, status);
    rw::tools::add_gguf_make(gguf, status);
    rw::tools::add_tokenize(app, status);
    rw::tools::add_detokenize(app, status);
    rw::tools::add_logits(app, status);
    rw::tools::add_run(app, status);
    rw::tools::add_model_bench(app, status);
#endif
#if REWIND_SERVE
    rw::tools::add_serve(app, status);
#endif
    rw::tools::add_manual(
        app, {.examples = {{"rewind devices", "what this machine has"},
                           {"rewind run -m model.gguf -p \"Once upon a time\"", "text from a model"},
                           {"rewind VERB --help", "a page for each verb, with examples"}},
              .files = {{"~/.cache/rewind", "compiled kernels, self-tests that were passed, learnt costs; XDG_CACHE_HOME moves it"}},
              .environment = {{"REWIND_VERBOSE", "topics to tell on standard error, as dispatch,selftest"},
                              {"REWIND_SELFTEST", "0 trusts every GPU kernel, force tests all again"},
                              {"REWIND_KERNEL_DIR", "a folder whose GPU kernels are taken before the program's own"}},
              .more = "README.md, docs/"});
    try {
        app.parse(argc, argv);
    } catch (const CLI::RequiredError& e) {
        const std::string what = unknown_verb(app);
        if (what.empty()) return app.exit(e), 2;
        std::cerr << "rewind: " << what << "\n";
        return 2;
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::cerr << "rewind: " << e.what() << "\n";
        return 1;
    }
    if (!said_all()) {
        std::cerr << "rewind: standard output could not be written\n";
        return 1;
    }
    return status;
}
