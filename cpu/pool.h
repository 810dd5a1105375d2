// Threads that help the calling one. What sets them apart from an OpenMP team: nobody waits for a thread that has not
// come. Units are taken one by one; the caller takes them too, and when there are none left it waits for those helpers
// only that have one in hand. On a machine whose other cores are busy a call costs what it costs on one thread, where a
// barrier costs a time slice of the scheduler. docs/decisions/0006-own-threads.md
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace rw::cpu {

class Pool {
public:
    using Body = void (*)(const void* context, int64_t unit, int64_t worker);

    /// most: helpers at most. They start with the first call that has work for them.
    explicit Pool(int64_t most);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// body(context, unit, worker) for unit = 0 .. units - 1 on the caller (worker 0) and up to team - 1 helpers (worker
    /// 1 .. most), denormals flushed; returns when all are done. From any thread: a call that finds the helpers at work
    /// for another one, or is made by a unit, stays on its own thread. body must not throw.
    void run(int64_t team, int64_t units, Body body, const void* context);

private:
    struct Job {
        Body body = nullptr;
        const void* context = nullptr;
        int64_t units = 0, team = 0;
    };
    void start(int64_t helpers);
    void help(int64_t worker);
    bool enter(int64_t worker, uint64_t& seen);
    void work(const Job& job, int64_t worker);

    const int64_t most_, process_;
    Job job_;                                 // written while the gate is shut and nobody is in
    alignas(64) std::atomic<uint64_t> gate_{0};  // number of the job, whether it is open, helpers that are in
    alignas(64) std::atomic<int64_t> next_{0};   // unit that nobody has yet
    alignas(64) std::atomic<uint32_t> bell_{0};  // changes when a job opens: what sleeping helpers wait on
    std::atomic<bool> taken_{false}, stop_{false};
    std::vector<std::thread> helpers_;
};

}  // namespace rw::cpu
