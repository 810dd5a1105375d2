#include "runtime/gguf/geometry.h"

#include <algorithm>

#include "runtime/gguf/text.h"

namespace rw::gguf {
namespace {

constexpr Family table[] = {
    {"qwen35", false, false, true, false, "qwen35"},
    {"qwen35moe", true, false, true, false, "qwen35"},
    {"qwen3next", true, true, false, true, "qwen2"},
};
constexpr uint32_t most = 1 << 20;  // of any width or count: products of three stay far below 2^63

/// Keys of one architecture; what is missing, mistyped or out of bounds becomes a problem and reads as `least`.
class Keys {
public:
    Keys(const Metadata& m, std::string prefix, Problems& p) : m_(m), prefix_(std::move(prefix)), problems_(p) {}

    bool has(const char* name) const { return m_.has(prefix_ + name); }
    uint32_t need(const char* name, uint32_t least = 1, uint32_t greatest = most) {
        uint32_t value = least;
        problems_.attempt([&] { value = bounded(name, m_.get<int64_t>(prefix_ + name), least, greatest); });
        return value;
    }
    uint32_t maybe(const char* name, uint32_t fallback, uint32_t least = 1, uint32_t greatest = most) {
        return has(name) ? need(name, least, greatest) : fallback;
    }
    float positive(const char* name) {
        float value = 1;
        problems_.attempt([&] { value = m_.get<float>(prefix_ + name); });
        if (!(value > 0) || value > 1e30f) problems_.add("key '{}{}': expected a positive number, found {}", prefix_, name, value);
        return value;
    }
    /// One number for all blocks, or an array with one for each.
    std::vector<uint32_t> per_block(const char* name, uint32_t blocks) {
        const Value* value = m_.find(prefix_ + name);
        std::vector<uint32_t> out(blocks, 1);
        if (value && value->type == ValueType::array) {
            problems_.attempt([&] {
                if (value->count != blocks)
                    throw Error(Status::invalid_argument, fmt::format("key '{}{}': expected one entry for each of {} blocks, found {}",
                                                                      prefix_, name, blocks, value->count));
                for (uint32_t i = 0; i < blocks; ++i) out[i] = bounded(name, element(name, *value, i), 0, most);
            });
        } else {
            std::fill(out.begin(), out.end(), need(name));
        }
        return out;
    }

private:
    uint32_t bounded(const char* name, int64_t value, int64_t least, int64_t greatest) const {
        if (value < least || value > greatest)
            throw Error(Status::invalid_argument,
                        fmt::format("key '{}{}': expected {} to {}, found {}", prefix_, name, least, greatest, value));
        return uint32_t(value);
    }
    int64_t element(const char* name, const Value& array, uint32_t i) const {
        if (array.element == ValueType::u32) return Array<uint32_t>(array.bytes)[i];
        if (array.element == ValueType::i32) return Array<int32_t>(array.bytes)[i];
        if (array.element == ValueType::boolean) return Array<uint8_t>(array.bytes)[i];
        throw Error(Status::invalid_argument, fmt::format("key '{}{}': expected array of u32, i32 or bool, found {}", prefix_, name,
                                                          array.describe()));
    }

    const Metadata& m_;
    std::string prefix_;
    Problems& problems_;
};

void read_attention(Geometry& g, Keys& keys, Problems& problems) {
    g.heads = keys.per_block("attention.head_count", g.blocks);
    g.kv_heads = keys.per_block("attention.head_count_kv", g.blocks);
    g.key_length = keys.need("attention.key_length");
    g.value_length = keys.need("attention.value_length");
    g.eps = keys.positive("attention.layer_norm_rms_epsilon");
    g.rope_base = keys.positive("rope.freq_base");
    g.rope_dims = keys.need("rope.dimension_count", 2);
    if (g.rope_dims % 2 || g.rope_dims > g.key_length)
        problems.add("rope.dimension_count {}: an even number, at most attention.key_length {}, is expected", g.rope_dims, g.key_length);
}

/// Four sections; files with three are met, their fourth is 0.
void read_sections(Geometry& g, const Metadata& metadata, const std::string& prefix, Problems& problems) {
    const std::string key = prefix + "rope.dimension_sections";
    problems.attempt([&] {
        const Array<int32_t> sections = metadata.array<int32_t>(key);
        if (sections.size() < 3 || sections.size() > 4)
            throw Error(Status::invalid_argument, fmt::format("key '{}': expected 3 or 4 entries, found {}", key, sections.size()));
        for (size_t i = 0; i < sections.size(); ++i) {
            if (sections[i] < 0 || sections[i] > int32_t(most))
                throw Error(Status::invalid_argument, fmt::format("key '{}': expected 0 to {}, found {}", key, most, sections[i]));
            g.rope_sections[i] = uint32_t(sections[i]);
        }
    });
}

void read_recurrence(Geometry& g, Keys& keys, Problems& problems) {
    g.conv = keys.need("ssm.conv_kernel", 2, 16);
    g.state = keys.need("ssm.state_size");
    g.k_heads = keys.need("ssm.group_count");
    g.v_heads = keys.need("ssm.time_step_rank");
    const uint32_t inner = keys.need("ssm.inner_size", 1, most * 16);
    if (g.state < 16 || g.state > 256 || (g.state & (g.state - 1)))
        problems.add("ssm.state_size {}: 16, 32, 64, 128 or 256 is expected", g.state);
    if (g.v_heads % g.k_heads)
        problems.add("ssm.time_step_rank {} (V heads) is not a multiple of ssm.group_count {} (K heads)", g.v_heads, g.k_heads);
    if (g.inner() != int64_t(inner))
        problems.add("ssm.inner_size {}: ssm.state_size x ssm.time_step_rank = {} is expected", inner, g.inner());

    const uint32_t interval = keys.maybe("full_attention_interval", 4);
    g.recurrent.assign(g.blocks, false);
    for (uint32_t i = 0; i < g.trunk(); ++i) g.recurrent[i] = (i + 1) % interval != 0;
    if (keys.has("attention.recurrent_layers")) {
        const std::vector<uint32_t> listed = keys.per_block("attention.recurrent_layers", g.blocks);
        for (uint32_t i = 0; i < g.blocks; ++i) g.recurrent[i] = listed[i] != 0;
        for (uint32_t i = g.trunk(); i < g.blocks; ++i)
            if (g.recurrent[i]) problems.add("attention.recurrent_layers: block {} is the MTP block, which has attention", i);
    }
    for (uint32_t i = 0; i < g.blocks; ++i) {  // arrays hold 0 where a block has no attention
        if (g.recurrent[i]) continue;
        if (g.heads[i] == 0 || g.kv_heads[i] == 0 || g.heads[i] % g.kv_heads[i])
            problems.add("block {} has attention with {} heads over {} KV heads: a positive multiple is expected", i, g.heads[i], g.kv_heads[i]);
    }
}

void read_feed_forward(Geometry& g, Keys& keys, Problems& problems) {
    if (!g.family->moe) {
        g.ff = keys.need("feed_forward_length");
        if (keys.maybe("expert_count", 0, 0) > 0) problems.add("expert_count: {} has no experts", g.family->name);
        return;
    }
    g.ff = keys.maybe("feed_forward_length", 0, 0);
    g.experts = keys.need("expert_count");
    g.experts_used = keys.need("expert_used_count");
    if (g.experts_used > g.experts) problems.add("expert_used_count {} of expert_count {}", g.experts_used, g.experts);
    g.expert_ff = keys.maybe("expert_feed_forward_length", g.ff / std::max(g.experts_used, 1u));
    g.shared_ff = keys.maybe("expert_shared_feed_forward_length", g.ff);
    if (g.expert_ff == 0 || g.shared_ff == 0)
        problems.add("expert_feed_forward_length and expert_shared_feed_forward_length, or feed_forward_length, are missing");
}

}  // namespace

const Family* find_family(std::string_view architecture) {
    for (const Family& f : table)
        if (architecture == f.name) return &f;
    return nullptr;
}

std::string families() {
    std::string names;
    for (const Family& f : table) names += (names.empty() ? "" : ", ") + std::string(f.name);
    return names;
}

Geometry read_geometry(const File& file, Problems& problems) {
    Geometry g;
    std::string_view architecture;
    const Metadata& metadata = file.metadata();
    if (!problems.attempt([&] { architecture = metadata.get<std::string_view>("general.architecture"); })) return g;
    g.family = find_family(architecture);
    if (!g.family) {
        problems.add("architecture {} is not supported; {} are", printable(architecture), families());
        return g;
    }
    const std::string prefix = std::string(architecture) + ".";
    Keys keys(metadata, prefix, problems);
    g.blocks = keys.need("block_count", 1, most_blocks);
    g.mtp_blocks = keys.maybe("nextn_predict_layers", 0, 0, most_blocks);
    if (g.mtp_blocks > 1) problems.add("nextn_predict_layers {}: one MTP block is supported", g.mtp_blocks);
    if (g.mtp_blocks >= g.blocks) {
        problems.add("nextn_predict_layers {} of block_count {}: no block is left for the model", g.mtp_blocks, g.blocks);
        g.mtp_blocks = 0;
    }
    g.mtp_only = g.mtp_blocks > 0 && !file.find("blk.0.attn_norm.weight");
    g.context = keys.need("context_length", 1, 1u << 30);
    g.width = keys.need("embedding_length");
    read_attention(g, keys, problems);
    if (g.family->sections) read_sections(g, metadata, prefix, problems);
    read_recurrence(g, keys, problems);
    read_feed_forward(g, keys, problems);

    if (const TensorInfo* embedding = file.find("token_embd.weight"))
        if (embedding->ne[1] <= int64_t(most) * 16) g.vocab = uint32_t(embedding->ne[1]);
    if (g.vocab == 0) problems.add("tensor 'token_embd.weight' is missing or has no sensible number of rows");
    return g;
}

}  // namespace rw::gguf
