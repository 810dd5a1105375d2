// Random calls beyond the case lists, for every op on every implementation of every device: each suite draws its own
// words (Suite::random), now and then of sizes past the lists'. Two tests an op: Calls draws the same every time, NewCalls
// what nobody has drawn before, from the day's date. The seed is printed, and each failure prints a line that replays its
// call. REWIND_SEED=N is the seed of both, REWIND_ROUNDS=N and REWIND_SECONDS=N (a test of an op) make them longer.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/driver/case_run.h"

namespace rw::test {
namespace {

using Clock = std::chrono::steady_clock;
using Devices = std::vector<std::shared_ptr<core::Device>>;

constexpr uint64_t same_every_time = 20260921;

uint64_t from_environment(const char* name, uint64_t fallback) {
    const char* text = std::getenv(name);
    return text && *text ? std::strtoull(text, nullptr, 10) : fallback;
}

/// 20261121 on the 21st of November 2026, in UTC: two machines that test one commit on one day draw the same.
uint64_t today() {
    const std::chrono::year_month_day d{std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())};
    return uint64_t(int(d.year())) * 10000 + unsigned(d.month()) * 100 + unsigned(d.day());
}

const bool no_selftest = [] {  // every kernel is compared with the reference here
    return setenv("REWIND_SELFTEST", "0", 0) == 0;
}();

struct Random : testing::TestWithParam<const ops::Op*> {
    const ops::Op& op = *GetParam();
    uint64_t seed = 0;
    uint64_t telling = 0;  // rounds in which a comparison passed that could have failed

    void round(uint64_t number, const Devices& devices) {
        Dice dice(seed, number);
        std::string line = suite_of(op).random(dice);
        line.erase(0, line.find_first_not_of(' '));
        bool told = false;
        try {
            CaseRun run(op, line, seed + number);
            for (const auto& device : devices)
                for (const Finding& f : run.on(device)) {
                    told = told || f.result == Result::passed;
                    EXPECT_NE(f.result, Result::failed)
                        << (f.notes.empty() ? "" : f.notes[0]) << "\n  replay: " << replay(f, seed + number);
                }
        } catch (const Error& e) {
            ADD_FAILURE() << "round " << number << " drew a line that is no case: " << line << "\n  " << e.what();
        }
        telling += told;
    }

    void rounds(uint64_t fallback_seed) {
        seed = from_environment("REWIND_SEED", fallback_seed);
        const uint64_t most = from_environment("REWIND_ROUNDS", 24);
        const std::chrono::seconds budget(from_environment("REWIND_SECONDS", 6));
        ASSERT_TRUE(suite_of(op).random) << "tests/ops/" << op.stem << ".cpp: the suite draws no random calls";
        Devices cpu, others;
        for (const core::DeviceInfo& info : core::devices())
            (info.id.starts_with("cpu") ? cpu : others).push_back(core::open(info.id));
        std::cout << op.name << ": REWIND_SEED=" << seed << std::endl;  // before a call that might not come back
        const auto start = Clock::now();
        uint64_t done = 0, elsewhere = 0;
        while (done < most && Clock::now() - start < budget / 3) round(done++, cpu);
        // Every new combination costs a GPU driver up to seconds of compiling: most of the time is theirs, and the calls are
        // their own. Which calls they are must not hang on how many the CPU had time for.
        constexpr uint64_t first_elsewhere = 1'000'000, least_elsewhere = 2;
        while (!others.empty() && elsewhere < most && (elsewhere < least_elsewhere || Clock::now() - start < budget))
            round(first_elsewhere + elsewhere++, others);
        std::cout << done << " rounds on the CPU, " << elsewhere << " on other devices (REWIND_ROUNDS, REWIND_SECONDS)\n";
        EXPECT_GT(telling, (done + elsewhere) / 2);
    }
};

TEST_P(Random, Calls) { rounds(same_every_time); }
TEST_P(Random, NewCalls) { rounds(today()); }

std::vector<const ops::Op*> every_op() {
    std::vector<const ops::Op*> list;
    for (const ops::Op& op : ops::all()) list.push_back(&op);
    return list;
}
INSTANTIATE_TEST_SUITE_P(Ops, Random, testing::ValuesIn(every_op()), [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace rw::test
