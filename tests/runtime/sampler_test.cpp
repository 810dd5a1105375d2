// Each stage of choosing a token against what its definition says, worked out the long way.
#include "runtime/sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "rewind/ops/contract.h"
#include "runtime/sample/random.h"
#include "tests/runtime/chi_square.h"

namespace rw::test {
namespace {

using sample::Choice;
using sample::Options;
using sample::Sampler;
using Tokens = std::vector<int32_t>;

constexpr float inf = std::numeric_limits<float>::infinity();

/// Logits like a model's: a few that stand out of a broad rest, with equal ones among them.
std::vector<float> some_logits(size_t n, uint64_t seed) {
    std::vector<float> logits(n);
    for (size_t i = 0; i < n; ++i) {
        const double u = sample::uniform(seed, 0, int64_t(i)), v = sample::uniform(seed, 1, int64_t(i));
        logits[i] = float(std::round(64 * (std::sqrt(-2 * std::log(1 - u)) * std::cos(6.283185307 * v) * 2.5)) / 64);
    }
    return logits;
}

using Shares = std::map<int32_t, double>;

Shares shares_of(const Sampler& sampler, const std::vector<float>& logits) {
    Shares shares;
    for (const auto& [token, probability] : sampler.distribution(logits)) shares[token] = probability;
    return shares;
}

void expect_same(const Shares& found, const Shares& expected, const std::string& what) {
    ASSERT_EQ(found.size(), expected.size()) << what;
    for (const auto& [token, probability] : expected) {
        ASSERT_TRUE(found.contains(token)) << what << ": token " << token;
        EXPECT_NEAR(found.at(token), probability, 1e-12) << what;
    }
}

/// The stages one after the other, each with a full sort and its own sum.
struct Slow {
    std::vector<std::pair<double, int32_t>> list;  // probability, token

    Slow(const std::vector<float>& logits, double temperature, size_t top_k = 0) {
        for (size_t i = 0; i < logits.size(); ++i) list.push_back({logits[i], int32_t(i)});
        sort([](const auto& a) { return -a.first; });
        if (top_k) list.resize(std::min(top_k, list.size()));
        const double most = list.front().first;
        for (auto& [x, token] : list) x = std::exp((x - most) / temperature);
        normalise();
    }
    void sort(const std::function<double(const std::pair<double, int32_t>&)>& key) {
        std::stable_sort(list.begin(), list.end(), [&](const auto& a, const auto& b) {
            return key(a) != key(b) ? key(a) < key(b) : a.second < b.second;
        });
    }
    void normalise() {
        double sum = 0;
        for (const auto& [p, token] : list) sum += p;
        for (auto& [p, token] : list) p /= sum;
    }
    void fewest(double share) {
        double sum = 0;
        size_t n = 0;
        while (n < list.size() && (n == 0 || sum < share)) sum += list[n++].first;
        list.resize(n);
        normalise();
    }
    void top_p(double share) {
        sort([](const auto& a) { return -a.first; });
        fewest(share);
    }
    void min_p(double share) {
        double most = 0;
        for (const auto& [p, token] : list) most = std::max(most, p);
        std::erase_if(list, [&](const auto& a) { return a.first < share * most; });
        normalise();
    }
    void typical(double share) {
        double entropy = 0;
        for (const auto& [p, token] : list) entropy -= p > 0 ? p * std::log(p) : 0;
        sort([&](const auto& a) { return std::abs(-std::log(a.first) - entropy); });
        fewest(share);
    }
    Shares shares() const {
        Shares s;
        for (const auto& [p, token] : list) s[token] = p;
        return s;
    }
};

TEST(Sampler, StagesKeepWhatTheirDefinitionsSay) {
    for (const size_t n : {1, 2, 50, 1000, 5000}) {
        const std::vector<float> logits = some_logits(n, n);
        for (const double t : {0.3, 1.0, 1.7}) {
            const auto check = [&](const Options& o, auto stages, const char* what) {
                Slow slow(logits, t, size_t(o.top_k));
                stages(slow);
                expect_same(shares_of(Sampler(o), logits), slow.shares(), what);
            };
            check({.temperature = t}, [](Slow&) {}, "all");
            for (const int k : {1, 2, 40, 3000}) check({.temperature = t, .top_k = k}, [](Slow&) {}, "top_k");
            for (const double p : {0.01, 0.5, 0.9, 0.999}) {
                check({.temperature = t, .top_p = p}, [&](Slow& s) { s.top_p(p); }, "top_p");
                check({.temperature = t, .typical_p = p}, [&](Slow& s) { s.typical(p); }, "typical_p");
                check({.temperature = t, .min_p = p}, [&](Slow& s) { s.min_p(p); }, "min_p");
            }
            check({.temperature = t, .top_k = 700, .top_p = 0.93, .min_p = 0.003, .typical_p = 0.97},
                  [](Slow& s) { s.min_p(0.003), s.typical(0.97), s.top_p(0.93); }, "all of them in order");
        }
    }
}

TEST(Sampler, DrawsWhatTheDistributionSays) {
    const std::vector<float> logits = some_logits(200, 9);
    for (const Options& o : {Options{.temperature = 1, .seed = 3}, Options{.temperature = 0.8, .top_p = 0.9, .seed = 4}}) {
        const Sampler sampler(o);
        std::vector<double> shares(logits.size());
        for (const auto& [token, p] : sampler.distribution(logits)) shares[size_t(token)] = p;
        std::vector<int64_t> counts(logits.size());
        for (int64_t i = 0; i < 60000; ++i) ++counts[size_t(sampler.choose(logits, i).token)];
        EXPECT_TRUE(drawn_from(shares, counts));
        // The test itself: a twentieth of the most probable token's share, given to the next one, is found.
        const auto most = std::max_element(shares.begin(), shares.end());
        const double moved = *most / 20;
        *most -= moved, *std::max_element(shares.begin(), most) += moved;
        EXPECT_FALSE(drawn_from(shares, counts));
    }
}

TEST(Sampler, DraftsByRatioLeaveTheDistributionAsItIs) {
    const std::vector<float> logits = some_logits(60, 10);
    for (const Options& o : {Options{.temperature = 1, .seed = 5}, Options{.temperature = 1.3, .top_k = 20, .seed = 6},
                             Options{.temperature = 1, .mirostat = {.tau = 3}, .seed = 7}}) {
        const Sampler sampler(o);
        std::vector<double> shares(logits.size());
        for (const auto& [token, p] : sampler.distribution(logits)) shares[size_t(token)] = p;
        // Likely ones, one of few chances and one that cannot be drawn where something is cut off.
        const auto most = std::max_element(logits.begin(), logits.end()) - logits.begin();
        const auto least = std::min_element(logits.begin(), logits.end()) - logits.begin();
        for (const std::ptrdiff_t draft : {most, std::ptrdiff_t(7), std::ptrdiff_t(8), least}) {
            constexpr int64_t draws = 50000;
            std::vector<int64_t> counts(logits.size());
            for (int64_t i = 0; i < draws; ++i)
                ++counts[size_t(sampler.choose(logits, i + draft * draws, int32_t(draft)).token)];
            EXPECT_TRUE(drawn_from(shares, counts));
        }
    }
    EXPECT_EQ(Sampler().choose(logits, 1, 7).token, Sampler().choose(logits, 1).token);
}

TEST(Sampler, MirostatKeepsTheSurpriseThatIsAskedFor) {
    const std::vector<float> logits = some_logits(500, 11);
    Sampler sampler({.temperature = 1, .mirostat = {.tau = 4, .eta = 0.1}, .seed = 8});
    const Slow all(logits, 1);
    double mu = 8, sum = 0;
    for (int64_t i = 0; i < 3000; ++i) {
        if (i % 500 == 0) {
            Slow cut = all;
            std::erase_if(cut.list, [&](const auto& a) { return -std::log2(a.first) > mu; });
            cut.normalise();
            expect_same(shares_of(sampler, logits), cut.shares(), "mirostat");
        }
        const Choice c = sampler.choose(logits, i);
        const double surprise = -std::log2(all.shares().at(c.token));
        EXPECT_NEAR(*c.surprise, surprise, 1e-9);
        mu -= 0.1 * (surprise - 4), sum += surprise;
        sampler.accept(c);
    }
    EXPECT_NEAR(sum / 3000, 4, 0.05);
    EXPECT_EQ(Sampler({.temperature = 1, .mirostat = {.tau = 1e-9}}).distribution(logits).size(), 1u);
}

/// What penalties of a prompt of so many tokens and the text behind it do, counted from the begin each time.
std::vector<float> penalised(std::vector<float> logits, const Tokens& past, size_t prompt, const Options& o) {
    const auto window = [&](int64_t last_n) {
        return last_n >= 0 && last_n < int64_t(past.size()) ? Tokens(past.end() - std::ptrdiff_t(last_n), past.end()) : past;
    };
    std::map<int32_t, int> counts, said;
    const Tokens last = window(o.penalties.last_n);
    for (size_t i = 0; i < last.size(); ++i) {
        ++counts[last[i]];
        said[last[i]] += !o.penalties.of_text || past.size() - last.size() + i >= prompt;
    }
    for (const auto& [t, n] : counts) {
        float& x = logits[size_t(t)];
        const double y = x > 0 ? x / o.penalties.repeat : x * o.penalties.repeat;
        x = float(y - (said[t] > 0 ? o.penalties.presence : 0) - o.penalties.frequency * said[t]);
    }
    const Tokens tokens = window(o.dry.last_n);
    const std::set<int32_t> breakers(o.dry.breakers.begin(), o.dry.breakers.end());
    std::map<int32_t, int64_t> longest;
    const size_t n = tokens.size();
    for (size_t i = 0; i + 1 < n; ++i) {
        int64_t length = 0;
        while (size_t(length) <= i && tokens[i - size_t(length)] == tokens[n - 1 - size_t(length)] &&
               !breakers.contains(tokens[i - size_t(length)]))
            ++length;
        if (!breakers.contains(tokens[i + 1])) longest[tokens[i + 1]] = std::max(longest[tokens[i + 1]], length);
    }
    for (const auto& [t, length] : longest)
        if (o.dry.multiplier > 0 && length >= o.dry.allowed_length)
            logits[size_t(t)] -= float(o.dry.multiplier * std::pow(o.dry.base, double(length - o.dry.allowed_length)));
    return logits;
}

Tokens some_text(size_t n, uint64_t seed, uint32_t vocab) {
    Tokens tokens;
    for (size_t i = 0; i < n; ++i) tokens.push_back(int32_t(sample::uniform(seed, 2, int64_t(i)) * vocab));
    return tokens;
}

TEST(Sampler, PenaltiesAreThoseOfTheTokensSoFar) {
    const std::vector<float> logits = some_logits(9, 12);
    std::vector<Options> cases;
    for (const int64_t last_n : {-1, 0, 1, 5, 64}) {
        cases.push_back({.temperature = 1, .penalties = {.repeat = 1.3, .last_n = last_n}});
        cases.push_back({.temperature = 1, .penalties = {.presence = 0.4, .frequency = -0.2, .last_n = last_n}});
        cases.push_back(
            {.temperature = 1,
             .penalties = {.repeat = 1.2, .presence = -0.3, .frequency = 0.2, .last_n = last_n, .of_text = true}});
        cases.push_back({.temperature = 1, .dry = {.multiplier = 0.3, .base = 1.1, .allowed_length = 1, .last_n = last_n}});
        cases.push_back({.temperature = 1, .dry = {.multiplier = 0.8, .last_n = last_n, .breakers = {7, 2}}});
        cases.push_back({.temperature = 1, .penalties = {.repeat = 0.7, .last_n = 9},
                         .dry = {.multiplier = 0.8, .allowed_length = 3, .last_n = last_n, .breakers = {7}}});
    }
    for (const uint32_t vocab : {2u, 3u, 9u}) {
        const Tokens text = some_text(260, vocab, vocab);
        for (const Options& o : cases) {
            for (const size_t prompt : {size_t(0), size_t(3), size_t(100), text.size()}) {
                Sampler sampler(o);
                sampler.begin(std::span(text).first(prompt));
                for (size_t n = prompt;; ++n) {
                    const Tokens so_far(text.begin(), text.begin() + std::ptrdiff_t(n));
                    const std::vector<float> expected = penalised(logits, so_far, prompt, o);
                    const Shares found = shares_of(sampler, logits), wanted = Slow(expected, 1).shares();
                    for (const auto& [t, p] : wanted) ASSERT_NEAR(found.at(t), p, 1e-5) << n << " tokens of " << vocab;
                    if (n == text.size()) break;
                    sampler.accept({text[n]});
                }
            }
        }
    }
}

TEST(Sampler, CopiesGoTheirOwnWay) {
    const std::vector<float> logits = some_logits(30, 13);
    Sampler sampler({.temperature = 1, .penalties = {.repeat = 1.2, .frequency = 0.1, .last_n = 20},
                     .dry = {.multiplier = 1, .allowed_length = 1}, .mirostat = {.tau = 3}, .seed = 2});
    sampler.begin(some_text(40, 1, 30));
    for (int64_t i = 0; i < 20; ++i) {
        const Shares before = shares_of(sampler, logits);
        Sampler copy = sampler;
        for (int64_t k = 0; k < 4; ++k) copy.accept(copy.choose(logits, i + k));
        EXPECT_NE(shares_of(copy, logits), before);
        EXPECT_EQ(shares_of(sampler, logits), before);
        sampler.accept(sampler.choose(logits, i));
    }
}

TEST(Sampler, GreedyTakesTheGreatestOfWhatIsLeft) {
    const std::vector<float> logits{3, 1, 3, 2, -1};
    EXPECT_TRUE(Sampler().argmax_only());
    EXPECT_EQ(Sampler().choose_best(4)->token, 4);
    EXPECT_EQ(Sampler().choose(logits, 0).token, 0);  // the lowest of equals
    Sampler biased({.logit_bias = {{3, 1.5}, {0, -100}}});
    EXPECT_FALSE(biased.argmax_only());
    EXPECT_EQ(biased.choose(logits, 0).token, 3);
    Sampler penalised({.penalties = {.presence = 2.5}});
    EXPECT_FALSE(penalised.argmax_only());
    penalised.begin(Tokens{0, 2});
    EXPECT_EQ(penalised.choose(logits, 0).token, 3);
    Sampler foreign({.penalties = {.repeat = 2}, .dry = {.multiplier = 1, .allowed_length = 1}});
    foreign.begin(Tokens{-1, 1 << 30, -1, 1 << 30, -1});  // what is no token here is not looked at
    EXPECT_EQ(foreign.choose(logits, 0).token, 0);
    const float nan = std::nanf("");
    EXPECT_EQ(Sampler().choose(std::vector<float>{nan, 1, 2, nan}, 0).token, 2);
    EXPECT_EQ(Sampler().choose(std::vector<float>{nan, nan}, 0).token, 0);
}

TEST(Sampler, OddLogitsAreDrawnFromAllTheSame) {
    const float nan = std::nanf("");
    for (int64_t i = 0; i < 200; ++i) {
        const int32_t drawn = Sampler({.temperature = 1}).choose(std::vector<float>{nan, 1, 2, nan}, i).token;
        EXPECT_TRUE(drawn == 1 || drawn == 2);
        EXPECT_EQ(Sampler({.temperature = 1}).choose(std::vector<float>{1, inf, -inf, nan}, i).token, 1);
        EXPECT_LT(Sampler({.temperature = 1, .top_p = 0.5}).choose(std::vector<float>{-inf, -inf, nan}, i).token, 3);
    }
    const std::vector<float> nothing(5, -inf);
    EXPECT_EQ(Sampler().choose(nothing, 0).token, 0);
    EXPECT_LT(Sampler({.temperature = 1, .min_p = 0.5}).choose(nothing, 0).token, 5);
}

TEST(Sampler, LogprobsAreTheModelsOwn) {
    const std::vector<float> logits = some_logits(100, 14);
    const Slow all(logits, 1);
    const Shares expected = all.shares();
    for (const Options& o : {Options{.logprobs = 5},
                             Options{.temperature = 0.1, .top_k = 3, .logit_bias = {{1, 50}}, .logprobs = 5}}) {
        const Choice c = Sampler(o).choose(logits, 4);
        EXPECT_FALSE(Sampler(o).argmax_only());
        ASSERT_TRUE(c.logprobs.has_value());
        EXPECT_NEAR(c.logprobs->logprob, std::log(expected.at(c.token)), 1e-5);
        ASSERT_EQ(c.logprobs->most_likely.size(), 5u);
        for (size_t i = 0; i < 5; ++i) {
            EXPECT_EQ(c.logprobs->most_likely[i].token, all.list[i].second);
            EXPECT_NEAR(c.logprobs->most_likely[i].logprob, std::log(all.list[i].first), 1e-5);
        }
    }
    EXPECT_TRUE(Sampler({.logprobs = 0}).choose(logits, 0).logprobs->most_likely.empty());
    EXPECT_FALSE(Sampler().choose(logits, 0).logprobs.has_value());
}

/// Even tokens, and behind each only greater ones; then 0.
class Rising : public sample::Constraint {
public:
    explicit Rising(int32_t above) : above_(above) {}
    bool allows(int32_t token) const override { return token == 0 || (token % 2 == 0 && token > above_); }
    void mask(std::span<float> logits) const override {
        for (size_t i = 0; i < logits.size(); ++i)
            if (!allows(int32_t(i))) logits[i] = -inf;
    }
    std::shared_ptr<const Constraint> after(int32_t token) const override { return std::make_shared<Rising>(token); }

private:
    int32_t above_;
};

TEST(Sampler, AConstraintHoldsBeforeAllElse) {
    const auto rules = std::make_shared<Rising>(0);
    for (const Options& o : {Options{}, Options{.temperature = 1}, Options{.temperature = 1, .top_k = 1},
                             Options{.temperature = 1, .top_p = 0.1, .logit_bias = {{3, 1000}}},
                             Options{.temperature = 1, .dry = {.multiplier = 1e30, .base = 1e10, .allowed_length = 1}},
                             Options{.temperature = 1, .mirostat = {.tau = 1}},
                             Options{.logit_bias = {{5, 100}}, .logprobs = 1}}) {
        Sampler sampler(o, rules);
        sampler.begin(some_text(100, 1, 40));
        for (int64_t i = 0, last = 0; i < 30; ++i) {
            std::vector<float> logits = some_logits(40, uint64_t(i)), masked = logits;
            const Choice c = sampler.choose(logits, i), drafted = sampler.choose(logits, i, 3);
            Rising(int32_t(last)).mask(masked);
            EXPECT_GT(masked[size_t(c.token)], -inf);
            EXPECT_GT(masked[size_t(drafted.token)], -inf);
            if (o.greedy() && o.logit_bias.empty()) {
                EXPECT_EQ(c.token, Sampler().choose(masked, i).token);
                EXPECT_EQ(sampler.choose_best(3), std::nullopt);
            }
            sampler.accept(c);
            last = c.token;
        }
        std::vector<float> never(40, 1);
        for (size_t i = 0; i < 40; i += 2) never[i] = -inf;  // impossible for the model is what the rules allow
        EXPECT_TRUE(sampler.choose(never, 0).token % 2 == 0);
    }
}

TEST(Sampler, OptionsOutOfRangeAreRefused) {
    const double nan = std::nan("");
    const auto refused = [](auto change) {
        Options o;
        change(o);
        EXPECT_THROW(o.check(100), Error);
    };
    for (const double bad : {-1.0, nan, double(inf)}) {
        refused([&](Options& o) { o.temperature = bad; });
        refused([&](Options& o) { o.min_p = bad; });
        refused([&](Options& o) { o.top_p = bad; });
        refused([&](Options& o) { o.typical_p = bad; });
        refused([&](Options& o) { o.penalties.repeat = bad; });
        refused([&](Options& o) { o.dry.multiplier = bad; });
        refused([&](Options& o) { o.dry.base = bad; });
        refused([&](Options& o) { o.mirostat.tau = bad; });
        refused([&](Options& o) { o.mirostat.eta = bad; });
    }
    for (const double bad : {nan, double(inf)}) {
        refused([&](Options& o) { o.penalties.presence = bad; });
        refused([&](Options& o) { o.penalties.frequency = bad; });
        refused([&](Options& o) { o.logit_bias = {{1, bad}}; });
    }
    refused([](Options& o) { o.top_p = 0; });
    refused([](Options& o) { o.typical_p = 0; });
    refused([](Options& o) { o.top_k = -1; });
    refused([](Options& o) { o.penalties.last_n = -2; });
    refused([](Options& o) { o.dry.last_n = -2; });
    refused([](Options& o) { o.dry.allowed_length = 0; });
    refused([](Options& o) { o.dry.breakers = {100}; });
    refused([](Options& o) { o.logit_bias = {{-1, 1}}; });
    refused([](Options& o) { o.logprobs = -2; });
    refused([](Options& o) { o.logprobs = 101; });
    EXPECT_NO_THROW(Options{}.check(100));
}

}  // namespace
}  // namespace rw::test
