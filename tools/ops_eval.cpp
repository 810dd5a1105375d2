// rewind ops eval: an op on .npy files, so that anybody can compare a kernel with their own engine.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "tools/eval.h"
#include "tools/manual.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    Evaluation request;
    std::vector<std::string> in;
    std::string out;
};

void run(Options& o) {
    for (const std::string& word : o.in) {
        const size_t eq = word.find('=');
        if (eq == word.npos || eq == 0 || eq + 1 == word.size())
            throw Error(Status::invalid_argument, "--in " + word + ": expected name=file.npy");
        const std::string name = word.substr(0, eq), file = word.substr(eq + 1);
        if (o.request.input.count(name)) throw Error(Status::invalid_argument, "--in " + name + ": given twice");
        try {
            o.request.input[name] = read_npy(file);
        } catch (const Error& e) {
            throw Error(e.status, name + ": " + file + ": " + e.what());
        }
    }
    const Evaluated result = evaluate(o.request);
    std::error_code failed;
    std::filesystem::create_directories(o.out, failed);
    if (failed) throw Error(Status::io, "--out " + o.out + ": cannot be made: " + failed.message());
    std::cout << result.device << " " << result.implementation << "\n";
    for (const auto& [name, array] : result.output) {
        const std::filesystem::path path = std::filesystem::path(o.out) / (name + ".npy");
        write_npy(path, array);
        std::cout << path.string() << "  " << shape_text(array.shape) << " " << type_text(array.descr) << "\n";
    }
}

}  // namespace

void add_ops_eval(CLI::App& ops, int&) {
    CLI::App& verb = *ops.add_subcommand("eval", "Run an op on .npy files");
    auto o = std::make_shared<Options>();
    verb.add_option("op,--op", o->request.op, "Name of the op")->required();
    verb.add_option("--backend", o->request.backend, "Device, e.g. vulkan:0, or reference: the definition in double")
        ->required();
    verb.add_option("--impl", o->request.impl, "This implementation, e.g. cpu:plain");
    verb.add_option("--attr", o->request.attr, "name=value; K=n sets the slots of state_out");
    verb.add_option("--in", o->in, "name=file.npy, one or more; state_out=FILE gives the bytes it starts with")->required();
    verb.add_option("--out", o->out, "Folder for the outputs, one file each")->required();
    add_manual(verb, {.about = "An array's shape is the ne order reversed: q is (B, T, H_k, S_k), state is (B, K, H_v, S_v, S_k) or flat\n"
                               "(B, K, N), in_slot is (B,). float32, float16, int32; uint16 arrays are bf16.",
                      .examples = {{"rewind ops eval L2_NORM --backend cpu --in x=x.npy --out results", "results/out.npy"},
                                   {"rewind ops eval L2_NORM --backend reference --in x=x.npy --out expected", "the definition's"}}});
    verb.callback([o] { run(*o); });
}

}  // namespace rw::tools
