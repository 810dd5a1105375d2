// Drafts that stand by their probability leave the model's distribution as it is: rounds of the generator with a tiny model,
// against the probabilities of three tokens in a row, worked out from its logits.
#include <algorithm>
#include <array>
#include <map>

#include "runtime/spec/generator.h"
#include "tests/runtime/chi_square.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

using Three = std::array<int32_t, 3>;

/// Guesses what may come next, one rank for each sequence, from the most probable token to one that is never drawn.
struct Ranked : spec::Drafter {
    std::map<std::vector<int32_t>, std::vector<int32_t>> next;  // behind a text, the most probable first
    void draft(std::span<spec::DraftJob> jobs) override {
        for (spec::DraftJob& job : jobs) {
            std::vector<int32_t> text(job.known.text.begin(), job.known.text.end());
            for (auto at = next.find(text); at != next.end() && int(job.chain.size()) < job.most; at = next.find(text)) {
                text.push_back(at->second[job.known.id % at->second.size()]);
                job.chain.push_back({text.back(), 1});
            }
        }
    }
};

class RatioRounds : public testing::Test {
protected:
    static constexpr int at_once = 32;

    RatioRounds() {
        model::Options o;
        o.pools.context = 64, o.pools.most_exact = 3, o.pools.sequences = at_once + 1, o.chunk = 64, o.mtp = false;
        context_ = std::make_unique<model::Context>(random_model(), core::open("cpu"), o);
        start_.emplace(*context_);
        const auto prompt = some_tokens(24, 1);
        context_->run({start_->part(prompt)}, {.prefill = true, .rows = {int32_t(prompt.size()) - 1}});
        start_->advance(int64_t(prompt.size()));
        last_ = context_->candidates(0).front().token;
    }

    /// The probabilities of what follows `last_`; the drafter is told as well.
    std::map<Three, double> expected() {
        const sample::Sampler sampler(sampling_);
        std::map<Three, double> all;
        sequence::SequenceState state = start_->fork();
        Three three{};
        const auto follow = [&](const auto& self, size_t place, int32_t token, double share) -> void {
            if (place == three.size()) {
                all[three] = share;
                return;
            }
            const auto logits = run_exact(state, std::span(&token, 1)).front();
            const auto shares = sampler.distribution(logits);
            std::vector<int32_t> text{last_};
            text.insert(text.end(), three.begin(), three.begin() + std::ptrdiff_t(place));
            for (const auto& share : shares) drafter_.next[text].push_back(share.token);
            drafter_.next[text].push_back(int32_t(std::min_element(logits.begin(), logits.end()) - logits.begin()));
            for (const auto& [next, probability] : shares) {
                three[place] = next;
                self(self, place + 1, next, share * probability);
            }
            state.rollback(state.pos() - 1);
        };
        follow(follow, 0, last_, 1);
        return all;
    }

    /// How often each came, of so many texts by rounds with drafts of up to two.
    std::map<Three, int64_t> drawn(int64_t texts, bool ratio, double accept_rate) {
        std::map<Three, int64_t> counts;
        for (int64_t done = 0; done < texts; done += at_once) {
            spec::Generator generator(*context_, &drafter_);
            for (int64_t i = 0; i < at_once; ++i) {
                spec::Request r{.prompt = {}, .most_tokens = 4, .sampling = sampling_, .n_max = 2, .ratio = ratio, .accept_rate = accept_rate};
                r.sampling.seed = uint64_t(done + i);
                generator.resume(start_->fork(), last_, std::move(r));
            }
            while (generator.round()) {
            }
            for (const spec::Generation& g : generator.all()) {
                ++counts[{g.text.at(1), g.text.at(2), g.text.at(3)}];
                drafted_ += g.counts.drafted, accepted_ += g.counts.accepted;
            }
        }
        return counts;
    }

    static bool fits(const std::map<Three, double>& shares, std::map<Three, int64_t> counts) {
        std::vector<double> expected;
        std::vector<int64_t> found;
        for (const auto& [three, share] : shares) expected.push_back(share), found.push_back(counts[three]);
        return counts.size() == shares.size() && drawn_from(expected, found);  // and no others
    }

    sample::Options sampling_{.temperature = 1, .top_k = 6};
    std::unique_ptr<model::Context> context_;
    std::optional<sequence::SequenceState> start_;
    Ranked drafter_;
    int32_t last_ = 0;
    int64_t drafted_ = 0, accepted_ = 0;
};

TEST_F(RatioRounds, DrawWhatTheModelSays) {
    constexpr int64_t texts = 70016;  // of three tokens
    const auto shares = expected();
    EXPECT_EQ(shares.size(), 6u * 6 * 6);
    EXPECT_TRUE(fits(shares, drawn(texts, true, -1)));
    EXPECT_GT(accepted_, texts / 20);
    EXPECT_GT(drafted_ - accepted_, texts / 20);
    RecordProperty("drafted", std::to_string(drafted_)), RecordProperty("accepted", std::to_string(accepted_));
}

TEST_F(RatioRounds, WouldShowIfTheyDidNot) {
    constexpr int64_t texts = 10016;
    const auto shares = expected();
    EXPECT_TRUE(fits(shares, drawn(texts, false, -1)));    // drawn, and compared with the draft
    EXPECT_FALSE(fits(shares, drawn(texts, false, 0.9)));  // nearly all drafts stand, whatever the model says
}

}  // namespace
}  // namespace rw::test
