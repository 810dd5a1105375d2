#include "runtime/model/layers.h"

namespace rw::model {
namespace {

/// Heads of rows: [n, heads, N] of a packed [n heads, N], or of part of wider rows.
Tensor heads_of(Tensor rows, int64_t n, int64_t heads) {
    const int64_t row = rows.nb[1], N = rows.ne[1];
    rows.ne = {n, heads, N, 1};
    rows.nb = {rows.nb[0], n * rows.nb[0], row, row * N};
    return rows;
}

/// Every other n elements: of each head the first, or with from = n the second half.
Tensor half_heads(const Tensor& rows, int64_t from, int64_t n, int64_t heads) {
    Tensor t = heads_of(rows, 2 * n, heads);
    return columns(t, from, n);
}

/// Of every sequence's states the last one.
Tensor last_slot(Tensor states) {
    states.offset += uint64_t((states.ne[1] - 1) * states.nb[1]), states.ne[1] = 1;
    return states;
}

Tensor flat(const Tensor& heads) { return reshaped(heads, {heads.ne[0] * heads.ne[1], heads.ne[2], 1, 1}); }

}  // namespace

Tensor Layers::recurrent(const Block& block, const RecurrentPool& pool, const Rows& rows, const Tensor& x) const {
    const gguf::Geometry& g = geometry;
    const Recurrent& w = *block.recurrent;
    const bool ring = pools.shape.form == StateForm::ring;
    // A prompt keeps its last state alone: how it is cut into blocks, and so its bits, would depend on how many it keeps.
    const Tensor base = rows.prefill && !ring ? last_slot(pool.base) : pool.base;
    const Tensor inputs = rows.prefill && !ring ? last_slot(pool.inputs) : pool.inputs;
    const double longest = double(rows.longest);
    const Tensor y = graph.normed("y", x, block.norm, g.eps);
    const Tensor qkv = graph.project("qkv", w.qkv, y);
    const Tensor z = graph.project("z", w.z, y);
    const Tensor alpha = graph.project("alpha", w.alpha, y);
    const Tensor beta = graph.project("beta", w.beta, y);

    const Tensor mixed = graph.scratch("mixed", qkv.ne);
    if (ring)
        graph.add("CAUSAL_CONV1D_RING",
                  {{"x", qkv}, {"weight", w.conv}, {"pos", rows.pos}, {"seq", rows.seq}, {"first", rows.first},
                   {"seq_len", rows.len}, {"out", mixed}, {"ring", pool.inputs}},
                  {{"activation", 0, "silu"}, {"max_len", longest}});
    else
        graph.add("CAUSAL_CONV1D",
                  {{"x", qkv}, {"weight", w.conv}, {"state", inputs}, {"in_slot", rows.slot}, {"seq", rows.seq},
                   {"first", rows.first}, {"seq_len", rows.len}, {"out", mixed}, {"state_out", inputs}},
                  {{"activation", 0, "silu"}, {"max_len", longest}});

    const int64_t S = g.state, H_k = g.k_heads, H_v = g.v_heads;
    const Tensor q = heads_of(columns(mixed, 0, S * H_k), S, H_k), k = heads_of(columns(mixed, S * H_k, S * H_k), S, H_k);
    const Tensor v = heads_of(columns(mixed, 2 * S * H_k, S * H_v), S, H_v);
    const Tensor out = graph.scratch("recurrent_out", {S, H_v, rows.N, 1});
    const Tensor a = heads_of(alpha, 1, H_v), b = heads_of(beta, 1, H_v);
    const Attribute path{"path", 0, rows.prefill ? "prefill" : "exact"};
    const Attribute heads{"heads", 0, g.family->interleaved ? "interleaved" : "tiled"};
    if (ring)
        graph.add("GATED_DELTA_NET_RING",
                  {{"q", q}, {"k", k}, {"v", v}, {"g", a}, {"beta", b}, {"pos", rows.pos}, {"seq", rows.seq},
                   {"first", rows.first}, {"seq_len", rows.len}, {"dt_bias", w.dt_bias}, {"a", w.a}, {"out", out},
                   {"base", pool.base}, {"ring_k", pool.ring_k}, {"ring_d", pool.ring_d}, {"ring_g", pool.ring_g}},
                  {path, heads, {"l2norm_eps", g.eps}, {"raw_gates", 1}, {"max_len", longest}});
    else
        graph.add("GATED_DELTA_NET",
                  {{"q", q}, {"k", k}, {"v", v}, {"g", a}, {"beta", b}, {"state", base}, {"in_slot", rows.slot},
                   {"seq", rows.seq}, {"first", rows.first}, {"seq_len", rows.len}, {"dt_bias", w.dt_bias}, {"a", w.a},
                   {"out", out}, {"state_out", base}},
                  {path, heads, {"l2norm_eps", g.eps}, {"raw_gates", 1}, {"max_len", longest}});
    const Tensor gated = graph.normed("gated", out, w.norm, g.eps, heads_of(z, S, H_v));
    return feed_forward(block, graph.project("x", w.out, flat(gated), x));
}

void Layers::store(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& y) const {
    const Attention& w = *block.attention;
    const gguf::Geometry& g = geometry;
    const Tensor k = heads_of(graph.project("k", w.k, y), g.key_length, w.kv_heads);
    const Tensor v = heads_of(graph.project("v", w.v, y), g.value_length, w.kv_heads);
    const Tensor turned = graph.normed("k_turned", k, w.k_norm, g.eps);
    graph.add("ROPE", {{"x", turned}, {"pos", rows.rope}, {"out", turned}},
              {{"dims", double(g.rope_dims)}, {"freq_base", g.rope_base}, {"section_t", double(g.rope_sections[0])},
               {"section_h", double(g.rope_sections[1])}, {"section_w", double(g.rope_sections[2])}});
    graph.add("KV_STORE",
              {{"k", turned}, {"v", v}, {"pos", rows.pos}, {"seq", rows.seq}, {"first", rows.first}, {"seq_len", rows.len},
               {"cache_k", pool.k}, {"cache_v", pool.v}},
              {{"max_len", double(rows.longest)}});
}

void Layers::keys_and_values(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& x) const {
    store(block, pool, rows, graph.normed("y", x, block.norm, geometry.eps));
}

Tensor Layers::attention(const Block& block, const KvPool& pool, const Rows& rows, const Tensor& x) const {
    const Attention& w = *block.attention;
    const gguf::Geometry& g = geometry;
    const int64_t D = g.key_length, D_v = g.value_length, H = w.heads;
    const Tensor y = graph.normed("y", x, block.norm, g.eps);
    const Tensor both = graph.project("q_and_gate", w.q, y);
    store(block, pool, rows, y);
    const Tensor q = graph.normed("q_turned", half_heads(both, 0, D, H), w.q_norm, g.eps);
    graph.add("ROPE", {{"x", q}, {"pos", rows.rope}, {"out", q}},
              {{"dims", double(g.rope_dims)}, {"freq_base", g.rope_base}, {"section_t", double(g.rope_sections[0])},
               {"section_h", double(g.rope_sections[1])}, {"section_w", double(g.rope_sections[2])}});
    const Tensor out = graph.scratch("attended", {D_v, H, rows.N, 1});
    graph.add("ATTENTION",
              {{"q", q}, {"cache_k", pool.k}, {"cache_v", pool.v}, {"pos", rows.pos}, {"seq", rows.seq},
               {"first", rows.first}, {"seq_len", rows.len}, {"gate", half_heads(both, D, D_v, H)}, {"out", out}},
              {{"max_len", double(rows.longest)}});
    return feed_forward(block, graph.project("x", w.out, flat(out), x));
}

Tensor Layers::merged(const Mtp& mtp, const Tensor& shift, const Rows& rows, const Tensor& embedding, const Tensor& hidden) const {
    // A convolution of two taps, (1, 0), whose ring is addressed by position: row p takes hidden row p - 1, zeros at 0.
    const Tensor before = graph.scratch("hidden_before", hidden.ne);
    graph.add("CAUSAL_CONV1D_RING",
              {{"x", hidden}, {"weight", shift}, {"pos", rows.pos}, {"seq", rows.seq}, {"first", rows.first},
               {"seq_len", rows.len}, {"out", before}, {"ring", pools.hidden}},
              {{"max_len", double(rows.longest)}});
    return merged_with(mtp, embedding, before);
}

Tensor Layers::merged_with(const Mtp& mtp, const Tensor& embedding, const Tensor& before) const {
    const int64_t w = geometry.width;
    const Tensor both = graph.scratch("embedding_and_hidden", {2 * w, embedding.ne[1], 1, 1});
    const double eps = geometry.eps;
    graph.add("RMS_NORM", {{"x", embedding}, {"weight", mtp.embed_norm}, {"out", columns(both, 0, w)}}, {{"eps", eps}});
    graph.add("RMS_NORM", {{"x", before}, {"weight", mtp.hidden_norm}, {"out", columns(both, w, w)}}, {{"eps", eps}});
    return graph.project("x", mtp.merge, both);
}

Tensor Layers::feed_forward(const Block& block, const Tensor& x) const {
    const Tensor y = graph.normed("y", x, block.ffn_norm, geometry.eps);
    return block.dense ? dense(*block.dense, y, x) : experts(*block.experts, y, x);
}

Tensor Layers::dense(const Dense& ffn, const Tensor& y, const Tensor& x) const {
    const Tensor gate = graph.project("ffn_gate", ffn.gate, y), up = graph.project("ffn_up", ffn.up, y);
    graph.add("SWIGLU", {{"gate", gate}, {"up", up}, {"out", up}});
    return graph.project("x", ffn.down, up, x);
}

Tensor Layers::experts(const Experts& ffn, const Tensor& y, const Tensor& x) const {
    const int64_t N = y.ne[1], used = geometry.experts_used, ff = geometry.expert_ff;
    const Tensor ids = graph.scratch("expert_ids", {used, N, 1, 1}, Type::i32), share = graph.scratch("expert_share", {used, N, 1, 1});
    graph.add("MOE_ROUTE", {{"logits", graph.project("expert_logits", ffn.router, y)}, {"ids", ids}, {"weight", share}});
    const Tensor each = reshaped(y, {y.ne[0], 1, N, 1});
    const Tensor inner = graph.scratch("expert_up", {ff, used, N, 1});
    if (present(ffn.up)) {
        const Tensor gate = graph.scratch("expert_gate", {ff, used, N, 1});
        graph.add("MUL_MAT_ID", {{"w", ffn.gate}, {"x", each}, {"ids", ids}, {"out", gate}});
        graph.add("MUL_MAT_ID", {{"w", ffn.up}, {"x", each}, {"ids", ids}, {"out", inner}});
        graph.add("SWIGLU", {{"gate", gate}, {"up", inner}, {"out", inner}});
    } else {
        const Tensor both = graph.scratch("expert_gate", {2 * ff, used, N, 1});
        graph.add("MUL_MAT_ID", {{"w", ffn.gate}, {"x", each}, {"ids", ids}, {"out", both}});
        graph.add("SWIGLU", {{"gate", both}, {"out", inner}});
    }
    const Tensor summed = reshaped(graph.scratch("x", x.ne), {x.ne[0], 1, N, 1});
    graph.add("MUL_MAT_ID", {{"w", ffn.down}, {"x", inner}, {"ids", ids}, {"weight", share}, {"add", reshaped(x, summed.ne)}, {"out", summed}});

    // The shared expert's gate is one number a row and the matrix behind it linear, so it is put on before.
    const Tensor gate = graph.project("ffn_gate", ffn.shared.gate, y), up = graph.project("ffn_up", ffn.shared.up, y);
    graph.add("SWIGLU", {{"gate", gate}, {"up", up}, {"out", up}});
    graph.add("SWIGLU", {{"gate", graph.project("shared_gate", ffn.shared_router, y)}, {"up", up}, {"out", up}},
              {{"activation", 0, "sigmoid"}});
    return graph.project("x", ffn.shared.down, up, reshaped(summed, x.ne));
}

}  // namespace rw::model
