// What rounds cost: learnt from noisy times, of a device that changes, and kept in files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "runtime/checksum.h"
#include "runtime/sample/random.h"
#include "runtime/spec/cost_file.h"
#include "runtime/spec/model_drafter.h"
#include "tests/runtime/runtime_fixture.h"

namespace rw::test {
namespace {

/// A time of `seconds`, give or take a tenth.
double noisy(double seconds, int i) { return seconds * (1 + 0.2 * (sample::uniform(5, 0, i) - 0.5)); }

TEST(RoundCosts, DrawsLinesBetweenWhatItKnows) {
    spec::RoundCosts costs;
    EXPECT_EQ(costs.rest(1, 3), 0);
    for (int i = 0; i < 60; ++i) costs.add_rest(1, 0, noisy(1, i)), costs.add_rest(1, 4, noisy(1.4, 100 + i));
    EXPECT_NEAR(costs.rest(1, 0), 1, 0.03);
    EXPECT_NEAR(costs.rest(1, 2), 1.2, 0.03);
    EXPECT_NEAR(costs.rest(1, 4), 1.4, 0.03);
    EXPECT_GT(costs.rest(1, 8), 1.4);
    EXPECT_LT(costs.rest(1, 8), 2);
    EXPECT_EQ(costs.rest(2, 0), 0);  // two sequences cost something else
    for (int i = 0; i < 20; ++i) costs.add_drafting("mtp", 1, 2, noisy(0.5, i));
    EXPECT_NEAR(costs.drafting("mtp", 1, 2, 1), 0.5, 0.03);
    EXPECT_NEAR(costs.drafting("mtp", 1, 4, 1), 1, 0.2);
    EXPECT_NEAR(costs.drafting("mtp", 1, 1, 1), 0.25, 0.05);
    EXPECT_EQ(costs.drafting("mtp", 1, 0, 1), 0);
    EXPECT_GT(costs.drafting("another", 1, 1, 1), 0);
}

TEST(RoundCosts, TheFirstTimeOfAShapeCountsLittle) {
    spec::RoundCosts costs;
    costs.add_rest(1, 0, 50), costs.add_rest(1, 0, 1), costs.add_rest(1, 0, 1);
    EXPECT_NEAR(costs.rest(1, 0), 1, 0.2);
    for (int i = 0; i < 20; ++i) costs.add_rest(1, 0, 1);
    costs.add_rest(1, 3, 50);
    EXPECT_LT(costs.rest(1, 3), 2);
    EXPECT_NEAR(costs.rest(1, 0), 1, 0.1);
}

TEST(RoundCosts, OneThatChangesRaisesTheOthers) {
    spec::RoundCosts costs;
    for (int i = 0; i < 100; ++i) costs.add_rest(1, i % 4, noisy(1 + 0.1 * (i % 4), i));
    int due = 0;
    const auto round = [&](double seconds, int i) { due += costs.plain_due(1), costs.add_rest(1, 2, noisy(seconds, i)); };
    for (int i = 0; i < 40; ++i) round(1.2, i);
    EXPECT_EQ(due, 0);
    for (int i = 0; i < 40; ++i) round(2.4, i);
    EXPECT_NEAR(costs.rest(1, 2), 2.4, 0.1);
    EXPECT_NEAR(costs.rest(1, 0), 2, 0.25);
    EXPECT_NEAR(costs.rest(1, 3), 2.6, 0.25);
    EXPECT_GT(due, 0);  // whether that is so for plain rounds is asked
    for (int i = 0; i < 40; ++i) costs.add_rest(1, 2, noisy(0.3, i));
    EXPECT_NEAR(costs.rest(1, 2), 0.3, 0.02);
}

/// Whatever times it is given, what it believes is a time.
TEST(RoundCosts, OddTimesAreIgnored) {
    spec::RoundCosts costs;
    for (const double seconds : {double(NAN), double(INFINITY), -double(INFINITY), -1.0, 0.0, 1e-300, 3600.0, 1e300}) {
        costs.add_rest(1, 0, seconds), costs.set_rest(0, 0, seconds);
        costs.add_drafting("it", 1, 1, seconds), costs.set_drafting("it", 0, 1, seconds);
    }
    costs.add_rest(1, -1, 1);
    EXPECT_EQ(costs.rest(1, 0), 0);
    for (int i = 0; i < 300; ++i) {
        costs.add_rest(1, i % 65, std::pow(10.0, 12 * sample::uniform(1, 0, i) - 9));
        for (const int x : {0, 1, 9, 64, 100000}) {
            ASSERT_GT(costs.rest(1, x), 0);
            ASSERT_TRUE(std::isfinite(costs.rest(1, x)));
        }
    }
}

/// A file that says so does not keep it from learning what is true.
TEST(RoundCosts, FalseMemoriesAreOvercome) {
    for (const double factor : {1e-4, 0.1, 10.0, 1e4}) {
        spec::RoundCosts costs;
        for (const int n : {0, 1, 2, 4, 8}) costs.set_rest(0, n, 0.01 * factor * (1 + 0.1 * n));
        for (int i = 0; i < 100; ++i) costs.add_rest(1, i % 4, noisy(0.01 * (1 + 0.1 * (i % 4)), i));
        EXPECT_NEAR(costs.rest(1, 0), 0.01, 0.001) << factor;
        EXPECT_NEAR(costs.rest(1, 3), 0.013, 0.0015) << factor;
    }
}

class CostFile : public testing::Test {
protected:
    std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("rewind-costs-" + std::to_string(getpid()));
    std::unique_ptr<model::Context> context_ = make();
    void TearDown() override { std::filesystem::remove_all(folder_); }
    static std::unique_ptr<model::Context> make(model::StateForm form = model::StateForm::ring, int64_t draft_vocab = 0) {
        model::Options o;
        o.pools.context = 64, o.chunk = 16, o.pools.form = form, o.draft_vocab = draft_vocab;
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
    for (int i = 0; i < 30; ++i)
        costs.add_rest(1, 0, 0.5), costs.add_rest(1, 3, 0.75), costs.add_rest(9, 96, 2), costs.add_drafting("ngram-map,mtp", 2, 4, 0.25);
    EXPECT_EQ(file.save(costs), "");
    EXPECT_EQ(file.load(again), "");
    EXPECT_NEAR(again.rest(1, 0), 0.5, 0.01);
    EXPECT_NEAR(again.rest(1, 3), 0.75, 0.01);
    EXPECT_NEAR(again.rest(9, 96), 2, 0.04);
    EXPECT_NEAR(again.drafting("ngram-map,mtp", 2, 4, 1), 0.25, 0.01);
    EXPECT_FALSE(again.plain_due(1));
    EXPECT_NE(spec::CostFile(*make(model::StateForm::snapshots), folder_ / "new").path(), file.path());
    EXPECT_NE(spec::CostFile(*make(model::StateForm::ring, 9), folder_ / "new").path(), file.path());
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
    for (const char* line : {"- 0 0 -1\n", "- 0 0 0\n", "- 0 0 1e-30\n", "- 0 0 3600\n", "- 0 0 inf\n", "- 0 0 -nan\n", "- 0 0 nan\n", "- 0 0 1e9\n", "- 10 0 1\n", "- 0 -1 1\n", "- 0 99999999 1\n", "mtp 0 0 1\n",
                             "mtp 0 65 1\n", "- 0 0 1 1\n", "-\n", "\n"})
        refused(summed(line), "out of range");
    write(file.path(), summed("- 0 0 1\n"));
    spec::RoundCosts found;
    EXPECT_EQ(file.load(found), "");
    EXPECT_NEAR(found.rest(1, 0), 1, 1e-6);
    const spec::CostFile other(*make(model::StateForm::snapshots), folder_);
    std::filesystem::copy_file(file.path(), other.path());
    EXPECT_NE(other.load(found).find("of another model"), std::string::npos);
    EXPECT_NE(spec::CostFile(*context_, file.path() / "below a file").save(costs), "");
}

/// What drafting takes is another matter for another second model.
TEST_F(CostFile, SecondModelsAreToldApart) {
    gguf::Recipe recipe;
    recipe.seed = 7;
    const auto drafting = [&](std::shared_ptr<const model::Model> m) {
        const model::Options o = spec::ModelDrafter::options(context_->options(), *m);
        return spec::ModelDrafter(context_->model(), std::make_shared<model::Context>(m, core::open("cpu"), o)).name();
    };
    const std::string one = drafting(random_model()), other = drafting(random_model(recipe, "another"));
    EXPECT_EQ(one, drafting(random_model()));
    EXPECT_NE(one, other);
    EXPECT_EQ(one.find_first_of(" \n\t"), one.npos);  // a word of a line
    const spec::CostFile file(*context_, folder_);
    spec::RoundCosts costs, again;
    for (int i = 0; i < 9; ++i) costs.add_drafting(one, 1, 1, 0.001), costs.add_drafting(other, 1, 1, 0.1);
    EXPECT_EQ(file.save(costs), "");
    EXPECT_EQ(file.load(again), "");
    EXPECT_NEAR(again.drafting(one, 1, 1, 1), 0.001, 1e-5);
    EXPECT_NEAR(again.drafting(other, 1, 1, 1), 0.1, 1e-3);
}

}  // namespace
}  // namespace rw::test
