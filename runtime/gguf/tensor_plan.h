// The tensors that a model of a given geometry consists of: the list that check() compares a file with and that the
// generator of random models writes.
#pragma once

#include <functional>

#include "runtime/gguf/geometry.h"

namespace rw::gguf {

/// What a tensor is for. All but matrices are kept in F32 whatever the model's type.
enum class Role { matrix, norm, conv, decay, step_bias, router };

struct PlannedTensor {
    std::string name;
    Role role;
    Extent ne;
    int dims;
    bool required;
};

/// Some tensors come in two forms: has(name) tells which of them the model has.
///     qwen3next: ssm_in, or attn_qkv and attn_gate      MoE: ffn_gate_up_exps, or ffn_gate_exps and ffn_up_exps
using Presence = std::function<bool(const std::string& name)>;

std::vector<PlannedTensor> plan_tensors(const Geometry& geometry, const Presence& has);

}  // namespace rw::gguf
