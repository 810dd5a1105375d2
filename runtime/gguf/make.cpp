#include "runtime/gguf/make.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/fill.h"
#include "runtime/gguf/encode.h"
#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

Geometry geometry_of(const Recipe& r) {
    Geometry g;
    g.family = find_family(r.architecture);
    if (!g.family)
        throw Error(Status::invalid_argument, fmt::format("architecture {} is not known; {} are", printable(r.architecture), families()));
    g.mtp_blocks = r.mtp == Mtp::none ? 0 : 1;
    g.blocks = r.layers + g.mtp_blocks;
    if (r.layers < 1 || g.blocks > most_blocks) throw Error(Status::invalid_argument, fmt::format("{} layers", r.layers));
    g.context = r.context, g.width = r.width, g.vocab = r.vocab;
    g.heads.assign(g.blocks, r.heads), g.kv_heads.assign(g.blocks, r.kv_heads);
    g.key_length = g.value_length = r.head_dim;
    g.eps = 1e-6f, g.rope_base = 1e7f, g.rope_dims = r.rope_dims;
    const uint32_t third = r.rope_dims / 6;  // as 11, 11, 10 of 32 pairs
    g.rope_sections = {r.rope_dims / 2 - 2 * third, third, third, 0};
    g.conv = r.conv, g.state = r.state, g.k_heads = r.k_heads, g.v_heads = r.v_heads;
    g.recurrent.assign(g.blocks, false);
    for (uint32_t i = 0; i < r.layers; ++i) g.recurrent[i] = (i + 1) % std::max(r.interval, 1u) != 0;
    if (g.family->moe) g.experts = r.experts, g.experts_used = r.experts_used, g.expert_ff = r.expert_ff, g.shared_ff = r.shared_ff;
    else g.ff = r.ff;
    return g;
}

uint32_t file_type(TensorType type) {  // general.file_type: what most matrices are stored as
    return type == TensorType::f32 ? 0 : type == TensorType::f16 ? 1 : type == TensorType::q8_0 ? 7 : 32;
}

void set_keys(Draft& draft, const Geometry& g, const Recipe& r) {
    const auto u32 = [&](const char* key, int64_t value) { draft.set(std::string(g.family->name) + "." + key, uint32_t(value)); };
    const auto f32 = [&](const char* key, float value) { draft.set(std::string(g.family->name) + "." + key, value); };
    draft.set("general.architecture", g.family->name);
    draft.set("general.name", fmt::format("random {} {}x{}, seed {}", g.family->name, g.trunk(), g.width, r.seed));
    draft.set("general.type", "model");
    draft.set("general.file_type", file_type(r.type));
    draft.set("general.quantization_version", uint32_t(2));
    u32("block_count", g.blocks);
    if (g.mtp_blocks) u32("nextn_predict_layers", g.mtp_blocks);
    u32("context_length", g.context);
    u32("embedding_length", g.width);
    if (g.ff) u32("feed_forward_length", g.ff);
    u32("attention.head_count", r.heads);
    u32("attention.head_count_kv", r.kv_heads);
    u32("attention.key_length", g.key_length);
    u32("attention.value_length", g.value_length);
    f32("attention.layer_norm_rms_epsilon", g.eps);
    f32("rope.freq_base", g.rope_base);
    u32("rope.dimension_count", g.rope_dims);
    if (g.family->sections)
        draft.set_array(std::string(g.family->name) + ".rope.dimension_sections",
                        std::vector<int32_t>(g.rope_sections.begin(), g.rope_sections.end()));
    u32("ssm.conv_kernel", g.conv);
    u32("ssm.state_size", g.state);
    u32("ssm.group_count", g.k_heads);
    u32("ssm.time_step_rank", g.v_heads);
    u32("ssm.inner_size", g.inner());
    u32("full_attention_interval", r.interval);
    if (g.family->moe) {
        u32("expert_count", g.experts);
        u32("expert_used_count", g.experts_used);
        u32("expert_feed_forward_length", g.expert_ff);
        u32("expert_shared_feed_forward_length", g.shared_ff);
    }
    if (r.tokenizer) add_byte_vocabulary(draft, g.vocab, g.family->pretokenizer);
}

Draft draft_of(const Geometry& g, const Recipe& r) {
    if (!encodable(r.type)) throw Error(Status::unsupported, fmt::format("{} cannot be written; F32, F16, BF16 and Q8_0 can", name_of(r.type)));
    Draft draft;
    set_keys(draft, g, r);
    const auto has = [&](const std::string& name) {
        return name.ends_with("ssm_in.weight") ? r.fused_input : r.fused_experts;
    };
    for (const PlannedTensor& t : plan_tensors(g, has)) {
        const bool skip = t.name.ends_with("embed_tokens.weight") || t.name.ends_with("shared_head_head.weight") ||
                          (r.tied && t.name == "output.weight");
        if (skip) continue;
        TensorType type = t.role == Role::matrix ? r.type : TensorType::f32;
        if (t.ne[0] % info(type).block) type = TensorType::f16;
        draft.add(t.name, type, t.ne, t.dims);
    }
    return draft;
}

uint64_t stream_of(const std::string& name) {  // FNV-1a
    uint64_t h = 0xcbf29ce484222325ull;
    for (const char c : name) h = (h ^ uint8_t(c)) * 0x100000001b3ull;
    return h;
}

/// The role of a tensor that plan_tensors named.
Role role_of(const std::string& name) {
    if (name.ends_with("ssm_a")) return Role::decay;
    if (name.ends_with("ssm_dt.bias")) return Role::step_bias;
    if (name.ends_with("ssm_conv1d.weight")) return Role::conv;
    if (name.ends_with("norm.weight")) return Role::norm;
    return Role::matrix;
}

void write(const Draft& draft, const Recipe& r, const std::string& path, uint64_t& done, uint64_t total, const Progress& progress) {
    constexpr uint64_t chunk = 1 << 16;  // whole blocks of every type
    Output out(path, draft);
    std::vector<float> values;
    std::vector<std::byte> bytes;
    for (const Draft::Tensor& t : draft.tensors()) {
        const uint64_t elements = uint64_t(t.ne[0]) * t.ne[1] * t.ne[2] * t.ne[3];
        const TypeInfo& type = info(t.type);
        for (uint64_t from = 0; from < elements; from += chunk) {
            values.resize(std::min(chunk, elements - from));
            bytes.resize(values.size() / type.block * type.bytes);
            draw_weights(r.seed, t.name, t.ne, from, values);
            encode(t.type, values, bytes);
            out.append(bytes);
            done += bytes.size();
            if (progress && !progress(done, total)) throw Error(Status::io, path + ": stopped");
        }
    }
    out.finish();
}

}  // namespace

void draw_weights(uint64_t seed, const std::string& name, const Extent& ne, uint64_t from, std::span<float> out) {
    const uint64_t stream = stream_of(name);
    const Role role = role_of(name);
    const double spread = role == Role::conv ? 0.5 : std::sqrt(3.0 / double(ne[0]));  // uniform: variance spread^2 / 3
    for (size_t i = 0; i < out.size(); ++i) {
        const double u = core::uniform(seed, stream, from + i);
        double x = (2 * u - 1) * spread;
        if (role == Role::norm) x = 0.8 + 0.4 * u;
        if (role == Role::decay) x = -std::exp(u * std::log(16.0));
        if (role == Role::step_bias) x = std::log(std::expm1(0.001 * std::pow(100.0, u)));  // softplus gives it back
        out[i] = float(x);
    }
}

Draft draft_model(const Recipe& recipe) {
    Recipe r = recipe;
    if (r.mtp == Mtp::separate) r.mtp = Mtp::none;
    return draft_of(geometry_of(r), r);
}

Draft draft_mtp(const Recipe& recipe) {
    if (recipe.mtp != Mtp::separate) throw Error(Status::invalid_argument, "the recipe has no separate MTP file");
    Geometry g = geometry_of(recipe);
    g.mtp_only = true;
    return draft_of(g, recipe);
}

std::vector<std::string> make_model(const Recipe& recipe, const std::string& path, const Progress& progress) {
    const bool separate = recipe.mtp == Mtp::separate;
    const Draft trunk = draft_model(recipe);
    const uint64_t total = trunk.size() + (separate ? draft_mtp(recipe).size() : 0);
    uint64_t done = 0;
    write(trunk, recipe, path, done, total, progress);
    if (!separate) return {path};
    const std::filesystem::path p(path);
    const std::string sidecar = (p.parent_path() / ("mtp-" + p.filename().string())).string();
    write(draft_mtp(recipe), recipe, sidecar, done, total, progress);
    return {path, sidecar};
}

}  // namespace rw::gguf
