// Threads that help the calling one. What sets them apart from an OpenMP team: nobody waits for a thread that has not
// come. Units are taken one by one, by each thread from a share of its own, whose units follow one another as what they
// read does in memory, and then from what others have left; the caller takes them too, and when there are none left it
// waits for those helpers only that are at one. On a machine whose other cores are busy a call costs what it costs on one
// thread, where a barrier costs a time slice of the scheduler. docs/decisions/0006-own-threads.md
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace rw::cpu {

class Pool {
public:
    using Body = void (*)(const void* context, int64_t unit, int64_t worker);

    /// most: helpers at most. They start with the first call that has work for them.
    explicit Pool(int64_t most);
    /// No other thread may be in run by then; a call that is made later stays on its own thread.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// body(context, unit, worker) for unit = 0 .. units - 1 on the caller (worker 0) and up to team - 1 helpers (worker
    /// 1 .. most), denormals flushed; returns when all are done. From any thread: a call that finds the helpers at work
    /// for another one, or is made by a unit, stays on its own thread as that call's worker 0. So does every call in a
    /// forked process, which has none of the threads. body must not throw.
    void run(int64_t team, int64_t units, Body body, const void* context);

private:
    struct Job {
        Body body = nullptr;
        const void* context = nullptr;
        int64_t team = 0;
    };
    struct alignas(64) Share {
        std::atomic<int64_t> next{0};  // unit that nobody has yet
        int64_t end = 0;
    };
    struct Helper {
        alignas(64) std::atomic<uint32_t> asleep{0};
        std::thread thread;
    };
    void start(int64_t helpers);
    void help(Helper& me, int64_t worker);
    bool enter(int64_t worker, uint64_t& seen);
    void work(int64_t worker) noexcept;
    void wake_next();

    const int64_t most_, process_;
    bool no_more_ = false;                       // the system has refused a thread
    std::vector<std::unique_ptr<Helper>> helpers_;  // worker - 1; like job_, changed while the gate is shut and nobody in
    Job job_;
    const std::unique_ptr<Share[]> shares_;      // a worker's first units; changed like job_
    alignas(64) std::atomic<uint64_t> gate_{0};  // number of the job, its team, whether it is open, helpers that are in
    alignas(64) std::atomic<int64_t> woken_{0};  // helpers that have been called to the job
    alignas(64) std::atomic<bool> taken_{false};
    std::atomic<bool> stop_{false};
};

}  // namespace rw::cpu
