#include "runtime/serve/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "runtime/clock.h"

namespace rw::serve {
namespace {

using Ask = int (*)(int, sockaddr*, socklen_t*);

void address(Ask ask, socket_t socket, std::string& ip, int& port) {
    sockaddr_storage where{};
    socklen_t size = sizeof where;
    char text[INET6_ADDRSTRLEN] = "";
    if (ask(socket, reinterpret_cast<sockaddr*>(&where), &size) != 0) return;
    if (where.ss_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&where);
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), port = ntohs(v4->sin_port);
    } else if (where.ss_family == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&where);
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), port = ntohs(v6->sin6_port);
    }
    ip = text;
}

}  // namespace

Connection::Connection(socket_t socket, const HttpOptions& options) : socket_(socket), options_(options) {
    const int on = 1;  // tokens are small and wanted at once
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// What was not read would make the kernel reset the connection, and the client might never see its answer.
Connection::~Connection() {
    ::shutdown(socket_, SHUT_WR);
    char rest[4096];
    const double until = seconds_now() + 0.5;
    while (closes && seconds_now() < until && ready(POLLIN, 0.1))
        if (::recv(socket_, rest, sizeof rest, MSG_DONTWAIT) <= 0) break;
    ::close(socket_);
}

bool Connection::ready(short events, double seconds) const {
    pollfd one{socket_, events, 0};
    const double until = seconds_now() + seconds;
    for (;;) {
        const double left = std::max(0.0, until - seconds_now());
        const int n = ::poll(&one, 1, int(std::ceil(std::min(left, 3600.0) * 1e3)));
        if (n >= 0 || errno != EINTR) return n > 0 && (one.revents & events);
    }
}

void Connection::begin() {
    due_ = seconds_now() + options_.read_seconds;
    late_ = answered_ = false;
    left_ = 4 * options_.most_bytes + (1 << 16);  // a body somewhat too long is read, and refused with words
}

/// Whatever it has sent that was not read yet. Who shuts down its sending half alone is taken for gone: the two look
/// the same from here.
bool Connection::gone() const { return ready(POLLRDHUP | POLLHUP | POLLERR, 0); }

bool Connection::is_readable() const { return buffered() || ready(POLLIN, std::max(0.0, due_ - seconds_now())); }

bool Connection::is_writable() const { return !gone() && ready(POLLOUT, options_.write_seconds); }

ssize_t Connection::read(char* to, size_t size) {
    if (at_ == buffer_.size()) {
        buffer_.resize(std::min<size_t>(size_t(1) << 14, left_)), at_ = 0;
        ssize_t n = -1;
        while (!buffer_.empty() && seconds_now() < due_ && ready(POLLIN, due_ - seconds_now())) {
            n = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
            if (n >= 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) break;
        }
        late_ = n < 0 && !buffer_.empty() && seconds_now() >= due_;
        buffer_.resize(size_t(std::max<ssize_t>(n, 0)));
        if (n <= 0) return n;
        left_ -= buffer_.size();
    }
    const size_t n = std::min(size, buffer_.size() - at_);
    std::memcpy(to, buffer_.data() + at_, n);
    at_ += n;
    return ssize_t(n);
}

ssize_t Connection::write(const char* from, size_t size) {
    while (ready(POLLOUT, options_.write_seconds)) {
        const ssize_t n = ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        answered_ |= n > 0;
        if (n >= 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) return n;
    }
    return -1;
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const { address(::getpeername, socket_, ip, port); }
void Connection::get_local_ip_and_port(std::string& ip, int& port) const { address(::getsockname, socket_, ip, port); }

}  // namespace rw::serve
