// Connections between their requests: one thread watches all of them, so that one on which nobody asks anything holds
// no worker.
#pragma once

#include <list>
#include <mutex>
#include <thread>

#include "runtime/serve/connection.h"

namespace rw::serve {

class Lobby {
public:
    /// A connection has something to read, or was closed by its client. Called from the thread that watches.
    using Ready = std::function<void(std::shared_ptr<Connection>)>;

    /// seconds: that one may wait. most: of them; for one more the one that has waited longest is closed. Throws
    /// Error(io) when the system has no descriptor to spare.
    Lobby(double seconds, size_t most, Ready ready);
    ~Lobby();

    /// Any thread.
    void put(std::shared_ptr<Connection> connection);
    /// Closes all that wait, and from now on all that come. Nothing is ready any more when it returns.
    void close();

private:
    struct Guest {
        std::shared_ptr<Connection> connection;
        double until;
    };
    void watch();
    double close_overdue();
    void wake() const;

    const double seconds_;
    const size_t most_;
    const Ready ready_;
    const int wake_;  // an eventfd
    std::mutex mutex_;
    std::list<Guest> guests_;  // the one that has waited longest first
    bool closed_ = false;
    std::thread thread_;  // last: it uses the rest
};

}  // namespace rw::serve
