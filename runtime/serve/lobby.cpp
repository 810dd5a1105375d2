#include "runtime/serve/lobby.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "runtime/clock.h"

namespace rw::serve {
namespace {

int make_wake() {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw Error(Status::io, std::string("connections cannot be watched: ") + std::strerror(errno));
    return fd;
}

}  // namespace

Lobby::Lobby(double seconds, size_t most, Ready ready)
    : seconds_(seconds), most_(most), ready_(std::move(ready)), wake_(make_wake()), thread_([this] { watch(); }) {}

Lobby::~Lobby() {
    close();
    ::close(wake_);
}

void Lobby::wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);  // it cannot be full
}

void Lobby::put(std::shared_ptr<Connection> connection) {
    std::shared_ptr<Connection> gone;  // closed without the lock
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (guests_.size() >= most_) gone = std::move(guests_.front().connection), guests_.pop_front();
    guests_.push_back({std::move(connection), seconds_now() + seconds_});
    wake();
}

void Lobby::close() {
    std::list<Guest> gone;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        gone.swap(guests_);
        wake();
    }
    if (thread_.joinable()) thread_.join();
}

/// Returns the seconds until the next one is.
double Lobby::close_overdue() {
    const double now = seconds_now();
    while (!guests_.empty() && guests_.front().until <= now) guests_.pop_front();
    return guests_.empty() ? 3600 : guests_.front().until - now;
}

void Lobby::watch() {
    std::vector<pollfd> watched;
    std::vector<std::list<Guest>::iterator> who;
    for (;;) {
        double wait = 0;
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return;
            wait = close_overdue();
            watched.assign(1, {wake_, POLLIN, 0});
            for (const Guest& guest : guests_) watched.push_back({guest.connection->socket(), POLLIN, 0});
        }
        if (::poll(watched.data(), watched.size(), int(std::ceil(wait * 1e3))) <= 0) continue;
        uint64_t ignored;
        [[maybe_unused]] const ssize_t n = ::read(wake_, &ignored, sizeof ignored);
        std::vector<std::shared_ptr<Connection>> ready;
        {
            // Meanwhile some may have left at the front, and others have come at the back: descriptors tell who is
            // meant.
            const std::lock_guard lock(mutex_);
            size_t at = 1;
            for (auto guest = guests_.begin(); guest != guests_.end();) {
                while (at < watched.size() && watched[at].fd != guest->connection->socket()) ++at;
                if (at == watched.size()) break;
                const bool meant = watched[at++].revents != 0;
                if (meant) ready.push_back(std::move(guest->connection));
                guest = meant ? guests_.erase(guest) : std::next(guest);
            }
        }
        for (auto& connection : ready) ready_(std::move(connection));
    }
}

}  // namespace rw::serve
