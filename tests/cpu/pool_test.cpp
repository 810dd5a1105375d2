// The threads of the CPU backend: every unit once, whoever asks and whatever the helpers are doing.
#include "cpu/pool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/driver/crash.h"

namespace rw::cpu {
namespace {

/// Counts how often each unit ran and on which worker.
struct Tally {
    explicit Tally(int64_t units) : runs(size_t(units)) {}
    std::vector<std::atomic<int>> runs;
    std::mutex mutex;
    std::set<int64_t> workers;

    void run(Pool& pool, int64_t team) {
        pool.run(team, int64_t(runs.size()), [](const void* context, int64_t unit, int64_t worker) {
            Tally& t = *static_cast<Tally*>(const_cast<void*>(context));
            ++t.runs[size_t(unit)];
            const std::lock_guard lock(t.mutex);
            t.workers.insert(worker);
        }, this);
    }
    bool once() const {
        for (const auto& n : runs)
            if (n != 1) return false;
        return true;
    }
};

TEST(Pool, RunsEveryUnitOnce) {
    Pool pool(3);
    for (const int64_t team : {1, 2, 4, 9})
        for (const int64_t units : {0, 1, 2, 3, 50, 1000}) {
            Tally tally(units);
            tally.run(pool, team);
            EXPECT_TRUE(tally.once()) << team << " threads, " << units << " units";
            for (const int64_t w : tally.workers) EXPECT_LT(w, std::min<int64_t>(team, 4));
        }
}

TEST(Pool, ManyShortCallsInARow) {
    Pool pool(2);
    std::atomic<int64_t> sum{0};
    for (int call = 0; call < 20000; ++call) {
        pool.run(3, 4, [](const void* context, int64_t unit, int64_t) {
            *static_cast<std::atomic<int64_t>*>(const_cast<void*>(context)) += unit;
        }, &sum);
        ASSERT_EQ(sum, (call + 1) * 6) << "the call came back before its units were done";
    }
}

/// Helpers do come: a unit that waits for another worker to have started ends.
TEST(Pool, HelpersHelp) {
    Pool pool(1);
    std::atomic<int> in{0};
    pool.run(2, 2, [](const void* context, int64_t, int64_t) {
        auto& in = *static_cast<std::atomic<int>*>(const_cast<void*>(context));
        ++in;
        while (in < 2) std::this_thread::yield();
    }, &in);
    EXPECT_EQ(in, 2);
}

TEST(Pool, CallersFromManyThreadsAndFromUnits) {
    Pool pool(2);
    std::vector<std::thread> callers;
    std::atomic<int> right{0};
    for (int i = 0; i < 4; ++i)
        callers.emplace_back([&] {
            for (int call = 0; call < 500; ++call) {
                Tally tally(7);
                tally.run(pool, 3);
                right += tally.once();
            }
        });
    for (std::thread& t : callers) t.join();
    EXPECT_EQ(right, 4 * 500);

    Pool* inside = &pool;
    pool.run(3, 5, [](const void* context, int64_t, int64_t) {
        Tally tally(6);
        tally.run(**static_cast<Pool* const*>(context), 3);
        EXPECT_TRUE(tally.once());
    }, &inside);
}

/// Scratch goes by worker: no two units of a call share one at the same time.
TEST(Pool, AWorkerHasOneUnitAtATime) {
    Pool pool(3);
    std::array<std::atomic<int>, 4> busy{};
    for (int call = 0; call < 200; ++call)
        pool.run(4, 64, [](const void* context, int64_t, int64_t worker) {
            auto& busy = *static_cast<std::array<std::atomic<int>, 4>*>(const_cast<void*>(context));
            EXPECT_EQ(busy[size_t(worker)]++, 0);
            std::this_thread::yield();
            --busy[size_t(worker)];
        }, &busy);
}

/// Helpers that are starting, looking or asleep when the pool goes.
TEST(Pool, EndsWhateverItsHelpersDo) {
    for (int i = 0; i < 300; ++i) {
        Pool pool(3);
        Tally tally(4);
        tally.run(pool, 4);
        if (i % 3) std::this_thread::sleep_for(std::chrono::microseconds(i));
        EXPECT_TRUE(tally.once());
    }
}

/// A fault in a helper reaches the handlers of the program, the driver's note among them.
TEST(PoolDeathTest, AFaultInAHelperIsHeard) {
    EXPECT_DEATH({
        const test::CrashNote note("the call of this test");
        Pool pool(1);
        std::atomic<int> in{0};
        pool.run(2, 2, [](const void* context, int64_t, int64_t worker) {
            auto& in = *static_cast<std::atomic<int>*>(const_cast<void*>(context));
            ++in;
            while (in < 2) std::this_thread::yield();
            if (worker == 1) raise(SIGSEGV);
            while (true) std::this_thread::yield();
        }, &in);
    }, "crashed in: the call of this test");
}

TEST(Pool, AForkedProcessDoesItsWorkAlone) {
    Pool pool(15);
    Tally before(100);
    before.run(pool, 16);
    const pid_t child = fork();
    if (child == 0) {
        Tally tally(10);
        tally.run(pool, 16);
        for (int i = 0; i < 2; ++i) std::thread([] {}).join();  // reuses the stacks of the helpers that it has not got
        pool.~Pool();
        _exit(tally.once() && tally.workers == std::set<int64_t>{0} ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(before.once());
}

}  // namespace
}  // namespace rw::cpu
