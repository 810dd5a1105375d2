// The verbs of the program. Each adds its subcommand; `status` becomes the exit status when it ran and found fault.
#pragma once

namespace CLI {
class App;
}

namespace rw::tools {

void add_devices(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);
void add_ops_list(CLI::App& ops, int& status);
void add_ops_explain(CLI::App& ops, int& status);
void add_ops_test(CLI::App& ops, int& status);
void add_ops_eval(CLI::App& ops, int& status);
void add_ops_bench(CLI::App& ops, int& status);
void add_ops_tune(CLI::App& ops, int& status);
void add_gguf_inspect(CLI::App& gguf, int& status);
void add_gguf_check(CLI::App& gguf, int& status);
void add_gguf_make(CLI::App& gguf, int& status);
void add_tokenize(CLI::App& app, int& status);
void add_detokenize(CLI::App& app, int& status);
void add_logits(CLI::App& app, int& status);
void add_run(CLI::App& app, int& status);
void add_model_bench(CLI::App& app, int& status);
void add_serve(CLI::App& app, int& status);

}  // namespace rw::tools
