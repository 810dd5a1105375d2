// The table of what a model takes is what it takes: held against what the device counts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/model/plan_cache.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using model::StateForm;
using model::total;

uint64_t of(const model::Ledger& ledger, const char* purpose) {
    const auto found = ledger.find(purpose);
    return found == ledger.end() ? 0 : found->second;
}

/// Most bytes that a device adds to a buffer: host memory comes in cache lines with one to spare, Vulkan's drivers ask for
/// an alignment.
uint64_t rounding(const std::string& device) {
    return device.starts_with("cpu") ? 127 : device.starts_with("vulkan") ? 255 : 0;
}

/// What the device counts is the table without the file's mapping, with the plans that there are instead of those that
/// there may be.
void expect_taken(const model::Context& c, const char* when) {
    const model::Ledger& table = c.ledger();
    const uint64_t taken = c.device().taken(), tensors = total(table) - of(table, "mapped weights") - of(table, "plans"),
                   rounded = rounding(c.device().info().id) * (c.buffers() + c.plans() + 2 * size_t(c.options().pools.sequences));
    EXPECT_GE(taken, tensors + c.plan_bytes()) << when;
    EXPECT_LE(taken, tensors + c.plan_bytes() + rounded) << when;
    EXPECT_LE(c.plan_bytes(), of(table, "plans")) << when;
}

/// Calls of many shapes: prompts of all kinds of lengths, exact calls of one sequence and of several, both in one plan,
/// drafts. Returns what they found most probable.
std::vector<int32_t> use(model::Context& c) {
    std::vector<int32_t> found;
    const model::Options& o = c.options();
    std::vector<sequence::SequenceState> states;
    for (int64_t s = 0; s < o.pools.sequences; ++s) states.emplace_back(c);
    for (const size_t n : {1, 3, 4, 5, 9, 17, 31, 47, 48, 64}) {
        const auto tokens = some_tokens(n, n);
        states[0].reset();
        c.run({states[0].part(tokens)}, {.prefill = true, .rows = {int32_t(n) - 1}, .mtp = c.has_mtp()});
        states[0].advance(int64_t(n), c.has_mtp());
        found.push_back(c.candidates(0).front().token);
        expect_taken(c, "a prompt");
    }
    for (size_t B = 1; B <= states.size(); ++B)
        for (size_t longest = 1; longest <= size_t(o.pools.most_exact); ++longest) {
            const auto tokens = some_tokens(longest, 3);
            std::vector<model::Part> parts;
            std::vector<int32_t> rows;
            for (size_t b = 0; b < B; ++b) parts.push_back(states[b].part(std::span(tokens).first(b ? longest : 1)));
            for (size_t r = 0; r < 1 + (B - 1) * longest; ++r) rows.push_back(int32_t(r));
            c.run(parts, {.rows = rows, .mtp = c.has_mtp()});
            for (size_t b = 0; b < B; ++b) states[b].advance(b ? int64_t(longest) : 1, c.has_mtp());
            for (size_t r = 0; r < rows.size(); ++r) found.push_back(c.candidates(r).front().token);
            expect_taken(c, "an exact call");
        }
    for (const size_t n : {1, 5, 64, 1, 5, 64}) {  // recorded when they come for the second time
        if (!c.joins()) break;
        const auto tokens = some_tokens(n, n);
        const bool mtp = c.has_mtp();
        model::Call prompt{{states[0].part(tokens)},
                           {.prefill = true, .rows = {int32_t(n) - 1}, .mtp = mtp, .mtp_logits = mtp}};
        model::Call exact{{}, {.mtp = mtp, .mtp_logits = mtp}};
        int32_t rows = 0;
        for (size_t b = 1; b < states.size(); ++b) {
            exact.parts.push_back(states[b].part(std::span(tokens).first(std::min(n, size_t(o.pools.most_exact)))));
            for (size_t t = 0; t < exact.parts.back().tokens.size(); ++t) exact.wanted.rows.push_back(rows++);
        }
        c.run(prompt, exact);
        states[0].advance(int64_t(n), mtp);
        for (size_t b = 1; b < states.size(); ++b) states[b].advance(int64_t(exact.parts[b - 1].tokens.size()), mtp);
        for (size_t r = 0; r <= size_t(rows); ++r) found.push_back(c.candidates(r).front().token);
        expect_taken(c, "both in one plan");
    }
    for (int steps = 1; c.has_mtp() && steps < o.pools.most_exact; ++steps) {
        const std::vector<int32_t> last{5};
        for (const auto& step : c.draft({states[0].part(last)}, {steps})) found.push_back(step.front().token);
        expect_taken(c, "a draft");
    }
    return found;
}

class MemoryTable : public Runtime {};

TEST_P(MemoryTable, IsWhatTheDeviceCounts) {
    gguf::Recipe quantised, experts;
    quantised.type = gguf::TensorType::q8_0, experts.architecture = "qwen35moe";
    const std::tuple<const char*, gguf::Recipe, StateForm> cases[] = {{"model", {}, StateForm::ring},
                                                                      {"model", {}, StateForm::snapshots},
                                                                      {"model", {}, StateForm::checkpoint},
                                                                      {"model-q8_0", quantised, StateForm::ring},
                                                                      {"model-moe", experts, StateForm::snapshots}};
    for (const auto& [name, recipe, form] : cases) {
        model::Options o;
        o.pools.form = form, o.pools.sequences = 3, o.pools.most_exact = 4, o.top = 3;
        const auto c = context(o, recipe, name);
        EXPECT_EQ(c->plans(), 0u);
        expect_taken(*c, "before anything runs");
        EXPECT_EQ(c->ledger(), model::Context::measure(c->model(), device(), c->options()));
        use(*c);
        EXPECT_GT(c->plans(), 15u);
    }
}

/// Two calls in one plan have scratch each, and the largest plan holds both: counted before anything is loaded, and
/// only where there can be two.
TEST_P(MemoryTable, RoomForTwoCallsInOnePlanIsCounted) {
    const auto m = random_model();
    const auto d = device();
    const auto measured = [&](int64_t sequences, bool joint) {
        model::Options o;
        o.pools.context = 256, o.chunk = 64, o.plans = 1;  // byte: the largest alone
        o.pools.sequences = sequences, o.pools.most_exact = 2, o.joint = joint;
        return model::Context::measure(*m, d, o);
    };
    EXPECT_EQ(measured(1, true), measured(1, false));
    const model::Ledger joint = measured(4, true), apart = measured(4, false);
    EXPECT_GT(of(joint, "scratch"), of(apart, "scratch"));
    EXPECT_GT(of(joint, "plans"), of(apart, "plans"));
    EXPECT_LE(of(joint, "plans"), 2 * of(apart, "plans"));
    for (const auto& [purpose, bytes] : apart)
        EXPECT_TRUE(purpose == "scratch" || purpose == "plans" || of(joint, purpose.c_str()) == bytes) << purpose;
}

TEST_P(MemoryTable, PlansMakeRoomForOneAnother) {
    model::Options o;
    o.pools.sequences = 3, o.pools.most_exact = 4;
    const auto plenty = context(o);
    const std::vector<int32_t> found = use(*plenty);
    o.plans = 1;  // bytes: room for the largest plan alone
    const auto one = context(o);
    const uint64_t largest = of(one->ledger(), "plans");
    EXPECT_LT(largest, plenty->plan_bytes() / 4);
    EXPECT_EQ(use(*one), found);
    EXPECT_GE(one->plans(), 1u);
    o.plans = 3 * largest;
    const auto few = context(o);
    EXPECT_EQ(use(*few), found);
    EXPECT_GE(few->plans(), 3u);
    EXPECT_LT(few->plans(), plenty->plans());
}

TEST_P(MemoryTable, WhatDoesNotFitIsRefusedBeforeAnythingIsTaken) {
    const auto d = device();
    model::Options o;
    o.pools.context = 256, o.chunk = 64;
    const auto refusal = [&] {
        try {
            model::Context refused(random_model(), d, o);
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::out_of_memory);
            EXPECT_EQ(d->taken(), 0u);
            return std::string(e.what());
        }
        return std::string();
    };
    const model::Ledger table = model::Context::measure(*random_model(), d, o);
    EXPECT_EQ(d->taken(), 0u);
    o.budget = total(table);
    EXPECT_EQ(model::Context(random_model(), d, o).ledger(), table);
    EXPECT_EQ(d->taken(), 0u);
    --o.budget;
    const std::string why = refusal();
    for (const auto& [purpose, bytes] : table) EXPECT_NE(why.find(purpose), std::string::npos) << why;
    EXPECT_NE(why.find("what would fit: a context of 255 positions"), std::string::npos) << why;
    o.pools.context = 255;
    EXPECT_EQ(refusal(), "");
}

/// What is advised does fit, and a little more does not: what kernels work in is counted as for what was asked.
TEST_P(MemoryTable, ARefusalSaysWhatWouldFit) {
    const auto m = random_model();
    const auto d = device();
    model::Options asked;
    asked.pools.context = 512, asked.pools.sequences = 8, asked.pools.most_exact = 4, asked.chunk = 64;
    const auto refusal = [&](model::Options o, uint64_t budget) {
        o.budget = budget;
        try {
            model::Context refused(m, d, o);
        } catch (const Error& e) {
            EXPECT_EQ(e.status, Status::out_of_memory);
            return std::string(e.what());
        }
        ADD_FAILURE() << "it fits";
        return std::string();
    };
    const auto takes = [&](const model::Options& o) { return total(model::Context::measure(*m, d, o)); };
    const auto has = [](const std::string& why, const std::string& text) {
        EXPECT_NE(why.find(text), std::string::npos) << text << " is not in: " << why;
    };
    const auto number = [](const std::string& why, const std::string& before) {
        const size_t at = why.find(before);
        EXPECT_NE(at, std::string::npos) << before << " is not in: " << why;
        return at == std::string::npos ? 0 : std::stoll(why.substr(at + before.size()));
    };
    model::Options with = asked;
    with.pools.kv = Type::q8_0;
    const uint64_t budget = takes(with);
    const std::string some = refusal(asked, budget);
    has(some, fmt::format("; or a q8_0 KV cache ({:.1f} MiB)", double(budget) / (1 << 20)));
    has(some, "; or no MTP block (");
    for (const auto& [text, set] : std::initializer_list<std::pair<const char*, void (*)(model::Options&, int64_t)>>{
             {"what would fit: a context of ", [](model::Options& o, int64_t n) { o.pools.context = n; }},
             {" MiB); or ", [](model::Options& o, int64_t n) { o.pools.sequences = n; }}}) {
        const int64_t n = number(some, text);
        model::Options most = asked;
        set(most, n);
        EXPECT_GE(n, 1);
        EXPECT_LE(takes(most), budget) << text << n;
        const int64_t more = n + 1 + n / 10;
        set(most, more);
        EXPECT_GT(takes(most), budget) << text << more;
    }
    const model::Ledger table = model::Context::measure(*m, d, asked);
    const uint64_t weights = of(table, "weights") + of(table, "mapped weights");
    const std::string none = refusal(asked, weights - 1);
    has(none, fmt::format("the weights alone are {:.1f} MiB; nothing would fit", double(weights) / (1 << 20)));
    model::Options least = asked;
    least.mtp = false, least.pools.sequences = 1, least.pools.most_exact = 1, least.chunk = 32;
    least.pools.kv = Type::q8_0, least.pools.form = StateForm::snapshots, least.pools.context = 100;
    const uint64_t little = takes(least);
    const std::string all = refusal(asked, little);
    has(all, "what would fit, all together: one sequence without drafts");
    has(all, "a q8_0 KV cache and a context of 100 (");
    has(refusal(least, little - 1), "what would fit: a context of 99 positions");
}

/// In ring form a longer draft costs rows and, every W tokens, a base; never a state a token.
TEST(RingBytes, AreWhatTheFormulaSays) {
    const auto m = random_model();
    const gguf::Geometry& g = m->geometry();
    const uint64_t state = uint64_t(g.state) * g.state * g.v_heads, C = g.conv_width();
    const uint64_t row = uint64_t(g.state) * (g.k_heads + g.v_heads) + g.v_heads;
    const auto measured = [&](StateForm form, int64_t n_max, const char* purpose) {
        model::Options o;
        o.pools.context = 256, o.chunk = 32, o.pools.form = form, o.pools.most_exact = n_max + 1;
        return of(model::Context::measure(*m, core::open("cpu"), o), purpose);
    };
    uint64_t layers = 0;
    for (uint32_t i = 0; i < g.trunk(); ++i) layers += g.recurrent[i];
    ASSERT_GT(layers, 0u);
    for (const int64_t n_max : {1, 3, 15, 16, 31, 32, 63, 64}) {
        const uint64_t bases = 1 + uint64_t(n_max + 1 + 15) / 16, rows = 16 * bases;
        EXPECT_EQ(measured(StateForm::ring, n_max, "recurrent state"),
                  4 * layers * (state * bases + row * rows + C * (rows + g.conv - 2)))
            << n_max;
        EXPECT_EQ(measured(StateForm::ring, n_max, "mtp hidden rows"), 4 * uint64_t(g.width) * (rows + 1)) << n_max;
        EXPECT_EQ(measured(StateForm::ring, n_max, "mtp kv cache"), measured(StateForm::ring, 1, "mtp kv cache"));
        EXPECT_EQ(measured(StateForm::snapshots, n_max, "recurrent state"),
                  4 * layers * (state + C * (g.conv - 1)) * uint64_t(n_max + 1));
        EXPECT_EQ(measured(StateForm::checkpoint, n_max, "recurrent state"), 4 * layers * (state + C * (g.conv - 1)) * 2);
    }
}

INSTANTIATE_TEST_SUITE_P(Devices, MemoryTable, testing::ValuesIn(device_ids()), device_name);

TEST(PlanCache, TheOneUsedLongestAgoGoesFirst) {
    model::PlanCache<int, int> cache(100);
    const auto put = [&](int key, uint64_t bytes) { cache.put(key, std::make_unique<int>(key), bytes); };
    put(1, 40), put(2, 40), put(3, 20);
    EXPECT_EQ(cache.bytes(), 100u);
    ASSERT_NE(cache.find(1), nullptr);
    EXPECT_EQ(*cache.find(1), 1);
    put(4, 30);  // in the place of 2, which was put before 3 and not used since
    EXPECT_EQ(cache.find(2), nullptr);
    EXPECT_EQ(cache.size(), 3u);
    EXPECT_EQ(cache.bytes(), 90u);
    put(5, 11);  // 3 goes: 1 was used since
    EXPECT_EQ(cache.find(3), nullptr);
    EXPECT_NE(cache.find(1), nullptr);
    put(6, 1000);  // as large as it likes, alone
    EXPECT_EQ(cache.size(), 1u);
    ASSERT_NE(cache.find(6), nullptr);
    put(7, 100);
    EXPECT_EQ(cache.find(6), nullptr);
    EXPECT_EQ(cache.bytes(), 100u);
}

}  // namespace
}  // namespace rw::test
