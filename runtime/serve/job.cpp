#include "runtime/serve/job.h"

#include <utility>

#include "runtime/clock.h"

namespace rw::serve {

Job::Job(Task what) : task(std::move(what)), started(seconds_now()), due(started + task.seconds) {}

bool Job::take(News& news, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [&] { return over_ || !news_.tokens.empty(); });
    news.tokens.insert(news.tokens.end(), news_.tokens.begin(), news_.tokens.end());
    news.logprobs.insert(news.logprobs.end(), news_.logprobs.begin(), news_.logprobs.end());
    news_ = {};
    return over_;
}

void Job::give(std::span<const int32_t> tokens, std::span<const sample::Logprobs> logprobs) {
    const std::lock_guard lock(mutex_);
    news_.tokens.insert(news_.tokens.end(), tokens.begin(), tokens.end());
    news_.logprobs.insert(news_.logprobs.end(), logprobs.begin(), logprobs.end());
    changed_.notify_one();
}

void Job::finish(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    over_ = true;
    changed_.notify_one();
}

}  // namespace rw::serve
