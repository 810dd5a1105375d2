// The choice of how much to draft, against made-up devices whose costs and acceptance are known
// (tools/controller_suite).
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/spec/company.h"
#include "runtime/spec/generator.h"
#include "tests/runtime/runtime_fixture.h"
#include "tools/controller_suite.h"

namespace rw::test {
namespace {

TEST(Controller, IsNearTheBestFixedSetting) {
    for (const tools::Regret& r : tools::controller_regrets(4000, 3, 1)) {
        std::printf("%-28s best n %2d p %.1f, regret %6.2f %%, to plain %.3f\n", r.world.c_str(), r.best_n, r.best_p,
                    100 * r.regret, r.to_plain);
        EXPECT_LT(r.regret, 0.03) << r.world;
        EXPECT_GT(r.to_plain, 0.98) << r.world;
    }
}

TEST(Controller, DoesTheSameAgain) { EXPECT_TRUE(tools::controller_repeats()); }

/// What each of these chooses in a round, in which all have the same drafter.
spec::Company chosen(std::vector<spec::Controller>& all, const spec::RoundCosts& costs) {
    std::vector<spec::Member> members;
    for (const spec::Controller& c : all) members.push_back({"it", c.tokens(c.best()), c.drafts(c.best()), c.best()});
    spec::Company company(costs, std::move(members));
    for (size_t s = 0; s < all.size(); ++s) {
        const int n = all[s].choose(costs, company.others_of(s));
        company.change(s, all[s], n, n == all[s].best());
    }
    return company;
}

/// The best of one of `sequences` alike, after many rounds in which half of the tokens stand and rows cost `row` each.
int settled(int sequences, double row) {
    spec::RoundCosts costs;
    std::vector<spec::Controller> all(size_t(sequences), spec::Controller(16));
    for (int i = 0; i < 600; ++i) {
        const spec::Company company = chosen(all, costs);
        int drafts = 0, longest = 0;
        for (size_t s = 0; s < all.size(); ++s) {
            const int n = company[s].asked;
            drafts += n, longest = std::max(longest, n);
            const int accepted = std::min(n, (i + int(s)) % 2 + (i / 2 + int(s)) % 2 * ((i + int(s)) % 2));
            all[s].learn(n, n, accepted);
        }
        if (longest) costs.add_drafting("it", sequences, longest, 0.0002 * longest);
        costs.add_rest(sequences, drafts, 0.01 * (1 + row * (sequences - 1 + drafts)));
    }
    return all.front().best();
}

TEST(Controller, DraftsLessWhereManyAreBusy) {
    EXPECT_GE(settled(1, 0.15), 1);   // 1.5 tokens for 1.17 of the time
    EXPECT_EQ(settled(8, 0.15), 0);   // half a token a row of 0.15, where a token of eight takes 2.05 / 8
    EXPECT_GE(settled(8, 0.005), 1);  // not because there are eight, but because rows are dear
}

TEST(Controller, StaysWithinWhatItIsAllowed) {
    struct {
        int most, least;
    } const cases[] = {{0, 0}, {1, 0}, {7, 0}, {64, 0}, {1, 1}, {7, 3}, {16, 9}, {64, 64}};
    for (const auto& [most, least] : cases)
        for (const bool stands : {true, false}) {
            spec::RoundCosts costs;
            std::vector<spec::Controller> all{spec::Controller(most, least)};
            for (int i = 0; i < 1000; ++i) {  // drafts cost so little that it takes long to be sure that none pay
                const spec::Company company = chosen(all, costs);
                const int n = company[0].asked;
                ASSERT_TRUE(n == 0 || (n >= least && n <= most)) << n;
                costs.add_rest(1, n, 0.01 + 0.0001 * n);
                if (n) costs.add_drafting("it", 1, n, 0.0001 * n);
                all[0].learn(n, n, stands ? n : 0);
            }
            EXPECT_EQ(all[0].best(), stands ? most : 0);
            EXPECT_EQ(all[0].parked_rounds() > 100, most == 0 || !stands) << most << " " << least;
        }
    EXPECT_THROW(spec::Controller(65), Error);
    EXPECT_THROW(spec::Controller(-1), Error);
    EXPECT_THROW(spec::Controller(3, 4), Error);
    EXPECT_THROW(spec::Controller(3, -1), Error);
}

/// The others of each, added up the long way.
TEST(Company, SeesTheOthers) {
    spec::RoundCosts costs;
    for (int i = 0; i < 3; ++i) costs.add_rest(5, 4, 0.02), costs.add_drafting("a", 5, 2, 0.003), costs.add_drafting("b", 5, 1, 0.001);
    const std::vector<spec::Member> members{{"a", 2, 1.5, 3}, {"b", 1.25, 1, 1}, {"", 1, 0, 0}, {"a", 3, 4, 5}, {"b", 1, 0, 0}};
    const spec::Company company(costs, members);
    for (size_t one = 0; one < members.size(); ++one) {
        const spec::Others o = company.others_of(one);
        double tokens = 0, drafts = 0;
        int sharing = 0, longest = 0, a = 0, b = 0;
        for (size_t i = 0; i < members.size(); ++i) {
            const spec::Member& m = members[i];
            if (m.who == "a" && members[one].who != "a") a = std::max(a, m.asked);
            if (m.who == "b" && members[one].who != "b") b = std::max(b, m.asked);
            if (i == one) continue;
            tokens += m.tokens, drafts += m.drafts;
            if (m.who == members[one].who) ++sharing, longest = std::max(longest, m.asked);
        }
        EXPECT_EQ(o.sequences, 4);
        EXPECT_NEAR(o.tokens, tokens, 1e-12);
        EXPECT_NEAR(o.drafts, drafts, 1e-12);
        EXPECT_EQ(o.sharing, sharing);
        EXPECT_EQ(o.longest, longest);
        EXPECT_NEAR(o.seconds, costs.drafting("a", 2, a, 5) + costs.drafting("b", 2, b, 5), 1e-12);
        ASSERT_EQ(o.drafting.size(), size_t(spec::RoundCosts::kMost + 1));
        EXPECT_EQ(o.drafting[2], costs.drafting(members[one].who, sharing + 1, 2, 5));
    }
}

TEST(Threshold, CutsWhatDoesNotPay) {
    spec::Threshold t;
    const auto seconds = [](int n) { return 0.01 * (1 + 0.4 * n); };
    const std::vector<float> chain{0.9f, 0.8f, 0.3f, 0.9f};
    EXPECT_EQ(t.keep(chain, seconds, 0, 1), 4);       // nothing is known of the rate
    EXPECT_EQ(t.keep(chain, seconds, 100, 1), 2);     // 0.9 and 0.72 tokens for 0.4 of one, then 0.216
    EXPECT_EQ(t.keep(chain, seconds, 10, 1), 4);      // slow anyway
    EXPECT_EQ(t.keep({}, seconds, 100, 1), 0);
    EXPECT_EQ(t.keep(chain, seconds, 200, 1), 1);
    EXPECT_EQ(t.keep(chain, seconds, 200, 1, 2), 2);  // not as well as one, but better than none
    EXPECT_EQ(t.keep(chain, seconds, 200, 1, 3), 0);
    for (int i = 0; i < 100; ++i) t.learn(0.9f, false);  // it lies
    EXPECT_LT(t.share(0.9f), 0.1);
    EXPECT_EQ(t.keep(chain, seconds, 100, 1), 0);
    EXPECT_GE(t.share(std::nanf("")), 0);
}

/// One that has no memory left for what a round tells it, which is committed by then.
class Forgetful : public spec::Drafter {
public:
    int ended = 0;
    void draft(std::span<spec::DraftJob> jobs) override {
        for (spec::DraftJob& job : jobs) job.chain = {{1, 0.5f}};
    }
    void observe(const spec::Known& known) override {
        if (known.text.size() > 3) throw std::bad_alloc();
    }
    void end(uint64_t) override { ++ended; }
};

TEST(Rounds, GoOnWithoutADrafterThatFailsAfterwards) {
    model::Options o;
    o.pools.context = 64, o.chunk = 16, o.pools.most_exact = 5, o.pools.sequences = 2;
    model::Context context(random_model(), core::open("cpu"), o);
    spec::Request request{.prompt = some_tokens(10, 1), .most_tokens = 20};
    spec::Generator plain(context);
    const spec::Generation& expected = plain.add(request);
    while (plain.round()) {
    }
    for (const int n_max : {3, spec::n_auto}) {
        Forgetful drafter;
        spec::Generator generator(context, &drafter);
        request.n_max = n_max, request.p_min = n_max == 3 ? 0 : spec::p_auto;
        const spec::Generation& g = generator.add(request);
        while (generator.round()) {
        }
        EXPECT_EQ(g.text, expected.text);
        EXPECT_EQ(g.stopped, spec::Stop::length);
        EXPECT_LT(g.counts.drafted, 5);
        EXPECT_EQ(drafter.ended, 1);
    }
}

}  // namespace
}  // namespace rw::test
