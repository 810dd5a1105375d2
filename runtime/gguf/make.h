// Random-weight models of any geometry, for tests and benches.
//
// Weights come from core/fill's counter-based hash, keyed by (seed, tensor name, element): a tensor has the same values
// whatever else is in the file, so a grafted model and its two separate files agree, and so do types up to rounding.
// They are scaled so that a forward pass stays in range: matrices uniform with variance 1/inputs, norms near 1, decays
// and time steps as in trained models (A in 1..16, softplus(bias) in 0.001..0.1), so that states neither die nor grow.
#pragma once

#include "runtime/gguf/tensor_plan.h"
#include "runtime/gguf/writer.h"

namespace rw::gguf {

enum class Mtp {
    none,      // the trunk alone
    grafted,   // the MTP block is the last block of the one file
    separate,  // in a file of its own, mtp-NAME beside NAME, which repeats embedding, final norm and head
};

struct Recipe {
    std::string architecture = "qwen35";
    uint32_t layers = 4;  // of the trunk
    Mtp mtp = Mtp::grafted;
    uint32_t width = 64, ff = 128, vocab = 512, context = 4096;
    uint32_t heads = 4, kv_heads = 2, head_dim = 32, rope_dims = 16;
    uint32_t k_heads = 2, v_heads = 4, state = 16, conv = 4, interval = 4;
    uint32_t experts = 8, experts_used = 2, expert_ff = 32, shared_ff = 32;
    TensorType type = TensorType::f32;  // of matrices; rows that are not whole blocks are F16
    uint64_t seed = 1;
    bool tied = false;            // no output matrix
    bool fused_input = false;     // qwen3next: ssm_in
    bool fused_experts = false;   // MoE: ffn_gate_up_exps
    bool tokenizer = true;        // a vocabulary of bytes, pairs of bytes, ... and three control tokens
};

/// The file that the recipe describes: keys and tensors. For Mtp::separate the trunk's.
Draft draft_model(const Recipe& recipe);
/// The MTP half of Mtp::separate.
Draft draft_mtp(const Recipe& recipe);

/// Called as the data grows; false stops and removes what was written.
using Progress = std::function<bool(uint64_t done, uint64_t total)>;
/// Writes the model, returns the paths of the files.
std::vector<std::string> make_model(const Recipe& recipe, const std::string& path, const Progress& progress = {});

/// `count` elements of a tensor from element `from` on, as make_model would write them in F32.
void draw_weights(uint64_t seed, const std::string& name, const Extent& ne, uint64_t from, std::span<float> out);

/// Keys tokenizer.* for a vocabulary of any size from 259 on.
void add_byte_vocabulary(Draft& draft, uint32_t vocab, const char* pretokenizer);

}  // namespace rw::gguf
