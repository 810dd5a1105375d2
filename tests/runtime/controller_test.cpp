// The choice of how many tokens to draft, against a made-up device whose costs and acceptance are known.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "runtime/spec/controller.h"
#include "runtime/sample/random.h"

namespace rw::test {
namespace {

using Share = std::function<double(int64_t round, int place)>;  // of a place's tokens that stand
using Cost = std::function<double(int n)>;                      // of a round, without noise

constexpr int most = 16;
constexpr int64_t rounds = 4000;

struct World {
    const char* name;
    Share share;
    Cost cost;
};

struct Result {
    double tokens = 0, seconds = 0;
    double speed() const { return tokens / seconds; }
};

/// How many of a draft of n tokens stand, where the text has got to.
int stand(const World& world, uint64_t seed, int64_t round, int64_t at, int n) {
    int k = 0;
    while (k < n && sample::uniform(100 + seed, uint32_t(k), round) < world.share(at, k + 1)) ++k;
    return k;
}

/// What such a draft yields on average. It is what speeds are made of here: luck would hide what a choice is worth.
double expected(const World& world, int64_t at, int n) {
    double sum = 1, all = 1;
    for (int k = 1; k <= n; ++k) sum += all *= world.share(at, k);
    return sum;
}

/// Until as many tokens are there as `rounds` plain rounds give: the schedule goes by tokens, as a text's does.
template <class Choose, class Learn>
Result live(const World& world, uint64_t seed, const Choose& choose, const Learn& learn) {
    Result r;
    for (int64_t i = 0; r.tokens < double(rounds); ++i) {
        const int n = choose();
        const int accepted = stand(world, seed, i, int64_t(r.tokens), n);
        const double noise = 1 + 0.2 * (sample::uniform(seed, 1, i) - 0.5);
        r.tokens += expected(world, int64_t(r.tokens), n), r.seconds += world.cost(n);
        learn(n, accepted, world.cost(n) * noise);
    }
    return r;
}

Result fixed(const World& world, uint64_t seed, int n) {
    return live(world, seed, [&] { return n; }, [](int, int, double) {});
}

Result controlled(const World& world, uint64_t seed) {
    spec::RoundCosts costs;
    spec::Controller controller(most);
    return live(
        world, seed, [&] { return controller.choose(costs, 1); },
        [&](int n, int accepted, double seconds) {
            costs.add(1, n, seconds);
            controller.learn(costs, 1, n, n, accepted);
        });
}

Share always(double share) {
    return [=](int64_t, int) { return share; };
}
Share fading(double first, double factor) {
    return [=](int64_t, int place) { return first * std::pow(factor, place - 1); };
}
/// One share for a stretch of tokens, another for the next, and so on.
Share stretches(std::vector<double> shares, int64_t length) {
    return [=](int64_t token, int) { return shares[size_t(token / length) % shares.size()]; };
}
Cost line(double row) {
    return [=](int n) { return 0.01 * (1 + row * n); };
}
/// A GPU's: rows are nearly free up to eight, then a second tile costs.
Cost tiles() {
    return [](int n) { return 0.01 * (1 + 0.04 * n + 0.6 * (n / 8)); };
}

const World worlds[] = {
    {"nothing stands", always(0), line(0.2)},
    {"little stands", always(0.15), line(0.25)},
    {"half stands", always(0.5), line(0.15)},
    {"most stands, cheap rows", always(0.9), line(0.05)},
    {"all stands", always(1), line(0.1)},
    {"later places are worse", fading(0.85, 0.85), line(0.2)},
    {"tiles", always(0.8), tiles()},
    {"from good to bad", stretches({0.9, 0.05}, 2000), line(0.15)},
    {"from bad to good", stretches({0.05, 0.9}, 2000), line(0.15)},
    {"to and fro", stretches({0.9, 0.1, 0.6, 0.0}, 500), line(0.15)},
    {"rows as dear as rounds", always(0.6), line(1)},
};

TEST(Controller, IsNearTheBestFixedLength) {
    std::printf("%-26s %8s %9s %9s   the worst of five\n", "", "best n", "regret", "to plain");
    for (const World& world : worlds) {
        double worst_regret = -1, worst_to_plain = 1e9;
        int best_of_worst = 0;
        for (uint64_t seed = 1; seed <= 5; ++seed) {
            int best = 0;
            for (int n = 1; n <= most; ++n)
                if (fixed(world, seed, n).speed() > fixed(world, seed, best).speed()) best = n;
            const double speed = controlled(world, seed).speed(), regret = 1 - speed / fixed(world, seed, best).speed();
            if (regret > worst_regret) worst_regret = regret, best_of_worst = best;
            worst_to_plain = std::min(worst_to_plain, speed / fixed(world, seed, 0).speed());
        }
        std::printf("%-26s %8d %8.1f%% %9.2f\n", world.name, best_of_worst, 100 * worst_regret, worst_to_plain);
        EXPECT_LT(worst_regret, 0.03) << world.name;
        EXPECT_GT(worst_to_plain, 0.98) << world.name;
    }
}

TEST(Controller, DoesTheSameAgain) {
    for (const World& world : worlds) EXPECT_EQ(controlled(world, 1).seconds, controlled(world, 1).seconds);
}

TEST(Controller, StaysWithinWhatItIsAllowed) {
    for (const int limit : {0, 1, 7, 64}) {
        spec::RoundCosts costs;
        spec::Controller controller(limit);
        for (int i = 0; i < 500; ++i) {
            const int n = controller.choose(costs, 3);
            ASSERT_GE(n, 0);
            ASSERT_LE(n, limit);
            costs.add(3, n, 0.01 + 0.0001 * n);
            controller.learn(costs, 3, n, n, n);
        }
        EXPECT_EQ(controller.best(), limit);
    }
    EXPECT_THROW(spec::Controller(65), Error);
    EXPECT_THROW(spec::Controller(-1), Error);
}

TEST(RoundCosts, DrawsLinesBetweenWhatItKnows) {
    spec::RoundCosts costs;
    EXPECT_EQ(costs(1, 3), 0);
    for (int i = 0; i < 3; ++i) costs.add(1, 0, 1), costs.add(1, 4, 2);
    EXPECT_DOUBLE_EQ(costs(1, 2), 1.5);
    EXPECT_DOUBLE_EQ(costs(1, 8), 3);
    EXPECT_EQ(costs(2, 0), 0);  // two sequences cost something else
    costs.add(3, 1, 5), costs.add(3, 1, 4);
    EXPECT_DOUBLE_EQ(costs(4, 1), 4);  // the first time of a shape is not kept
    costs.add(1, 0, NAN), costs.add(1, 0, -1);
    EXPECT_DOUBLE_EQ(costs(1, 0), 1);
}

}  // namespace
}  // namespace rw::test
