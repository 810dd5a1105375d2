// rewind: the program. One file a verb; this one only puts them together.
#include <CLI/CLI.hpp>
#include <iostream>

#include "core/version.h"
#include "tools/verbs.h"

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
#endif
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    } catch (const std::exception& e) {
        std::cerr << "rewind: " << e.what() << "\n";
        return 1;
    }
    return status;
}
