// One thread that has the model, and what everybody else may ask of it.
//
//     Engine engine(context, drafter, {.slots = 4});
//     auto job = engine.submit({.request = request});          // job.h: tokens as they come
//     engine.between([&](Engine::Inside& in) { ... });          // something on the engine's thread, between two calls
//
// Jobs wait first come, first served for one of `slots` places; those that have one run together: of each step the prompt
// call belongs to one of them in turn, the round to all. What a job gives is the same whoever else runs (generator.h).
// A step that throws ends the jobs that it was about, each with the reason, and the others go on.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <thread>

#include "runtime/serve/job.h"
#include "runtime/serve/totals.h"

namespace rw::serve {

/// A sequence that its job has left in the slot, to be gone on with, saved or erased.
struct Kept {
    sequence::SequenceState state;
    std::vector<int32_t> tokens;  // of which the state has taken in the first state.pos()
    double since;                 // by seconds_now()
};

struct Slot {
    std::shared_ptr<Job> job;          // null: free
    spec::Generation* generation = nullptr;
    size_t given = 0;                  // tokens of its text that the job has
    spec::Counts seen;                 // of its counts, what is in the totals
    double first_token = 0;
    std::optional<Kept> kept;          // without a job
};

struct Load {
    int running = 0, waiting = 0;
    bool closing = false;
};

class Engine {
public:
    struct Limits {
        int slots = 4;           // no more than the context has sequences
        int waiting = 64;        // jobs that may wait for a slot
        double stall = 120;      // seconds without progress after which it is no longer healthy
    };
    /// What errands see.
    struct Inside {
        model::Context& context;
        std::vector<Slot>& slots;
        spec::Generator& generator;
    };

    /// All have to outlive it and are its alone. The drafter and the cache may be null.
    Engine(model::Context& context, spec::Drafter* drafter, const Limits& limits, sequence::PrefixCache* cache = nullptr);
    /// Ends what runs.
    ~Engine();

    /// Throws Problem: 503 when too many wait, or when it is closing or broken.
    std::shared_ptr<Job> submit(Task task);
    /// Runs it on the engine's thread, between two steps, and returns when it has. Throws what it throws.
    void between(const std::function<void(Inside&)>& errand);

    Load load() const;
    Totals totals() const;
    /// Why it is not well; empty when it is.
    std::string ailment() const;

    /// Takes no more jobs, lets those that there are end, at most for so many seconds, and cancels the rest.
    void close(double seconds);
    /// Ends the waiting of a close() that runs in another thread.
    void hurry();
    const Limits& limits() const { return limits_; }

private:
    void work();
    void run_errands();
    void admit();
    /// Where a job runs, and whether it goes on with what the slot keeps.
    struct Place {
        size_t slot;
        bool goes_on;
    };
    Place place_for(const Job& job, const std::vector<bool>& used) const;
    size_t free_slot(const std::vector<bool>& used) const;
    bool start(Slot& slot, bool goes_on, const std::shared_ptr<Job>& job);
    void step();
    void publish(Slot& slot);
    void end(Slot& slot, std::optional<Problem> problem);
    void fault(const std::exception& error);
    bool any_running() const;
    void count_ended(const Outcome& outcome);

    model::Context& context_;
    sequence::PrefixCache* const cache_;
    spec::Generator generator_;
    const Limits limits_;
    std::vector<Slot> slots_;  // of the engine's thread

    mutable std::mutex mutex_;
    std::condition_variable wake_, idle_;
    std::deque<std::shared_ptr<Job>> waiting_;
    std::deque<std::packaged_task<void()>> errands_;
    Totals totals_;
    int running_ = 0;
    bool closing_ = false, over_ = false;
    std::string broken_;
    double progress_ = 0;  // when something was last done
    std::thread thread_;   // last: it uses the rest
};

}  // namespace rw::serve
