// A client's connection, for httplib to read requests from and write answers to, within limits of time and size.
//
// httplib's own has no deadline for a whole request, no bound on bodies sent in chunks, and tells nobody that the client
// has left.
#pragma once

#include <httplib.h>
#include <poll.h>

#include "runtime/serve/http.h"

namespace rw::serve {

class Connection : public httplib::Stream {
public:
    Connection(socket_t socket, const HttpOptions& options);
    ~Connection() override;

    /// Whether there is something to read, if only that the client has closed it; `buffered`: and was received already.
    bool has_more() const { return buffered() || ready(POLLIN, 0); }
    bool buffered() const { return at_ < buffer_.size(); }
    /// A request begins: its time and its bytes are counted from here.
    void begin();
    /// Whether the time for the request was over before it had come.
    bool late() const { return late_; }
    /// Whether something was sent since the request began.
    bool answered() const { return answered_; }
    /// Whether the client has closed it.
    bool gone() const;

    bool closes = false;  // after this answer: what the client still sends is not read

    bool is_readable() const override;
    bool is_writable() const override;
    ssize_t read(char* to, size_t size) override;
    ssize_t write(const char* from, size_t size) override;
    using httplib::Stream::write;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    socket_t socket() const override { return socket_; }

private:
    bool ready(short events, double seconds) const;

    socket_t socket_;
    const HttpOptions& options_;
    double due_ = 0;
    bool late_ = false, answered_ = false;
    size_t left_ = 0;  // bytes that this request may still have
    std::string buffer_;
    size_t at_ = 0;    // in the buffer
};

}  // namespace rw::serve
