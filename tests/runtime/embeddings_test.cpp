// Input as vectors instead of tokens, as a picture's are: the same rows give the same bits everywhere.
#include <cmath>

#include "runtime/sequence/sequence_state.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

/// Everything that a sequence has.
std::vector<std::byte> live_bytes(const sequence::SequenceState& state) {
    std::vector<std::byte> all;
    for (const auto& piece : state.live_all()) {
        const size_t at = all.size();
        all.resize(at + piece.bytes);
        piece.buffer->read(piece.offset, all.data() + at, piece.bytes);
    }
    return all;
}

TEST_P(Runtime, EmbeddingsAreWhatTheirTokensAre) {
    const auto model = random_model();
    const size_t width = model->geometry().width;
    const auto raw = model->file().bytes(model->file().tensor("token_embd.weight"));  // f32
    const std::span<const float> table(reinterpret_cast<const float*>(raw.data()), raw.size() / sizeof(float));
    const std::vector<int32_t> tokens = some_tokens(30, 7);
    std::vector<float> rows;
    for (const int32_t t : tokens) rows.insert(rows.end(), &table[size_t(t) * width], &table[size_t(t) * width] + width);
    const auto place = [](size_t plane, int32_t i) {  // ten words, and then a picture of four by five
        return i < 10 ? i : plane == 0 ? 10 : plane == 1 ? 10 + (i - 10) / 5 : 10 + (i - 10) % 5;
    };
    for (const auto form : {model::StateForm::ring, model::StateForm::snapshots}) {
        model::Options o;
        o.pools.form = form, o.pools.sequences = 2, o.pools.most_exact = 5, o.pools.context = 256;
        const auto c = context(o);
        for (const bool picture : {false, true})
            for (const bool prefill : {false, true}) {
                sequence::SequenceState words(*c), vectors(*c);
                std::vector<float> logits[2];
                std::vector<std::vector<model::Candidate>> drafts[2];
                for (const bool embedded : {false, true}) {
                    sequence::SequenceState& s = embedded ? vectors : words;
                    for (size_t at = 0, n = 0; at < tokens.size(); at += n) {
                        n = prefill ? tokens.size() : std::min<size_t>(5, tokens.size() - at);
                        model::Part p = s.part(std::span(tokens).subspan(at, n));
                        if (embedded) p.tokens = {}, p.embeddings = std::span(rows).subspan(at * width, n * width);
                        std::vector<int32_t> rope;
                        for (size_t plane = 0; plane < 3 && picture; ++plane)
                            for (size_t i = at; i < at + n; ++i) rope.push_back(place(plane, int32_t(i)));
                        p.rope = rope;
                        c->run({p}, {.prefill = prefill, .rows = {int32_t(n) - 1}, .mtp = true});
                        s.advance(int64_t(n), true);
                    }
                    logits[embedded] = c->logits(0);
                    const std::vector<int32_t> next{5};
                    drafts[embedded] = c->draft({s.part(next)}, {4});
                }
                EXPECT_EQ(logits[0], logits[1]);
                EXPECT_EQ(live_bytes(words), live_bytes(vectors));
                for (size_t i = 0; i < 4; ++i) EXPECT_EQ(drafts[0][i][0].token, drafts[1][i][0].token);
            }
    }
}

TEST_P(Runtime, BadVectorsAndPlacesAreRefusedAndChangeNothing) {
    model::Options o;
    o.pools.most_exact = 4;
    const auto c = context(o);
    const auto width = size_t(c->geometry().width);
    const auto tokens = some_tokens(8, 3);
    sequence::SequenceState state(*c);
    c->run({state.part(std::span(tokens).first(3))}, {.mtp = true});
    state.advance(3, true);
    const std::vector<std::byte> before = live_bytes(state);
    const auto refused = [&](std::span<const int32_t> words, std::vector<float> vectors, std::vector<int32_t> rope,
                             Status status, bool drafted = false) {
        model::Part part = state.part(words);
        part.embeddings = vectors, part.rope = rope;
        try {
            if (drafted) c->draft({part}, {2});
            else c->run({part}, {});
            ADD_FAILURE();
        } catch (const Error& e) {
            EXPECT_EQ(e.status, status) << e.what();
        }
        EXPECT_EQ(live_bytes(state), before);
    };
    const std::span<const int32_t> none, one = std::span(tokens).first(1), two = std::span(tokens).first(2);
    const auto row = [&](float x) { return std::vector<float>(width, x); };
    refused(one, row(1), {}, Status::invalid_argument);  // which of them?
    refused(none, std::vector<float>(width + 1, 1.f), {}, Status::invalid_argument);
    refused(none, row(NAN), {}, Status::invalid_argument);
    refused(none, row(-INFINITY), {}, Status::invalid_argument);
    refused(two, {}, {1, 2, 3}, Status::invalid_argument);
    refused(two, {}, {3, 4, 3, 4, 3, -1}, Status::range);
    refused(one, {}, {3}, Status::invalid_argument, true);
    refused(one, {}, {3, 3, 4}, Status::invalid_argument, true);
    refused(one, row(1), {}, Status::invalid_argument, true);
    refused(none, row(1), {}, Status::invalid_argument, true);
    refused(two, {}, {}, Status::invalid_argument, true);
}

}  // namespace
}  // namespace rw::test
