// rewind gguf make: a model with random weights and any geometry, for tests and benches.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

#include "runtime/gguf/make.h"
#include "tools/manual.h"
#include "tools/numbers.h"
#include "tools/table.h"
#include "tools/verbs.h"

namespace rw::tools {
namespace {

struct Options {
    gguf::Recipe recipe;
    std::string type = "F32", out;
    bool no_tokenizer = false;
};

void add_geometry(CLI::App& verb, gguf::Recipe& r) {
    const auto number = [&](const char* flag, uint32_t& value, const char* help) {
        verb.add_option(flag, value, help)->capture_default_str()->check(CLI::Range(1u, 1u << 24));
    };
    verb.add_option("--arch", r.architecture, "qwen35, qwen35moe or qwen3next")->capture_default_str();
    number("--layers", r.layers, "Blocks, without the MTP block");
    number("--width", r.width, "Embedding length");
    number("--ff", r.ff, "Feed-forward length (dense)");
    number("--vocab", r.vocab, "Vocabulary");
    number("--context", r.context, "Context length");
    number("--heads", r.heads, "Attention heads");
    number("--kv-heads", r.kv_heads, "Attention KV heads");
    number("--head-dim", r.head_dim, "Length of an attention head");
    number("--rope-dims", r.rope_dims, "Rotary dimensions of a head");
    number("--k-heads", r.k_heads, "Recurrent K heads");
    number("--v-heads", r.v_heads, "Recurrent V heads");
    number("--state", r.state, "Length of a recurrent head");
    number("--conv", r.conv, "Width of the convolution");
    number("--interval", r.interval, "Every which block has attention");
    number("--experts", r.experts, "Experts (MoE)");
    number("--experts-used", r.experts_used, "Experts of a token (MoE)");
    number("--expert-ff", r.expert_ff, "Feed-forward length of an expert (MoE)");
    number("--shared-ff", r.shared_ff, "Feed-forward length of the shared expert (MoE)");
}

void make(const Options& o) {
    gguf::Recipe recipe = o.recipe;
    const gguf::TypeInfo* type = gguf::find_type(o.type);
    if (!type) throw Error(Status::invalid_argument, "--type " + o.type + ": F32, F16, BF16 or Q8_0 is expected");
    recipe.type = type->type;
    recipe.tokenizer = !o.no_tokenizer;
    const bool terminal = isatty(STDERR_FILENO);
    int shown = -1;
    const auto progress = [&](uint64_t done, uint64_t total) {
        const int now = int(100 * done / total);
        if (terminal && now != shown) std::cerr << fmt::format("\r{:3} %", shown = now) << std::flush;
        return true;
    };
    const auto files = gguf::make_model(recipe, o.out, progress);
    if (terminal) std::cerr << "\r     \r";
    for (const std::string& path : files) {
        const gguf::File file(path);
        std::cout << fmt::format("{}: {} tensors, {}\n", path, file.tensors().size(), bytes_text(double(file.size())));
    }
}

}  // namespace

void add_gguf_make(CLI::App& gguf, int&) {
    CLI::App& verb = *gguf.add_subcommand("make", "Write a model with random weights");
    auto o = std::make_shared<Options>();
    gguf::Recipe& r = o->recipe;
    add_geometry(verb, r);
    const std::map<std::string, gguf::Mtp> mtp{{"none", gguf::Mtp::none}, {"grafted", gguf::Mtp::grafted}, {"separate", gguf::Mtp::separate}};
    verb.add_option("--mtp", r.mtp, "MTP block: none, grafted (default), or separate, in a file mtp-FILE")->transform(CLI::CheckedTransformer(mtp));
    verb.add_option("--type", o->type, "Of matrices: F32, F16, BF16 or Q8_0; rows that are not whole blocks are F16")->capture_default_str();
    verb.add_option("--seed", r.seed, "Of the weights")->capture_default_str()->check(whole_number);
    verb.add_flag("--tied", r.tied, "No output matrix: the embedding serves");
    verb.add_flag("--fused-input", r.fused_input, "qwen3next: ssm_in instead of attn_qkv and attn_gate");
    verb.add_flag("--fused-experts", r.fused_experts, "MoE: one tensor for gate and up");
    verb.add_flag("--no-tokenizer", o->no_tokenizer, "No vocabulary: token ids in, token ids out");
    verb.add_option("-o,--out", o->out, "The file")->required();
    add_manual(verb, {.about = "For tests and benches: the speed of a geometry is that of a trained model of it, its text is not.",
                      .examples = {{"rewind gguf make --width 256 -o small.gguf", "a small dense hybrid with an MTP block"},
                                   {"rewind gguf make --arch qwen35moe --type Q8_0 --experts 32 -o moe.gguf", "a mixture of experts"}}});
    verb.callback([o] { make(*o); });
}

}  // namespace rw::tools
