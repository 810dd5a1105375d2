// The service behind HTTP: who may come in, how much of it, and how it goes out again.
//
//     Http http(service, {.port = 8080});
//     http.bind();                        // http.port()
//     http.listen();                      // until stop(), from any thread
#pragma once

#include <memory>

#include "runtime/serve/service.h"

namespace rw::serve {

struct HttpOptions {
    std::string host = "127.0.0.1";
    int port = 8080;                     // 0: any that is free
    std::vector<std::string> keys{};     // one of which a client has to have; none: whoever reaches the port
    std::string origin;                  // whose pages may ask from a browser; empty: nobody's
    size_t most_bytes = 8 << 20;         // of a request's body
    double read_seconds = 30;            // for the whole of a request to come
    double write_seconds = 30;           // for a client to take what it is sent
    double idle_seconds = 30;            // between requests of a connection
    int connections = 256;               // requests answered at once; more wait
    int idle = 4096;                     // connections on which nothing is asked; for one more the oldest is closed.
                                         // Fewer where the process may not have so many descriptors
};

class Http {
public:
    Http(Service& service, const HttpOptions& options);
    ~Http();

    /// Throws Error(io) when the address cannot be had.
    void bind();
    int port() const { return port_; }
    /// Serves until stop(), and returns when every connection has ended.
    void listen();
    bool listening() const;
    /// Whether no answer is on its way.
    bool idle() const;
    /// Connections that are being served are cut: what has to end well is waited for before.
    void stop();

private:
    class Server;
    Service& service_;
    const HttpOptions options_;
    int port_ = 0;
    std::unique_ptr<Server> server_;
};

/// Compares in a time that does not depend on where the two differ.
bool same_key(const std::string& a, const std::string& b);

}  // namespace rw::serve
