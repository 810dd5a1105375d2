#include "tools/controller_suite.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "runtime/sample/random.h"
#include "runtime/spec/company.h"
#include "runtime/spec/threshold.h"

namespace rw::tools {
namespace {

constexpr int most = 16;

/// luck: a token's own, from 0 to 1.
using Share = std::function<double(int sequence, int64_t token, int place, double luck)>;

struct World {
    const char* name;
    Share share;                                    // of such tokens that stand
    std::function<double(int n)> drafting;          // seconds of the longest draft
    std::function<double(int drafts)> rest;         // of all else, by the drafts of all sequences
    int sequences = 1;
    std::function<double(double share)> belief{};   // what the drafter says; none: it cannot tell, and p_min has no part
};

struct Setting {
    int n = 0;
    double p_min = 0;
};

struct Result {
    double tokens = 0, seconds = 0, late_drafts = 0;
    double speed() const { return tokens / seconds; }
};

/// Of a sequence: what a round's draft may be, and what became of it.
struct Draft {
    int asked = 0, kept = 0, accepted = 0;
    std::vector<double> shares;
    std::vector<float> beliefs;
    /// What it yields on average. It is what speeds are made of here: luck would hide what a choice is worth.
    double expected() const {
        double sum = 1, all = 1;
        for (int k = 0; k < kept; ++k) sum += all *= shares[size_t(k)];
        return sum;
    }
};

Draft drafted(const World& w, uint64_t seed, int sequence, int64_t round, int64_t token, int n) {
    Draft d{n};
    for (int k = 1; k <= n; ++k) {
        d.shares.push_back(w.share(sequence, token, k, sample::uniform(200 + seed, uint32_t(sequence * 100 + k), round)));
        d.beliefs.push_back(w.belief ? float(w.belief(d.shares.back())) : 1);
    }
    d.kept = n;
    return d;
}

void verify(Draft& d, uint64_t seed, int sequence, int64_t round) {
    while (d.accepted < d.kept && sample::uniform(100 + seed, uint32_t(sequence * 100 + d.accepted), round) <
                                      d.shares[size_t(d.accepted)])
        ++d.accepted;
}

/// All sequences until they have as many tokens as `rounds` plain rounds give: schedules go by tokens, as a text's do.
/// Without a setting controllers choose, and thresholds where the drafter says how sure it is.
Result live(const World& w, uint64_t seed, int rounds, std::optional<Setting> setting) {
    spec::RoundCosts costs;
    const size_t B = size_t(w.sequences);
    std::vector<spec::Controller> controllers(B, spec::Controller(most, "it"));
    std::vector<spec::Threshold> thresholds(B);
    std::vector<double> tokens(B);
    Result r;
    int64_t late = 0;
    for (int64_t i = 0; r.tokens < double(rounds) * w.sequences; ++i) {
        std::vector<spec::Member> members(B);
        if (!setting)
            for (size_t s = 0; s < B; ++s) {
                const spec::Controller& c = controllers[s];
                members[s] = {"it", c.tokens(c.best()), c.drafts(c.best()), c.best()};
            }
        std::vector<Draft> drafts;
        int longest = 0, sum = 0;
        for (size_t s = 0; s < B; ++s) {
            const spec::Controller& c = controllers[s];
            const int n = setting ? setting->n : controllers[s].choose(costs, spec::others_of(members, s, costs));
            members[s] = {"it", c.tokens(n), c.drafts(n), n, setting || n != c.best() ? nullptr : &c};
        }
        spec::level(members, costs);
        for (size_t s = 0; s < B; ++s) {
            drafts.push_back(drafted(w, seed, int(s), i, int64_t(tokens[s]), members[s].asked));
            longest = std::max(longest, members[s].asked);
        }
        for (size_t s = 0; s < B; ++s) {
            Draft& d = drafts[s];
            if (setting) {
                d.kept = 0;
                while (d.kept < d.asked && d.beliefs[size_t(d.kept)] >= setting->p_min) ++d.kept;
            } else if (w.belief) {
                double others = 0;
                for (size_t o = 0; o < B; ++o) others += o == s ? 0 : members[o].drafts;
                d.kept = thresholds[s].keep(d.beliefs, [&](int m) { return costs.rest(w.sequences, others + m); },
                                            costs.rate(w.sequences), w.sequences);
                members[s].drafts = d.kept;
            }
            verify(d, seed, int(s), i);
            sum += d.kept;
        }
        const double noise = 1 + 0.2 * (sample::uniform(seed, 1, i) - 0.5), more = 1 + 0.2 * (sample::uniform(seed, 2, i) - 0.5);
        const double drafting = longest ? w.drafting(longest) : 0, rest = w.rest(sum);
        int64_t emitted = 0;
        for (size_t s = 0; s < B; ++s) {
            const Draft& d = drafts[s];
            r.tokens += d.expected(), tokens[s] += d.expected(), emitted += d.accepted + 1;
            if (setting) continue;
            controllers[s].learn(d.asked, d.kept, d.accepted);
            thresholds[s].learn(std::span(d.beliefs).first(size_t(d.kept)), d.accepted);
        }
        r.seconds += drafting + rest;
        if (longest) costs.add_drafting("it", w.sequences, longest, drafting * noise);
        costs.add_rest(w.sequences, sum, rest * more), costs.add_yield(w.sequences, emitted, (drafting + rest) * more);
        if (r.tokens > 0.9 * double(rounds) * w.sequences) r.late_drafts += double(sum) / double(B), ++late;
    }
    r.late_drafts /= double(std::max<int64_t>(late, 1));
    return r;
}

Share always(double share) {
    return [=](int, int64_t, int, double) { return share; };
}
Share fading(double first, double factor) {
    return [=](int, int64_t, int place, double) { return first * std::pow(factor, place - 1); };
}
/// One share for a stretch of tokens, another for the next, and so on.
Share stretches(std::vector<double> shares, int64_t length) {
    return [=](int, int64_t token, int, double) { return shares[size_t(token / length) % shares.size()]; };
}
/// Most tokens are easy, the rest hard.
Share mixed(double easy, double hard, double of_easy) {
    return [=](int, int64_t, int, double luck) { return luck < of_easy ? easy : hard; };
}
Share from_one_to_another(Share a, Share b, int64_t length) {
    return [=](int s, int64_t token, int place, double luck) { return (token / length % 2 ? b : a)(s, token, place, luck); };
}
/// Every other sequence goes well.
Share by_turns(double good, double bad) {
    return [=](int s, int64_t, int, double) { return s % 2 ? bad : good; };
}

std::function<double(int)> per_token(double share) {
    return [=](int n) { return 0.01 * share * n; };
}
/// Rows of `sequences` and their drafts, each as dear as the first one's share.
std::function<double(int)> rows(double row, int sequences = 1) {
    return [=](int drafts) { return 0.01 * (1 + row * (sequences - 1 + drafts)); };
}
/// A GPU's: rows are nearly free up to eight, then another tile costs.
std::function<double(int)> tiles() {
    return [](int drafts) { return 0.01 * (1 + 0.02 * drafts + 0.6 * (drafts / 8)); };
}

std::vector<World> worlds() {
    const auto honest = [](double s) { return s; };
    const auto proud = [](double s) { return std::sqrt(s); };
    const auto modest = [](double s) { return s * s; };
    const auto blind = [](double) { return 0.8; };
    return {
        {"nothing stands", always(0), per_token(0.1), rows(0.1)},
        {"little stands", always(0.15), per_token(0.1), rows(0.15)},
        {"half stands", always(0.5), per_token(0.05), rows(0.1)},
        {"most stands, cheap rows", always(0.9), per_token(0.02), rows(0.03)},
        {"all stands", always(1), per_token(0.05), rows(0.05)},
        {"later places are worse", fading(0.85, 0.85), per_token(0.1), rows(0.1)},
        {"tiles", always(0.8), per_token(0.02), tiles()},
        {"from good to bad", stretches({0.9, 0.05}, 2000), per_token(0.05), rows(0.1)},
        {"from bad to good", stretches({0.05, 0.9}, 2000), per_token(0.05), rows(0.1)},
        {"to and fro", stretches({0.9, 0.1, 0.6, 0.0}, 500), per_token(0.05), rows(0.1)},
        {"short stretches", stretches({0.9, 0.2}, 150), per_token(0.05), rows(0.1)},
        {"rows as dear as rounds", always(0.6), per_token(0.2), rows(0.8)},
        {"nothing but dear drafting", always(0.7), per_token(0.6), rows(0.02)},
        {"eight, cheap rows", always(0.7), per_token(0.05), rows(0.01, 8), 8},
        {"eight, dear rows", always(0.5), per_token(0.05), rows(0.15, 8), 8},
        {"eight, half of them good", by_turns(0.9, 0.1), per_token(0.05), rows(0.1, 8), 8},
        {"eight, good to bad", stretches({0.9, 0.1}, 1000), per_token(0.05), rows(0.05, 8), 8},
        {"sure and unsure, honest", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, honest},
        {"sure and unsure, proud", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, proud},
        {"sure and unsure, modest", mixed(0.95, 0.3, 0.7), per_token(0.03), rows(0.15), 1, modest},
        {"cannot tell", mixed(0.95, 0.2, 0.7), per_token(0.03), rows(0.15), 1, blind},
        {"sure, then nothing stands", from_one_to_another(mixed(0.95, 0.2, 0.8), always(0.05), 2000), per_token(0.03),
         rows(0.12), 1, honest},
        {"proud and tiles", mixed(0.9, 0.3, 0.7), per_token(0.02), tiles(), 1, proud},
        {"proud and nothing stands", always(0.02), per_token(0.05), rows(0.15), 1, blind},
        {"eight, sure and unsure", mixed(0.95, 0.15, 0.6), per_token(0.03), rows(0.08, 8), 8, honest},
    };
}

Regret regret_of(const World& w, int rounds, int runs) {
    Regret worst{w.name, bool(w.belief), w.sequences, 0, 0, -1, 1e9};
    for (int run = 1; run <= runs; ++run) {
        const uint64_t seed = uint64_t(run);
        Setting best;
        double most_speed = 0, plain = 0;
        for (int n = 0; n <= most; ++n)
            for (const double p : {0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}) {
                if (p > 0 && (!w.belief || n == 0)) break;
                const double speed = live(w, seed, rounds / (w.belief ? 4 : 1), Setting{n, p}).speed();
                if (n == 0) plain = speed;
                if (speed > most_speed) most_speed = speed, best = {n, p};
            }
        if (w.belief) most_speed = live(w, seed, rounds, best).speed();
        const Result mine = live(w, seed, rounds, {});
        if (const double regret = 1 - mine.speed() / most_speed; regret > worst.regret)
            worst.regret = regret, worst.best_n = best.n, worst.best_p = best.p_min;
        worst.to_plain = std::min(worst.to_plain, mine.speed() / plain);
        worst.drafts = std::max(worst.drafts, mine.late_drafts);
    }
    return worst;
}

}  // namespace

std::vector<Regret> controller_regrets(int rounds, int runs) {
    std::vector<Regret> list;
    for (const World& w : worlds()) list.push_back(regret_of(w, rounds, runs));
    return list;
}

bool controller_repeats() {
    for (const World& w : worlds())
        if (live(w, 1, 500, {}).seconds != live(w, 1, 500, {}).seconds) return false;
    return true;
}

}  // namespace rw::tools
