// A prompt's call and an exact one side by side in one plan leave what they leave one after the other, bit for bit.
#include "tests/runtime/sequence_fixture.h"

namespace rw::test {
namespace {

/// All that came of calls: logits, hidden rows, most probable tokens, and what the sequences had after each.
struct Seen {
    Rows rows{};
    std::vector<std::pair<int32_t, float>> best{};
    std::vector<std::byte> live{};
    bool operator==(const Seen&) const = default;

    void read(const model::Context& c, size_t rows_wanted, size_t from = 0) {
        for (size_t i = from; i < from + rows_wanted; ++i) {
            rows.push_back(c.logits(i)), rows.push_back(c.hidden(i));
            for (const auto& [token, probability] : c.candidates(i)) best.emplace_back(token, probability);
        }
    }
    void read(const SequenceState& state) {
        for (const SequenceState::Piece& piece : state.live_all()) {
            live.resize(live.size() + piece.bytes);
            piece.buffer->read(piece.offset, live.data() + live.size() - piece.bytes, piece.bytes);
        }
    }
};

/// A prompt of six calls, words and a picture, while two others decode and go back.
Seen seen(model::Context& c, bool together, bool mtp) {
    Seen all;
    SequenceState prompt(c), a(c), b(c);
    const auto text = some_tokens(96, 3), others = some_tokens(60, 4);
    const auto width = size_t(c.geometry().width);
    std::vector<float> picture(16 * width);
    for (size_t i = 0; i < picture.size(); ++i) picture[i] = float(int(i * 37 % 101) - 50) / 50;
    std::vector<int32_t> rope(3 * 16);
    for (size_t i = 0; i < rope.size(); ++i) rope[i] = int32_t(32 + (i < 16 ? 0 : i % 4));
    for (SequenceState* s : {&a, &b}) {
        const size_t n = s == &a ? 9 : 16;
        c.run({s->part(std::span(others).first(n))}, {.prefill = true, .mtp = mtp});
        s->advance(int64_t(n), mtp);
    }
    for (size_t k = 0; k < 6; ++k) {
        const bool shows = k == 2 && !mtp;
        const size_t of_a = 1 + k % 4, of_b = 4 - k % 3;
        model::Call taken{{prompt.part(std::span(text).subspan(16 * k, shows ? 0 : 16))},
                          {.prefill = true, .mtp = mtp}};
        if (shows) taken.parts[0].embeddings = picture, taken.parts[0].rope = rope;
        if (k % 2) taken.wanted.rows = {15};
        model::Call verified{{a.part(std::span(others).subspan(9 + 4 * k, of_a)),
                              b.part(std::span(others).subspan(4 * k, of_b))},
                             {.mtp = mtp}};
        for (size_t r = 0; r < of_a + of_b; ++r) verified.wanted.rows.push_back(int32_t(r));
        if (together) {
            c.run(taken, verified);
            all.read(c, of_a + of_b + taken.wanted.rows.size());
            EXPECT_THROW(c.logits(of_a + of_b + taken.wanted.rows.size()), Error);
        } else {
            c.run(verified.parts, verified.wanted);
            all.read(c, of_a + of_b);
            c.run(taken.parts, taken.wanted);
            all.read(c, taken.wanted.rows.size());
        }
        EXPECT_TRUE(c.ran_prompt(prompt.row()) && !c.ran_prompt(a.row()));
        prompt.advance(16, mtp), a.advance(int64_t(of_a), mtp), b.advance(int64_t(of_b), mtp);
        a.rollback(a.pos() - int64_t(of_a) / 2), b.rollback(b.pos() - int64_t(of_b) / 2);
        for (const SequenceState* s : {&prompt, &a, &b}) all.read(*s);
        EXPECT_FALSE(shows && prompt.rope_shift() == 0);
    }
    return all;
}

void check_joined(model::Context& c, bool mtp, const Seen& expected) {
    EXPECT_TRUE(seen(c, false, mtp) == expected);
    const size_t alone = c.plans();
    EXPECT_TRUE(seen(c, true, mtp) == expected);
    EXPECT_EQ(c.plans(), alone) << "what meets once is not recorded";
    EXPECT_TRUE(seen(c, true, mtp) == expected);
    EXPECT_EQ(c.plans(), alone + 6);
    EXPECT_TRUE(seen(c, true, mtp) == expected);
    EXPECT_EQ(c.plans(), alone + 6);
}

TEST_P(Runtime, SideBySideIsOneAfterTheOther) {
    for (const auto& [form, cache] : forms_and_caches)
        for (const bool mtp : {false, true}) {
            SCOPED_TRACE(int(form) * 2 + mtp);
            model::Options o = options(form, 3, 4, cache);
            o.chunk = 16, o.top = 3, o.mtp = mtp;
            const auto joint = context(o);
            EXPECT_TRUE(joint->joins());
            o.joint = false;
            const auto apart = context(o);
            EXPECT_FALSE(apart->joins());
            const Seen expected = seen(*apart, false, mtp);
            EXPECT_FALSE(expected.live.empty());
            check_joined(*joint, mtp, expected);
        }
}

TEST_P(Runtime, SideBySideWithExperts) {
    gguf::Recipe experts;
    experts.architecture = "qwen35moe";
    model::Options o = options(StateForm::ring, 3);
    o.chunk = 16;
    const auto c = context(o, experts, "model-moe");
    check_joined(*c, true, seen(*c, false, true));
}

TEST_P(Runtime, TwoCallsThatDoNotGoTogetherAreRefused) {
    model::Options o = options(StateForm::ring, 3);
    o.chunk = 16;
    const auto c = context(o);
    const auto tokens = some_tokens(16, 5);
    SequenceState a(*c), b(*c);
    const Rows before = run_exact(a, std::span(tokens).first(3));
    const uint64_t hash = a.hash();
    const model::Call prompt{{b.part(tokens)}, {.prefill = true}};
    const model::Call exact{{a.part(std::span(tokens).first(2))}, {.rows = {1}}};
    const model::Call same{{b.part(std::span(tokens).first(1))}, {}}, too_long{{a.part(tokens)}, {}}, none{};
    for (const auto& [p, e] : {std::pair(exact, prompt), std::pair(exact, exact), std::pair(prompt, same),
                               std::pair(prompt, too_long), std::pair(prompt, none)}) {
        EXPECT_THROW(c->run(p, e), Error);
        EXPECT_FALSE(c->broke_off());
        EXPECT_EQ(c->logits(2), before[2]) << "a failed check changes nothing";
    }
    EXPECT_EQ(a.hash(), hash);
    o.joint = false;
    const auto apart = context(o);
    SequenceState x(*apart), y(*apart);
    EXPECT_THROW(apart->run({{x.part(tokens)}, {.prefill = true}}, {{y.part(std::span(tokens).first(2))}, {}}), Error);
    o.joint = true, o.pools.sequences = 1;
    EXPECT_FALSE(context(o)->joins()) << "there is nobody else";
}

}  // namespace
}  // namespace rw::test
