#include "runtime/model/weights.h"

#include <fmt/format.h>

#include "runtime/model/loader.h"

namespace rw::model {
namespace {

using Rows = std::vector<int64_t>;

/// Takes what every K head has side by side apart: `each` rows of a head that begin at row `at` of the `stride` that it
/// has in all.
Rows of_heads(int64_t heads, int64_t stride, int64_t at, int64_t each) {
    Rows rows;
    for (int64_t h = 0; h < heads; ++h)
        for (int64_t i = 0; i < each; ++i) rows.push_back(h * stride + at + i);
    return rows;
}

class Assembly {
public:
    Assembly(const gguf::Geometry& geometry, Loader& loader) : g_(geometry), loader_(loader) {}

    Tensor named(const gguf::File& file, const std::string& name) { return loader_.whole(file, file.tensor(name)); }
    Tensor block_tensor(const char* name) { return named(*file_, prefix_ + name); }
    bool has(const char* name) const { return file_->find(prefix_ + name) != nullptr; }

    Block block(const gguf::File& file, uint32_t index) {
        file_ = &file, prefix_ = fmt::format("blk.{}.", index);
        Block b;
        b.norm = block_tensor("attn_norm.weight");
        b.ffn_norm = block_tensor("post_attention_norm.weight");
        if (g_.recurrent[index])
            b.recurrent = recurrent();
        else
            b.attention = attention(index);
        if (g_.family->moe)
            b.experts = experts();
        else
            b.dense = dense("");
        return b;
    }

    Mtp mtp(const gguf::File& file, const Weights& trunk) {
        Mtp m;
        m.block = block(file, g_.trunk());
        m.merge = block_tensor("nextn.eh_proj.weight");
        m.embed_norm = block_tensor("nextn.enorm.weight");
        m.hidden_norm = block_tensor("nextn.hnorm.weight");
        m.norm = own("nextn.shared_head_norm.weight", trunk.norm);
        m.own_embed = has("nextn.embed_tokens.weight");
        m.embed = own("nextn.embed_tokens.weight", trunk.embed);
        m.head = own("nextn.shared_head_head.weight", trunk.head);
        return m;
    }

private:
    Tensor own(const char* name, const Tensor& otherwise) { return has(name) ? block_tensor(name) : otherwise; }
    Tensor some_rows(const char* name, const Rows& rows) { return loader_.rows(*file_, file_->tensor(prefix_ + name), rows); }

    Recurrent recurrent() {
        Recurrent r;
        const int64_t S = g_.state, heads = g_.k_heads, ratio = g_.v_heads / g_.k_heads;
        if (has("ssm_in.weight")) {  // of every K head q, k, its V heads' v, their z
            const int64_t stride = 2 * S + 2 * ratio * S;
            Rows qkv = of_heads(heads, stride, 0, S);
            for (const Rows& more : {of_heads(heads, stride, S, S), of_heads(heads, stride, 2 * S, ratio * S)})
                qkv.insert(qkv.end(), more.begin(), more.end());
            r.qkv = some_rows("ssm_in.weight", qkv);
            r.z = some_rows("ssm_in.weight", of_heads(heads, stride, 2 * S + ratio * S, ratio * S));
        } else {
            r.qkv = block_tensor("attn_qkv.weight");
            r.z = block_tensor("attn_gate.weight");
        }
        if (g_.family->joint_beta_alpha) {
            r.beta = some_rows("ssm_ba.weight", of_heads(heads, 2 * ratio, 0, ratio));
            r.alpha = some_rows("ssm_ba.weight", of_heads(heads, 2 * ratio, ratio, ratio));
        } else {
            r.alpha = block_tensor("ssm_alpha.weight");
            r.beta = block_tensor("ssm_beta.weight");
        }
        r.conv = block_tensor("ssm_conv1d.weight");
        r.dt_bias = reshaped(block_tensor("ssm_dt.bias"), {1, g_.v_heads, 1, 1});
        r.a = block_tensor("ssm_a");
        r.norm = block_tensor("ssm_norm.weight");
        r.out = block_tensor("ssm_out.weight");
        return r;
    }
    Attention attention(uint32_t index) {
        Attention a;
        a.q = block_tensor("attn_q.weight");
        a.k = block_tensor("attn_k.weight");
        a.v = block_tensor("attn_v.weight");
        a.q_norm = block_tensor("attn_q_norm.weight");
        a.k_norm = block_tensor("attn_k_norm.weight");
        a.out = block_tensor("attn_output.weight");
        a.heads = g_.heads[index], a.kv_heads = g_.kv_heads[index];
        return a;
    }
    Dense dense(const std::string& suffix) {
        const auto get = [&](const char* name) { return block_tensor((name + suffix + ".weight").c_str()); };
        return {get("ffn_gate"), get("ffn_up"), get("ffn_down")};
    }
    Experts experts() {
        Experts e;
        e.router = block_tensor("ffn_gate_inp.weight");
        if (has("ffn_gate_up_exps.weight")) {
            e.gate = block_tensor("ffn_gate_up_exps.weight");
        } else {
            e.gate = block_tensor("ffn_gate_exps.weight");
            e.up = block_tensor("ffn_up_exps.weight");
        }
        e.down = block_tensor("ffn_down_exps.weight");
        e.shared_router = block_tensor("ffn_gate_inp_shexp.weight");
        e.shared = dense("_shexp");
        return e;
    }

    const gguf::Geometry& g_;
    Loader& loader_;
    const gguf::File* file_ = nullptr;
    std::string prefix_;
};

uint64_t data_bytes(const gguf::File& file) {
    uint64_t bytes = 0;
    for (const auto& tensor : file.tensors()) bytes += tensor.bytes;
    return bytes;
}

}  // namespace

Weights load_weights(const gguf::File& trunk, const gguf::Geometry& geometry, const gguf::File* mtp, bool with_mtp,
                     Memory& memory, const Progress& progress) {
    Loader loader(memory, progress, data_bytes(trunk) + (mtp ? data_bytes(*mtp) : 0));
    Assembly assembly(geometry, loader);
    Weights w;
    w.embed = assembly.named(trunk, "token_embd.weight");
    w.norm = assembly.named(trunk, "output_norm.weight");
    w.head = trunk.find("output.weight") ? assembly.named(trunk, "output.weight") : w.embed;
    for (uint32_t i = 0; i < geometry.trunk(); ++i) w.blocks.push_back(assembly.block(trunk, i));
    if (with_mtp) {
        w.mtp = assembly.mtp(mtp ? *mtp : trunk, w);
        std::vector<float> shift(2 * size_t(geometry.width));
        for (size_t i = 0; i < shift.size(); i += 2) shift[i] = 1;
        w.shift = loader.values({2, geometry.width, 1, 1}, shift);
    }
    loader.finish();
    return w;
}

}  // namespace rw::model
