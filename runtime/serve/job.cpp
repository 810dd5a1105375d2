#include "runtime/serve/job.h"

#include <utility>

#include "runtime/clock.h"

namespace rw::serve {

Job::Job(Task what) : task(std::move(what)), started(seconds_now()), due(started + task.seconds) {}

bool Job::take(std::vector<int32_t>& tokens, std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, most, [&] { return over_ || !tokens_.empty(); });
    tokens.insert(tokens.end(), tokens_.begin(), tokens_.end());
    tokens_.clear();
    return over_;
}

void Job::give(std::span<const int32_t> tokens) {
    if (tokens.empty()) return;
    const std::lock_guard lock(mutex_);
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    news_.notify_one();
}

void Job::finish(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    over_ = true;
    news_.notify_one();
}

}  // namespace rw::serve
