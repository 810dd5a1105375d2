// Threads for requests, made when they are needed: at most so many, what comes then waits for one to be free.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace rw::serve {

class Workers {
public:
    using Task = std::function<void()>;

    /// Threads; tasks that may wait before who brings them does.
    Workers(size_t most, size_t most_waiting) : most_(most), most_waiting_(most_waiting) {}
    ~Workers() { shutdown(); }

    void enqueue(Task task) {
        const std::lock_guard lock(mutex_);
        add(std::move(task));
    }
    /// The same, once there are few enough that wait, or nobody has to.
    void enqueue_in_turn(Task task) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return released_ || tasks_.size() < most_waiting_; });
        add(std::move(task));
    }
    /// From now on nobody waits to bring a task: it is about to be over.
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        room_.notify_all();
    }
    /// Returns when all tasks are done. There are none to come.
    void shutdown() {
        {
            const std::lock_guard lock(mutex_);
            over_ = released_ = true;
        }
        room_.notify_all();
        wake_.notify_all();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

private:
    void add(Task task) {
        tasks_.push_back(std::move(task));
        try {
            if (tasks_.size() > idle_ && threads_.size() < most_) threads_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {  // the system has no thread to spare: the others have to do
        }
        wake_.notify_one();
    }

    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            ++idle_;
            wake_.wait(lock, [&] { return over_ || !tasks_.empty(); });
            --idle_;
            if (tasks_.empty()) return;
            Task task = std::move(tasks_.front());
            tasks_.pop_front();
            room_.notify_one();
            lock.unlock();
            task();
            task = nullptr;
            lock.lock();
        }
    }

    const size_t most_, most_waiting_;
    std::mutex mutex_;
    std::condition_variable wake_, room_;
    std::deque<Task> tasks_;
    std::vector<std::thread> threads_;
    size_t idle_ = 0;
    bool released_ = false, over_ = false;
};

}  // namespace rw::serve
