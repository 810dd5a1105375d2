#include "runtime/gguf/tensor_plan.h"

namespace rw::gguf {
namespace {

class Plan {
public:
    Plan(const Geometry& g, const Presence& has) : g_(g), has_(has) {}

    std::vector<PlannedTensor> take() {
        block_ = "";
        matrix("token_embd", g_.width, g_.vocab);
        norm("output_norm", g_.width);
        matrix("output", g_.width, g_.vocab, false);  // absent: the embedding, transposed
        for (uint32_t i = g_.mtp_only ? g_.trunk() : 0; i < g_.blocks; ++i) {
            block_ = fmt::format("blk.{}.", i);
            norm("attn_norm", g_.width);
            norm("post_attention_norm", g_.width);
            g_.recurrent[i] ? recurrent() : attention(g_.heads[i], g_.kv_heads[i]);
            g_.family->moe ? experts() : dense();
            if (i >= g_.trunk()) mtp();
        }
        return std::move(list_);
    }

private:
    void add(const char* name, Role role, Extent ne, int dims, bool required = true) {
        list_.push_back({block_ + name, role, ne, dims, required});
    }
    void matrix(const char* name, int64_t in, int64_t out, bool required = true) {
        add((std::string(name) + ".weight").c_str(), Role::matrix, {in, out, 1, 1}, 2, required);
    }
    void norm(const char* name, int64_t width, bool required = true) {
        add((std::string(name) + ".weight").c_str(), Role::norm, {width, 1, 1, 1}, 1, required);
    }
    bool has(const char* name) const { return has_(block_ + name); }

    void recurrent() {
        if (g_.family->joint_beta_alpha && has("ssm_in.weight")) {  // per K head: q | k | v rows | z rows
            matrix("ssm_in", g_.width, g_.conv_width() + g_.inner());
        } else {
            matrix("attn_qkv", g_.width, g_.conv_width());
            matrix("attn_gate", g_.width, g_.inner());
        }
        if (g_.family->joint_beta_alpha) {
            matrix("ssm_ba", g_.width, 2 * int64_t(g_.v_heads));
        } else {
            matrix("ssm_alpha", g_.width, g_.v_heads);
            matrix("ssm_beta", g_.width, g_.v_heads);
        }
        add("ssm_conv1d.weight", Role::conv, {g_.conv, g_.conv_width(), 1, 1}, 2);
        add("ssm_dt.bias", Role::step_bias, {g_.v_heads, 1, 1, 1}, 1);
        add("ssm_a", Role::decay, {g_.v_heads, 1, 1, 1}, 1);
        norm("ssm_norm", g_.state);
        matrix("ssm_out", g_.inner(), g_.width);
    }
    void attention(int64_t heads, int64_t kv_heads) {
        matrix("attn_q", g_.width, 2 * g_.key_length * heads);  // per head the query, then its gate
        matrix("attn_k", g_.width, g_.key_length * kv_heads);
        matrix("attn_v", g_.width, g_.value_length * kv_heads);
        norm("attn_q_norm", g_.key_length);
        norm("attn_k_norm", g_.key_length);
        matrix("attn_output", g_.value_length * heads, g_.width);
    }
    void dense() {
        matrix("ffn_gate", g_.width, g_.ff);
        matrix("ffn_up", g_.width, g_.ff);
        matrix("ffn_down", g_.ff, g_.width);
    }
    void experts() {
        const int64_t w = g_.width, f = g_.expert_ff, n = g_.experts;
        add("ffn_gate_inp.weight", Role::router, {w, n, 1, 1}, 2);
        if (has("ffn_gate_up_exps.weight")) {  // gate rows first
            add("ffn_gate_up_exps.weight", Role::matrix, {w, 2 * f, n, 1}, 3);
        } else {
            add("ffn_gate_exps.weight", Role::matrix, {w, f, n, 1}, 3);
            add("ffn_up_exps.weight", Role::matrix, {w, f, n, 1}, 3);
        }
        add("ffn_down_exps.weight", Role::matrix, {f, w, n, 1}, 3);
        add("ffn_gate_inp_shexp.weight", Role::router, {w, 1, 1, 1}, 1);
        matrix("ffn_gate_shexp", w, g_.shared_ff);
        matrix("ffn_up_shexp", w, g_.shared_ff);
        matrix("ffn_down_shexp", g_.shared_ff, w);
    }
    void mtp() {
        matrix("nextn.eh_proj", 2 * int64_t(g_.width), g_.width);
        norm("nextn.enorm", g_.width);
        norm("nextn.hnorm", g_.width);
        norm("nextn.shared_head_norm", g_.width, false);  // absent: output_norm, token_embd and output
        matrix("nextn.embed_tokens", g_.width, g_.vocab, false);
        matrix("nextn.shared_head_head", g_.width, g_.vocab, false);
    }

    const Geometry& g_;
    const Presence& has_;
    std::string block_;
    std::vector<PlannedTensor> list_;
};

}  // namespace

std::vector<PlannedTensor> plan_tensors(const Geometry& geometry, const Presence& has) { return Plan(geometry, has).take(); }

}  // namespace rw::gguf
