#include "cpu/pool.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "cpu/cpu.h"

namespace rw::cpu {
namespace {

// gate_: helpers that are in (16 bits), open (1 bit), threads of the team (16 bits), number of the job (31 bits).
constexpr uint64_t kHelpers = 0xffff, kOpen = 1 << 16, kTeam = kOpen << 1, kJob = kTeam << 16;

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

/// Blocks the signals that a program handles on threads of its own; those a fault raises stay where the fault is.
struct QuietSignals {
    sigset_t before;
    QuietSignals() {
        sigset_t most;
        sigfillset(&most);
        for (const int own : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) sigdelset(&most, own);
        pthread_sigmask(SIG_SETMASK, &most, &before);
    }
    ~QuietSignals() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
};

}  // namespace

Pool::Pool(int64_t most)
    : most_(std::clamp<int64_t>(most, 0, kHelpers - 1)), process_(getpid()), shares_(new Share[size_t(most_) + 1]) {}

Pool::~Pool() {
    if (getpid() != process_) {  // the handles of threads that a fork has not got may not even be detached
        for (auto& helper : helpers_) (void)helper.release();
        return;
    }
    stop_ = true;
    for (auto& helper : helpers_) helper->asleep = 0, helper->asleep.notify_one();
    for (auto& helper : helpers_) helper->thread.join();
}

void Pool::run(int64_t team, int64_t units, Body body, const void* context) {
    team = std::min({team, units, most_ + 1});
    if (team <= 1 || stop_ || getpid() != process_ || taken_.load(std::memory_order_relaxed) ||
        taken_.exchange(true, std::memory_order_acquire)) {
        const FlushDenormals flush;
        for (int64_t unit = 0; unit < units; ++unit) body(context, unit, 0);
        return;
    }
    start(team - 1);
    job_ = {body, context, team};
    for (int64_t i = 0; i < team; ++i) {
        shares_[size_t(i)].next.store(units * i / team, std::memory_order_relaxed);
        shares_[size_t(i)].end = units * (i + 1) / team;
    }
    woken_.store(0, std::memory_order_relaxed);
    const uint64_t number = gate_.load(std::memory_order_relaxed) / kJob + 1;
    gate_.store(number * kJob + uint64_t(team) * kTeam + kOpen);
    wake_next();
    work(0);
    gate_.fetch_and(~kOpen);
    for (int turns = 0; gate_.load(std::memory_order_acquire) & kHelpers; ++turns)
        if (turns < 1000) pause();
        else std::this_thread::yield();  // a helper may need this very core to finish
    taken_.store(false, std::memory_order_release);
}

/// Who is at work wakes another one before each unit: the first unit starts after one system call, however large the
/// team, and a sleeper whose core is busy holds nobody else back.
void Pool::work(int64_t worker) noexcept {
    const FlushDenormals flush;
    for (int64_t i = 0; i < job_.team; ++i) {
        Share& share = shares_[size_t((worker + i) % job_.team)];
        while (share.next.load(std::memory_order_relaxed) < share.end) {
            const int64_t unit = share.next.fetch_add(1, std::memory_order_relaxed);
            if (unit >= share.end) break;
            job_.body(job_.context, unit, worker);
            wake_next();
        }
    }
}

void Pool::wake_next() {
    const int64_t count = std::min(job_.team - 1, int64_t(helpers_.size()));
    while (woken_.load(std::memory_order_relaxed) < count) {
        const int64_t index = woken_.fetch_add(1, std::memory_order_relaxed);
        if (index >= count) return;
        std::atomic<uint32_t>& asleep = helpers_[size_t(index)]->asleep;
        if (asleep.load() == 0 || asleep.exchange(0) == 0) continue;  // it sees the gate by itself
        asleep.notify_one();
        return;
    }
}

/// Threads that are missing. When the system gives no more, there are fewer helpers and the work is done all the same.
void Pool::start(int64_t helpers) {
    if (no_more_ || int64_t(helpers_.size()) >= helpers) return;
    const QuietSignals quiet;
    try {
        helpers_.reserve(size_t(helpers));
        while (int64_t(helpers_.size()) < helpers) {
            auto helper = std::make_unique<Helper>();
            const int64_t worker = int64_t(helpers_.size()) + 1;
            helper->thread = std::thread([this, me = helper.get(), worker] { help(*me, worker); });
            helpers_.push_back(std::move(helper));
        }
    } catch (const std::exception&) {
        no_more_ = true;
    }
}

/// True when the job at the gate is open, new to this helper and has a place for it, which is then counted as in.
bool Pool::enter(int64_t worker, uint64_t& seen) {
    uint64_t gate = gate_.load();
    while ((gate & kOpen) && gate / kJob != seen) {
        if (worker >= int64_t(gate / kTeam & kHelpers)) {
            seen = gate / kJob;
        } else if (gate_.compare_exchange_weak(gate, gate + 1)) {
            seen = gate / kJob;
            return true;
        }
    }
    return false;
}

void Pool::help(Helper& me, int64_t worker) {
    using Clock = std::chrono::steady_clock;
    uint64_t seen = 0;
    const auto served = [&] {
        if (!enter(worker, seen)) return false;
        work(worker);
        gate_.fetch_sub(1, std::memory_order_release);
        return true;
    };
    while (!stop_) {
        if (served()) continue;
        const Clock::time_point start = Clock::now();
        bool came = false;
        while (!came && Clock::now() - start < kPatience) {
            for (int turn = 0; turn < 16; ++turn) pause();
            came = served();
        }
        if (came) continue;
        // Said first, looked at last: whoever opens the gate or stops the pool later than this look finds the flag.
        me.asleep = 1;
        if (stop_ || served()) {
            me.asleep = 0;
            continue;
        }
        me.asleep.wait(1);
    }
}

}  // namespace rw::cpu
