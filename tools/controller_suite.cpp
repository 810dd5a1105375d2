#include "tools/controller_suite.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "runtime/sample/random.h"
#include "runtime/spec/company.h"
#include "runtime/spec/threshold.h"
#include "tools/controller_worlds.h"

namespace rw::tools {
namespace {

constexpr int most = 16;

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

Draft drafted(const World& w, uint64_t seed, int sequence, int64_t round, double token, int n) {
    Draft d{.asked = n, .kept = n, .shares = {}, .beliefs = {}};
    for (int k = 1; k <= n; ++k) {
        d.shares.push_back(w.share(sequence, token, k, sample::uniform(200 + seed, uint32_t(sequence * 100 + k), round)));
        d.beliefs.push_back(w.belief ? float(w.belief(d.shares.back())) : 1);
    }
    return d;
}

void verify(Draft& d, uint64_t seed, int sequence, int64_t round) {
    while (d.accepted < d.kept && sample::uniform(100 + seed, uint32_t(sequence * 100 + d.accepted), round) <
                                      d.shares[size_t(d.accepted)])
        ++d.accepted;
}

/// Sequences that run in a world. Without a setting controllers choose, and thresholds where the drafter says how sure it is.
class Life {
public:
    Life(const World& world, uint64_t seed, std::optional<Setting> setting)
        : w_(world), seed_(seed), setting_(setting), B_(size_t(w_.sequences)), controllers_(B_, spec::Controller(most, w_.least)),
          thresholds_(B_), tokens_(B_) {}

    /// Until they have as many tokens as `rounds` plain rounds give: schedules go by tokens, as a text's do.
    Result live(int rounds) {
        const double end = double(rounds) * w_.length * w_.sequences;
        Result r;
        int64_t late = 0;
        for (int64_t i = 0; r.tokens < end; ++i) {
            const int sum = round(i, r);
            if (r.tokens > 0.9 * end) r.late_drafts += double(sum) / w_.sequences, ++late;
        }
        r.late_drafts /= double(std::max<int64_t>(late, 1));
        return r;
    }

private:
    bool plain(size_t s) const { return int(s) < w_.plain; }
    bool reading(int64_t round) const { return round < w_.reading; }

    /// Expected of each, and chosen where controllers choose.
    spec::Company choose() {
        std::vector<spec::Member> members(B_);
        for (size_t s = size_t(w_.plain); s < B_; ++s) {
            const spec::Controller& c = controllers_[s];
            members[s] = {"it", c.tokens(c.best()), c.drafts(c.best()), c.best()};
        }
        spec::Company company(costs_, std::move(members));
        for (size_t s = size_t(w_.plain); s < B_; ++s) {
            spec::Controller& c = controllers_[s];
            const int n = c.choose(costs_, company.others_of(s));
            company.change(s, c, n, n == c.best());
        }
        company.level();
        return company;
    }

    int asked(const std::optional<spec::Company>& company, size_t s) const {
        return plain(s) ? 0 : company ? (*company)[s].asked : setting_->n;
    }

    /// What of a draft is verified.
    void cut(size_t s, Draft& d, std::optional<spec::Company>& company) {
        if (setting_) {
            d.kept = 0;
            while (d.kept < d.asked && d.beliefs[size_t(d.kept)] >= setting_->p_min) ++d.kept;
        } else if (w_.belief) {
            const double others = company->drafts() - (*company)[s].drafts;
            d.kept = thresholds_[s].keep(d.beliefs, [&](int m) { return costs_.rest(w_.sequences, others + m); },
                                         costs_.rate(w_.sequences), w_.sequences, w_.least);
        }
        if (d.kept < w_.least) d.kept = 0;
        if (company) company->know(s, d.kept);
    }

    int round(int64_t i, Result& r) {
        std::optional<spec::Company> company;
        if (!setting_) company.emplace(choose());
        const double token = r.tokens / w_.sequences;
        std::vector<Draft> drafts;
        int longest = 0, sum = 0, asking = 0;
        for (size_t s = 0; s < B_; ++s) {
            const int n = asked(company, s);
            drafts.push_back(drafted(w_, seed_, int(s), i, tokens_[s], reading(i) ? 0 : n));
            longest = std::max(longest, n), asking += n > 0;
            cut(s, drafts.back(), company);
            if (company) verify(drafts.back(), seed_, int(s), i);
            sum += drafts.back().kept;
        }
        const double drafting = longest == 0 ? 0 : reading(i) ? w_.reads : w_.drafting(longest, token);
        const double rest = w_.rest(sum, token) * (known_.insert(sum).second ? w_.first : 1);
        for (size_t s = 0; s < B_; ++s) r.tokens += drafts[s].expected(), tokens_[s] += drafts[s].expected();
        r.seconds += drafting + rest;
        if (company) learn(drafts, i, asking, longest, drafting, rest);
        return sum;
    }

    void learn(const std::vector<Draft>& drafts, int64_t round, int asking, int longest, double drafting, double rest) {
        int64_t emitted = 0;
        int sum = 0;
        for (size_t s = 0; s < B_; ++s) {
            const Draft& d = drafts[s];
            emitted += d.accepted + 1, sum += d.kept;
            if (plain(s) || reading(round)) continue;
            controllers_[s].learn(d.asked, d.kept, d.accepted);
            for (int k = 0; k < std::min(d.accepted + 1, d.kept); ++k)
                thresholds_[s].learn(d.beliefs[size_t(k)], k < d.accepted);
        }
        const auto noisy = [&](uint32_t which) { return 1 + 0.2 * (sample::uniform(seed_, which, round) - 0.5); };
        if (longest > 0 && !reading(round)) costs_.add_drafting("it", asking, longest, drafting * noisy(1));
        costs_.add_rest(w_.sequences, sum, rest * noisy(2));
        costs_.add_yield(w_.sequences, emitted, (drafting + rest) * noisy(2));
    }

    const World& w_;
    uint64_t seed_;
    std::optional<Setting> setting_;
    size_t B_;
    spec::RoundCosts costs_;
    std::vector<spec::Controller> controllers_;
    std::vector<spec::Threshold> thresholds_;
    std::vector<double> tokens_;
    std::set<int> known_;  // numbers of drafts that there were
};

struct Fixed {
    Setting best;
    double speed = 0, plain = 0;
};

/// The best fixed setting, whose luck plays no part where what stands does not hang on it.
Fixed best_fixed(const World& w, uint64_t seed, int rounds) {
    Fixed f;
    for (int n = 0; n <= most; ++n)
        for (const double p : {0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}) {
            if ((p > 0 && (!w.belief || n == 0)) || (n > 0 && n < w.least)) break;
            const double speed = Life(w, seed, Setting{n, p}).live(rounds / (w.belief ? 4 : 1)).speed();
            if (n == 0) f.plain = speed;
            if (speed > f.speed) f.speed = speed, f.best = {n, p};
        }
    if (w.belief) f.speed = Life(w, seed, f.best).live(rounds).speed();
    return f;
}

/// The worst of several seeds.
Regret regret_of(const World& w, int rounds, int runs, uint64_t first_seed) {
    Regret worst{.world = w.name, .p_auto = bool(w.belief), .sequences = w.sequences, .regret = -1, .to_plain = 1e9};
    Fixed fixed;
    for (int run = 0; run < runs; ++run) {
        const uint64_t seed = first_seed + uint64_t(run);
        if (run == 0 || w.belief) fixed = best_fixed(w, seed, rounds);
        const Result mine = Life(w, seed, {}).live(rounds);
        if (const double regret = 1 - mine.speed() / fixed.speed; regret > worst.regret)
            worst.regret = regret, worst.best_n = fixed.best.n, worst.best_p = fixed.best.p_min;
        worst.to_plain = std::min(worst.to_plain, mine.speed() / fixed.plain);
        worst.drafts = std::max(worst.drafts, mine.late_drafts);
    }
    return worst;
}

}  // namespace

std::vector<Regret> controller_regrets(int rounds, int runs, uint64_t first_seed) {
    std::vector<Regret> list;
    for (const World& w : controller_worlds()) list.push_back(regret_of(w, rounds, runs, first_seed));
    return list;
}

bool controller_repeats() {
    for (const World& w : controller_worlds())
        if (Life(w, 1, {}).live(500).seconds != Life(w, 1, {}).live(500).seconds) return false;
    return true;
}

}  // namespace rw::tools
