// One answer that somebody waits for: the request on its way to the engine, and the tokens on their way back.
//
//     std::shared_ptr<Job> job = engine.submit(request, seconds);
//     for (bool over = false; !over;) {
//         over = job->take(news, 100ms);        // appends what came
//         if (client_is_gone()) job->cancel();
//     }
//     job->outcome()
//
// The engine never waits for who reads: tokens stay here until they are taken, and there are at most as many as the
// request allows.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "runtime/serve/problem.h"
#include "runtime/spec/generator.h"

namespace rw::serve {

/// What is asked of the engine.
struct Task {
    spec::Request request;
    double seconds = 600;  // until when it has to be done, waiting included
    int slot = -1;         // the one that it wants, or any
    bool exact = true;     // false: it may go on with any slot's sequence, whose text was decoded and not run as a prompt
    std::vector<std::string> stops{};  // the strings behind request.stops
};

/// What came of the answer.
struct News {
    std::vector<int32_t> tokens;
    std::vector<sample::Logprobs> logprobs;  // of each, where they are asked for
};

/// How it went.
struct Outcome {
    spec::Stop stop = spec::Stop::none;
    spec::Counts counts;
    int64_t prompt = 0, cached = 0;  // tokens of the prompt; those that were there already
    std::string stopped_by;          // the stop string, where one ended it
    double decode_seconds = 0;       // from the first token to the last
    int slot = -1;
    std::vector<float> hidden;
    std::optional<Problem> problem;  // why there is no answer
};

class Job {
public:
    explicit Job(Task task);

    /// Appends what came since the last call to `news`. Waits for some, or the end, as long as `most`. True when that was
    /// the last of it.
    bool take(News& news, std::chrono::milliseconds most);
    /// Once take() has returned true.
    const Outcome& outcome() const { return outcome_; }
    /// Nobody wants it any more; the engine ends it between two calls. Any thread, any time.
    void cancel() noexcept { cancelled_ = true; }
    bool cancelled() const noexcept { return cancelled_; }

    // For the engine's thread.
    Task task;
    const double started, due;  // by seconds_now()
    void give(std::span<const int32_t> tokens, std::span<const sample::Logprobs> logprobs);
    void finish(Outcome outcome);

private:
    std::atomic<bool> cancelled_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    News news_;
    bool over_ = false;
    Outcome outcome_;
};

/// Cancels what is not over when nobody holds it any more: for who may leave by an exception.
class Held {
public:
    explicit Held(std::shared_ptr<Job> job) : job_(std::move(job)) {}
    Held(Held&&) = default;
    Held& operator=(Held&&) = default;
    ~Held() {
        if (job_) job_->cancel();
    }
    Job* operator->() const { return job_.get(); }

private:
    std::shared_ptr<Job> job_;
};

}  // namespace rw::serve
