#include "runtime/model/forward.h"

#include <algorithm>

namespace rw::model {
namespace {

Rows rows_at(const Graph& graph, const Shape& s, const InputPlaces& at, int64_t step) {
    const auto list = [&](int64_t from) { return graph.input(from, {s.B, 1, 1, 1}); };
    Rows rows;
    rows.N = s.N, rows.B = s.B, rows.longest = s.longest, rows.prefill = s.prefill;
    rows.pos = list(at.pos + step * at.stride), rows.seq = list(at.seq + step * at.stride);
    rows.first = list(at.first), rows.len = list(at.len), rows.slot = list(at.slot);
    rows.rope = graph.input(at.rope + step * s.N * s.planes, {s.N, s.planes, 1, 1});
    return rows;
}

}  // namespace

InputPlaces::InputPlaces(const Shape& s) {
    const int64_t steps = std::max<int64_t>(s.steps, 1);
    tokens = 0;
    rope = tokens + s.N * steps;
    pos = rope + s.N * s.planes * steps;
    seq = pos + s.B * steps;
    first = seq + s.B * steps;
    len = first + s.B;
    slot = len + s.B;
    logits = slot + s.B;
    end = logits + s.logits;
    stride = s.B;
}

void Forward::build(Graph& graph, const Shape& s) const { s.steps ? build_draft(graph, s) : build_call(graph, s); }

void Forward::build(const Shapes& shapes, std::span<Lane> lanes, const Graph::Sink& sink) const {
    std::vector<ops::Call> prompt, exact;
    const auto list = [&](const std::optional<Shape>& shape, Lane& lane, std::vector<ops::Call>& calls) {
        if (!shape) return;
        Graph graph(lane, [&](const ops::Call& call) { calls.push_back(call); }, shape->prefill);
        build(graph, *shape);
    };
    list(shapes.prompt, lanes.back(), prompt);
    list(shapes.exact, lanes.front(), exact);
    for (size_t i = 0; i < std::max(prompt.size(), exact.size()); ++i) {
        if (i < prompt.size()) sink(prompt[i]);
        if (i < exact.size()) sink(exact[i]);
    }
}

void Forward::head(Graph& graph, const Shape& s, const Tensor& hidden, const Tensor& matrix,
                   const Tensor& chosen) const {
    const Tensor logits = graph.project("logits", matrix, hidden);
    const int64_t k = s.steps ? 1 : top, rows = hidden.ne[1];
    const Tensor ids = s.steps ? chosen : graph.scratch("top_ids", {k, rows, 1, 1}, Type::i32);
    Tensor share = graph.scratch("top_shares", {k, rows * std::max<int64_t>(s.steps, 1), 1, 1});
    if (s.steps) share.offset += chosen.offset, share.ne[1] = rows;
    graph.add("TOP_K", {{"logits", logits}, {"ids", ids}, {"prob", share}});
}

void Forward::build_call(Graph& graph, const Shape& s) const {
    const InputPlaces at(s);
    const Rows rows = rows_at(graph, s, at, 0);
    const Layers layers{graph, geometry, pools};
    const Tensor embedding = graph.scratch("embedding", {geometry.width, s.N, 1, 1});
    if (!s.embeddings)
        graph.add("GET_ROWS",
                  {{"table", weights.embed}, {"ids", graph.input(at.tokens, {s.N, 1, 1, 1})}, {"out", embedding}});

    Tensor x = embedding;
    size_t recurrent = 0, attention = 0;
    for (const Block& block : weights.blocks)
        x = block.recurrent ? layers.recurrent(block, pools.recurrent[recurrent++], rows, x)
                            : layers.attention(block, pools.kv[attention++], rows, x);
    Tensor hidden = graph.normed("hidden", x, weights.norm, geometry.eps);
    Tensor matrix = weights.head;
    if (s.mtp || s.mtp_logits) {
        const Mtp& mtp = *weights.mtp;
        Tensor own = embedding;
        if (mtp.own_embed && !s.embeddings) {
            own = graph.scratch("mtp_embedding", embedding.ne);
            graph.add("GET_ROWS",
                      {{"table", mtp.embed}, {"ids", graph.input(at.tokens, {s.N, 1, 1, 1})}, {"out", own}});
        }
        x = layers.merged(mtp, weights.shift, rows, own, hidden);
        if (!s.mtp_logits) {
            layers.keys_and_values(mtp.block, pools.kv.back(), rows, x);
        } else {
            hidden = graph.normed("hidden", layers.attention(mtp.block, pools.kv.back(), rows, x), mtp.norm,
                                  geometry.eps);
            matrix = mtp.head;
        }
    }
    if (s.logits == 0) return;
    if (!s.all_rows) {
        const Tensor chosen = graph.scratch("chosen", {geometry.width, s.logits, 1, 1});
        graph.add("GET_ROWS",
                  {{"table", hidden}, {"ids", graph.input(at.logits, {s.logits, 1, 1, 1})}, {"out", chosen}});
        hidden = chosen;
    }
    head(graph, s, hidden, matrix, {});
}

void Forward::build_draft(Graph& graph, const Shape& s) const {
    const InputPlaces at(s);
    const Layers layers{graph, geometry, pools};
    const Mtp& mtp = *weights.mtp;
    const Tensor all_ids = graph.scratch("draft_ids", {1, s.B * s.steps, 1, 1}, Type::i32);
    const Tensor embedding = graph.scratch("embedding", {geometry.width, s.B, 1, 1});
    Tensor matrix = mtp.head;
    if (draft_vocab > 0) matrix.ne[1] = draft_vocab;
    Tensor ids, hidden;
    for (int64_t step = 0; step < s.steps; ++step) {
        const Rows rows = rows_at(graph, s, at, step);
        if (step <= s.forced) ids = graph.input(at.tokens + step * s.B, {s.B, 1, 1, 1});
        graph.add("GET_ROWS", {{"table", mtp.embed}, {"ids", ids}, {"out", embedding}});
        // What is kept as the hidden row of this position is overwritten by the call that verifies it.
        Tensor x = step == 0 ? layers.merged(mtp, weights.shift, rows, embedding, embedding)
                             : layers.merged_with(mtp, embedding, hidden);
        x = layers.attention(mtp.block, pools.kv.back(), rows, x);
        hidden = graph.normed("hidden", x, mtp.norm, geometry.eps);
        if (step < s.forced) continue;
        Tensor chosen = all_ids;
        chosen.offset += uint64_t(step * s.B) * 4, chosen.ne[1] = s.B;
        head(graph, s, hidden, matrix, chosen);
        ids = reshaped(chosen, {s.B, 1, 1, 1});
    }
}

}  // namespace rw::model
