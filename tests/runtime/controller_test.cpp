// The choice of how much to draft, against made-up devices whose costs and acceptance are known (tools/controller_suite).
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "runtime/checksum.h"
#include "runtime/spec/company.h"
#include "runtime/spec/cost_file.h"
#include "runtime/spec/threshold.h"
#include "tests/runtime/runtime_fixture.h"
#include "tools/controller_suite.h"

namespace rw::test {
namespace {

TEST(Controller, IsNearTheBestFixedSetting) {
    for (const tools::Regret& r : tools::controller_regrets(4000, 2)) {
        std::printf("%-28s best n %2d p %.1f, regret %6.2f %%, to plain %.3f\n", r.world.c_str(), r.best_n, r.best_p,
                    100 * r.regret, r.to_plain);
        EXPECT_LT(r.regret, 0.03) << r.world;
        EXPECT_GT(r.to_plain, 0.98) << r.world;
    }
}

TEST(Controller, DoesTheSameAgain) { EXPECT_TRUE(tools::controller_repeats()); }

/// One controller of `sequences` alike, after many rounds in which half of the tokens stand and rows cost `row` each.
int settled(int sequences, double row) {
    spec::RoundCosts costs;
    std::vector<spec::Controller> all(size_t(sequences), spec::Controller(16, "it"));
    for (int i = 0; i < 600; ++i) {
        std::vector<spec::Member> members;
        for (const spec::Controller& c : all) members.push_back({"it", c.tokens(c.best()), c.drafts(c.best()), c.best()});
        int drafts = 0, longest = 0;
        for (size_t s = 0; s < all.size(); ++s) {
            const int n = all[s].choose(costs, spec::others_of(members, s, costs));
            members[s] = {"it", all[s].tokens(n), all[s].drafts(n), n};
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
    for (const int limit : {0, 1, 7, 64}) {
        spec::RoundCosts costs;
        spec::Controller controller(limit);
        for (int i = 0; i < 500; ++i) {
            const int n = controller.choose(costs);
            ASSERT_GE(n, 0);
            ASSERT_LE(n, limit);
            costs.add_rest(1, n, 0.01 + 0.0001 * n);
            if (n) costs.add_drafting("", 1, n, 0.0001 * n);
            controller.learn(n, n, n);
        }
        EXPECT_EQ(controller.best(), limit);
        EXPECT_EQ(controller.parked_rounds() > 100, limit == 0);
    }
    EXPECT_THROW(spec::Controller(65), Error);
    EXPECT_THROW(spec::Controller(-1), Error);
}

TEST(Threshold, CutsWhatDoesNotPay) {
    spec::Threshold t;
    const auto seconds = [](int n) { return 0.01 * (1 + 0.4 * n); };
    const std::vector<float> chain{0.9f, 0.8f, 0.3f, 0.9f};
    EXPECT_EQ(t.keep(chain, seconds, 0, 1), 4);       // nothing is known of the rate
    EXPECT_EQ(t.keep(chain, seconds, 100, 1), 2);     // 0.9 and 0.72 tokens for 0.4 of one, then 0.216
    EXPECT_EQ(t.keep(chain, seconds, 10, 1), 4);      // slow anyway
    EXPECT_EQ(t.keep({}, seconds, 100, 1), 0);
    for (int i = 0; i < 100; ++i) t.learn(std::vector<float>{0.9f}, 0);  // it lies
    EXPECT_LT(t.share(0.9f), 0.1);
    EXPECT_EQ(t.keep(chain, seconds, 100, 1), 0);
    EXPECT_GE(t.share(std::nanf("")), 0);
}

TEST(RoundCosts, DrawsLinesBetweenWhatItKnows) {
    spec::RoundCosts costs;
    EXPECT_EQ(costs.rest(1, 3), 0);
    for (int i = 0; i < 3; ++i) costs.add_rest(1, 0, 1), costs.add_rest(1, 4, 2);
    EXPECT_DOUBLE_EQ(costs.rest(1, 2), 1.5);
    EXPECT_DOUBLE_EQ(costs.rest(1, 8), 3);
    EXPECT_EQ(costs.rest(2, 0), 0);  // two sequences cost something else
    costs.add_rest(2, 1, 5), costs.add_rest(2, 1, 4);
    EXPECT_DOUBLE_EQ(costs.rest(2, 1), 4);  // the first time of a shape is not kept
    costs.add_rest(1, 0, NAN), costs.add_rest(1, 0, -1);
    EXPECT_DOUBLE_EQ(costs.rest(1, 0), 1);
    for (int i = 0; i < 2; ++i) costs.add_drafting("mtp", 1, 2, 0.5);
    EXPECT_DOUBLE_EQ(costs.drafting("mtp", 1, 4, 1), 1);
    EXPECT_DOUBLE_EQ(costs.drafting("mtp", 1, 1, 1), 0.25);
    EXPECT_DOUBLE_EQ(costs.drafting("mtp", 1, 0, 1), 0);
    EXPECT_GT(costs.drafting("another", 1, 1, 1), 0);
}

class CostFile : public testing::Test {
protected:
    std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("rewind-costs-" + std::to_string(getpid()));
    std::unique_ptr<model::Context> context_ = make();
    void TearDown() override { std::filesystem::remove_all(folder_); }
    static std::unique_ptr<model::Context> make(model::StateForm form = model::StateForm::ring) {
        model::Options o;
        o.pools.context = 64, o.chunk = 16, o.pools.form = form;
        return std::make_unique<model::Context>(random_model(), core::open("cpu"), o);
    }
    static std::string read(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    static void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
};

TEST_F(CostFile, KeepsWhatWasLearnt) {
    const spec::CostFile file(*context_, folder_ / "new");
    spec::RoundCosts costs, again;
    EXPECT_EQ(file.load(again), "");
    EXPECT_EQ(again.rest(1, 0), 0);
    for (int i = 0; i < 3; ++i)
        costs.add_rest(1, 0, 0.5), costs.add_rest(1, 3, 0.75), costs.add_rest(9, 100, 2), costs.add_drafting("ngram-map,mtp", 2, 4, 0.25);
    EXPECT_EQ(file.save(costs), "");
    EXPECT_EQ(file.load(again), "");
    EXPECT_DOUBLE_EQ(again.rest(1, 3), 0.75);
    EXPECT_DOUBLE_EQ(again.rest(9, 100), 2);
    EXPECT_DOUBLE_EQ(again.drafting("ngram-map,mtp", 2, 4, 1), 0.25);
    EXPECT_FALSE(again.plain_due(1));
    EXPECT_NE(spec::CostFile(*make(model::StateForm::snapshots), folder_ / "new").path(), file.path());
    int files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_ / "new")) ++files;
    EXPECT_EQ(files, 1);  // nothing is left of writing it
}

TEST_F(CostFile, IgnoresWhatIsDamagedOrForeign) {
    const spec::CostFile file(*context_, folder_);
    spec::RoundCosts costs;
    for (int i = 0; i < 3; ++i) costs.add_rest(1, 0, 0.5);
    ASSERT_EQ(file.save(costs), "");
    const std::string good = read(file.path());
    const auto refused = [&](const std::string& text, const char* why) {
        write(file.path(), text);
        spec::RoundCosts found;
        const std::string problem = file.load(found);
        EXPECT_NE(problem.find(why), std::string::npos) << problem;
        EXPECT_EQ(found.rest(1, 0), 0);
    };
    for (size_t i = 0; i < good.size(); i += 7) {
        std::string bad = good;
        bad[i] = char(bad[i] ^ 1);
        refused(bad, "learnt anew");
        refused(good.substr(0, i), "damaged");
    }
    const auto summed = [&](const std::string& lines) {
        std::string text = good.substr(0, good.find("- 0 0")) + lines;
        Checksum sum;
        sum.add(std::as_bytes(std::span(text)));
        char digits[32];
        std::snprintf(digits, sizeof digits, "sum %016llx\n", static_cast<unsigned long long>(sum.value()));
        return text + digits;
    };
    for (const char* line : {"- 0 0 -1\n", "- 0 0 nan\n", "- 0 0 1e9\n", "- 10 0 1\n", "- 0 -1 1\n", "- 0 99999999 1\n", "mtp 0 0 1\n",
                             "mtp 0 65 1\n", "- 0 0 1 1\n", "-\n", "\n"})
        refused(summed(line), "out of range");
    write(file.path(), summed("- 0 0 1\n"));
    spec::RoundCosts found;
    EXPECT_EQ(file.load(found), "");
    EXPECT_DOUBLE_EQ(found.rest(1, 0), 1);
    const spec::CostFile other(*make(model::StateForm::snapshots), folder_);
    std::filesystem::copy_file(file.path(), other.path());
    EXPECT_NE(other.load(found).find("of another model"), std::string::npos);
    EXPECT_NE(spec::CostFile(*context_, file.path() / "below a file").save(costs), "");
}

}  // namespace
}  // namespace rw::test
