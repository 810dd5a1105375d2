// Input as vectors instead of tokens, as a picture's are: the same rows give the same bits everywhere.
#include <unistd.h>

#include <cmath>

#include "runtime/sample/random.h"
#include "runtime/sequence/save.h"
#include "runtime/spec/generator.h"
#include "runtime/spec/mtp_drafter.h"
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

/// Ten words, a picture of four rows of five, and words again, which go on behind the greatest number of the picture.
class Picture {
public:
    explicit Picture(const model::Model& model) : width_(model.geometry().width) {
        for (int i = 0; i < 20; ++i)
            for (size_t j = 0; j < width_; ++j) vectors_.push_back(float(sample::uniform(3, uint32_t(i), int64_t(j)) - 0.5));
        for (int32_t i = 0; i < 30 + words_behind; ++i) {
            if (i < 10) rope_.push_back({i, i, i});
            else if (i < 30) rope_.push_back({10, 10 + (i - 10) / 5, 10 + (i - 10) % 5});
            else rope_.push_back({i - 15, i - 15, i - 15});
        }
    }
    /// Runs positions [at, at + n) of one kind; by_hand: words too with all of their rotary positions.
    void run(sequence::SequenceState& state, size_t n, bool prefill, bool by_hand = false) const {
        const auto at = size_t(state.pos());
        const bool picture = at >= 10 && at < 30;
        model::Part part = picture ? state.part({}) : state.part(std::span(words_).subspan(at, n));
        if (picture) part.embeddings = std::span(vectors_).subspan((at - 10) * width_, n * width_);
        std::vector<int32_t> rope;
        for (size_t plane = 0; plane < 3; ++plane)
            for (size_t i = at; i < at + n; ++i) rope.push_back(rope_[i][plane]);
        if (by_hand) part.shift = 0;
        if (picture || by_hand) part.rope = rope;
        state.context().run({part}, {.prefill = prefill, .rows = {int32_t(n) - 1}, .mtp = true});
        state.advance(int64_t(n), true);
    }
    /// Up to `end` in exact calls of three at most.
    void run_to(sequence::SequenceState& state, int64_t end, bool by_hand = false) const {
        while (state.pos() < end) {
            const int64_t stop = std::min(end, state.pos() < 10 ? 10 : state.pos() < 30 ? 30 : end);
            run(state, size_t(std::min<int64_t>(3, stop - state.pos())), false, by_hand);
        }
    }
    void set_words(std::span<const int32_t> behind) { std::copy(behind.begin(), behind.end(), words_.begin() + 37); }

    static constexpr int32_t words_behind = 40;

private:
    size_t width_;
    std::vector<float> vectors_;
    std::vector<std::array<int32_t, 3>> rope_;
    std::vector<int32_t> words_ = some_tokens(30 + words_behind, 7);
};

const std::string saved_path =
    (std::filesystem::temp_directory_path() / ("rewind-picture-" + std::to_string(getpid()))).string();

model::Options picture_options(model::StateForm form) {
    model::Options o;
    o.pools.form = form, o.pools.sequences = 5, o.pools.most_exact = 4, o.pools.context = 256;
    return o;
}

TEST_P(Runtime, TextBehindAPictureIsTheSameWithDrafts) {
    for (const auto form : {model::StateForm::ring, model::StateForm::snapshots, model::StateForm::checkpoint}) {
        const auto c = context(picture_options(form));
        Picture picture(c->model());
        sequence::SequenceState state(*c), hand(*c);
        for (const size_t n : {10, 12, 8, 7}) picture.run(state, n, true), picture.run(hand, n, true, true);
        EXPECT_EQ(state.rope_shift(), -15);
        EXPECT_EQ(live_bytes(state), live_bytes(hand));
        const int32_t first = c->candidates(0).front().token;
        sequence::save(state, std::vector<int32_t>(38), saved_path);

        const int64_t most = form == model::StateForm::ring ? 21 : 9;
        const auto text = [&](sequence::SequenceState from, int n_max) {
            spec::MtpDrafter drafter(*c);
            spec::Generator generator(*c, &drafter);
            const spec::Generation& g = generator.resume(std::move(from), first, {.most_tokens = most, .n_max = n_max});
            while (generator.round()) {
            }
            EXPECT_EQ(g.counts.drafted > 0, n_max > 0);
            EXPECT_EQ(g.state.rope_shift(), -15);
            return std::pair(g.text, g.state.hash());
        };
        const auto expected = text(state.fork(), 0);
        EXPECT_EQ(int64_t(expected.first.size()), most);
        EXPECT_EQ(text(state.fork(), 3), expected);
        EXPECT_EQ(text(sequence::load(*c, saved_path).state, 3), expected);
        EXPECT_EQ(text(state.fork().fork(), 2), expected);

        picture.set_words(expected.first);
        const std::vector<int32_t> next{first}, places(3, 22);
        model::Part alike = hand.part(next);
        alike.shift = 0, alike.rope = places;
        const auto chain = c->draft({state.part(next)}, {3}), by_hand = c->draft({alike}, {3});
        for (size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(chain[i][0].token, by_hand[i][0].token);
            EXPECT_EQ(chain[i][0].probability, by_hand[i][0].probability);
        }
        for (size_t i = 1; i < expected.first.size(); ++i) {
            picture.run(hand, 1, false, true);
            EXPECT_EQ(c->candidates(0).front().token, expected.first[i]) << i;
        }
        EXPECT_EQ(hand.hash(), expected.second);
    }
    std::filesystem::remove(saved_path);
}

TEST_P(Runtime, GoingBackIntoAPictureKnowsWhereItWas) {
    const auto c = context(picture_options(model::StateForm::ring));
    const Picture picture(c->model());
    sequence::SequenceState straight(*c);
    picture.run_to(straight, 40);
    EXPECT_EQ(straight.rope_shift(), -15);
    for (const auto& [pos, shift] : std::initializer_list<std::pair<int64_t, int64_t>>{
             {36, -15}, {30, -15}, {25, -10}, {20, -5}, {17, -2}, {16, -1}}) {  // 15 is next behind any of its rows
        sequence::SequenceState state(*c);
        picture.run_to(state, 37);
        state.rollback(pos);
        EXPECT_EQ(state.rope_shift(), shift) << pos;
        sequence::save(state, std::vector<int32_t>(size_t(pos)), saved_path);
        auto loaded = sequence::load(*c, saved_path);
        auto fork = state.fork();
        for (sequence::SequenceState* s : {&state, &fork, &loaded.state}) {
            picture.run_to(*s, 40);
            EXPECT_EQ(live_bytes(*s), live_bytes(straight)) << pos;
            EXPECT_EQ(s->rope_shift(), -15);
        }
    }
    sequence::SequenceState plain(*c);
    picture.run(plain, 3, false);
    EXPECT_TRUE(plain.turns().empty());
    straight.reset();
    EXPECT_EQ(straight.rope_shift(), 0);
    std::filesystem::remove(saved_path);
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
                             Status status, bool drafted = false, int64_t shift = 0) {
        model::Part part = state.part(words);
        part.embeddings = vectors, part.rope = rope, part.shift = shift;
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
    refused(two, {}, {}, Status::range, false, -4);
    refused(two, {}, {}, Status::range, false, INT64_MAX);
    refused(one, {}, {3}, Status::invalid_argument, true);
    refused(one, {}, {3, 3, 4}, Status::invalid_argument, true);
    refused(one, row(1), {}, Status::invalid_argument, true);
    refused(none, row(1), {}, Status::invalid_argument, true);
    refused(std::span(tokens).first(3), {}, {}, Status::invalid_argument, true);  // no step is left for a guess
}

}  // namespace
}  // namespace rw::test
