#include "cpu/pool.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "cpu/cpu.h"

namespace rw::cpu {
namespace {

// gate_: the lowest bits count the helpers that are in, then one bit says open, the rest is the number of the job.
constexpr uint64_t kOpen = uint64_t{1} << 16, kHelpers = kOpen - 1, kJob = kOpen << 1;

/// How long a helper looks for the next job before it sleeps: longer than the time between two ops of a token, shorter
/// than anyone would notice.
constexpr std::chrono::microseconds kPatience{50};

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

Pool::Pool(int64_t most) : most_(std::min<int64_t>(most, kHelpers)), process_(getpid()) {}

Pool::~Pool() {
    stop_ = true;
    ++bell_;
    bell_.notify_all();
    for (std::thread& t : helpers_) {
        if (getpid() == process_) t.join();
        else t.detach();  // a forked process has none of the threads
    }
}

void Pool::run(int64_t team, int64_t units, Body body, const void* context) {
    team = std::min({team, units, most_ + 1});
    if (team <= 1 || stop_ || taken_.exchange(true, std::memory_order_acquire)) {
        const FlushDenormals flush;
        for (int64_t unit = 0; unit < units; ++unit) body(context, unit, 0);
        return;
    }
    start(team - 1);
    job_ = {body, context, units, team};
    next_.store(0, std::memory_order_relaxed);
    const uint64_t job = (gate_.load(std::memory_order_relaxed) / kJob + 1) * kJob;
    gate_.store(job | kOpen);
    ++bell_;
    bell_.notify_all();
    work(job_, 0);
    gate_.fetch_and(~kOpen);
    for (int turns = 0; gate_.load(std::memory_order_acquire) & kHelpers; ++turns)
        if (turns < 1000) pause();
        else std::this_thread::yield();  // its helper may need this very core to finish
    taken_.store(false, std::memory_order_release);
}

void Pool::work(const Job& job, int64_t worker) {
    const FlushDenormals flush;
    for (int64_t unit; (unit = next_.fetch_add(1, std::memory_order_relaxed)) < job.units;)
        job.body(job.context, unit, worker);
}

/// Threads that are missing. When the system gives no more, there are fewer helpers and the work is done all the same.
void Pool::start(int64_t helpers) {
    if (int64_t(helpers_.size()) >= helpers || getpid() != process_) return;
    sigset_t all, before;  // signals are for the threads of the program, not for ours
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        while (int64_t(helpers_.size()) < helpers)
            helpers_.emplace_back([this, worker = int64_t(helpers_.size()) + 1] { help(worker); });
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// True when the job at the gate is new to this helper and wants it: it is then counted as in.
bool Pool::enter(int64_t worker, uint64_t& seen) {
    uint64_t gate = gate_.load(std::memory_order_acquire);
    while ((gate & kOpen) && gate / kJob != seen) {
        if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) continue;
        seen = gate / kJob;
        if (worker < job_.team) return true;
        gate_.fetch_sub(1, std::memory_order_release);
    }
    return false;
}

void Pool::help(int64_t worker) {
    using Clock = std::chrono::steady_clock;
    uint64_t seen = 0;
    while (!stop_) {
        const uint32_t bell = bell_.load(std::memory_order_acquire);
        if (enter(worker, seen)) {
            work(job_, worker);
            gate_.fetch_sub(1, std::memory_order_release);
            continue;
        }
        const Clock::time_point start = Clock::now();
        while (bell_.load(std::memory_order_relaxed) == bell && Clock::now() - start < kPatience)
            for (int turn = 0; turn < 16; ++turn) pause();
        if (bell_.load(std::memory_order_relaxed) == bell) bell_.wait(bell);
    }
}

}  // namespace rw::cpu
