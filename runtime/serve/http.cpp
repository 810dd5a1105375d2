#include "runtime/serve/http.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/serve/connection.h"
#include "runtime/serve/workers.h"

namespace rw::serve {
namespace {

thread_local Connection* current = nullptr;  // that the thread serves

void put(httplib::Response& to, const Answer& answer) {
    to.status = answer.status;
    if (answer.retry_after > 0) to.set_header("Retry-After", std::to_string(answer.retry_after));
    if (!answer.pieces) return to.set_content(answer.body, answer.type);
    to.set_header("Cache-Control", "no-cache");
    to.set_header("X-Accel-Buffering", "no");
    to.set_chunked_content_provider(answer.type, [pieces = answer.pieces](size_t, httplib::DataSink& sink) {
        std::string out;
        if (!sink.is_writable()) return false;
        const bool more = pieces->next(out);
        if (!out.empty() && !sink.write(out.data(), out.size())) return false;
        if (!more) sink.done();
        return true;
    });
}

/// What httplib says with a status alone.
Problem problem_of_status(int status, size_t most_bytes) {
    if (status == 413)
        return Problem(413, fmt::format("the body is longer than {} bytes", most_bytes), "invalid_request_error", "", "too_large");
    if (status == 414) return Problem(414, "the request's line is too long");
    return Problem(status, status >= 500 ? "the request could not be served" : "the request is not HTTP as it is understood here",
                   status >= 500 ? "server_error" : "invalid_request_error");
}

}  // namespace

bool same_key(const std::string& a, const std::string& b) {
    size_t differ = a.size() ^ b.size();
    for (size_t i = 0; i < a.size(); ++i) differ |= size_t(uint8_t(a[i]) ^ uint8_t(b.empty() ? 0 : b[i % b.size()]));
    return differ == 0;
}

class Http::Server : public httplib::Server {
public:
    Server(Service& service, const HttpOptions& options) : options_(options) {
        set_payload_max_length(options.most_bytes);
        set_keep_alive_timeout(time_t(options.idle_seconds));  // what is told; process_and_close_socket() sees to it
        set_keep_alive_max_count(1 << 20);
        new_task_queue = [n = size_t(options.connections)] { return new Workers(n); };
        const auto handler = [&service](const httplib::Request& from, httplib::Response& to) {
            Call call{.method = from.method == "HEAD" ? "GET" : from.method, .path = from.path, .body = from.body};
            for (const auto& [key, value] : from.params) call.query[key] = value;
            call.gone = [connection = current] { return connection->gone(); };
            put(to, service.answer(call));
        };
        const char* const any = "[\\s\\S]*";  // the service knows its paths
        Get(any, handler), Post(any, handler), Put(any, handler), Patch(any, handler), Delete(any, handler), Options(any, handler);
        set_pre_routing_handler([this](const auto& from, auto& to) { return let_in(from, to); });
        set_error_handler([this](const httplib::Request& from, httplib::Response& to) {
            if (to.body.empty() && from.method != "OPTIONS") put(to, problem_of_status(to.status, options_.most_bytes));
        });
        set_exception_handler([](const httplib::Request&, httplib::Response& to, std::exception_ptr what) {
            try {
                std::rethrow_exception(what);
            } catch (const std::exception& e) {
                put(to, problem_of(e));
            } catch (...) {
                put(to, Problem(500, "the request could not be served", "server_error"));
            }
        });
    }

    /// httplib lets five clients wait to be accepted.
    void more_may_wait() { ::listen(svr_sock_, 512); }

private:
    HandlerResponse let_in(const httplib::Request& from, httplib::Response& to) {
        if (!options_.origin.empty()) {
            to.set_header("Access-Control-Allow-Origin", options_.origin);
            to.set_header("Vary", "Origin");
            if (from.method == "OPTIONS") {
                to.set_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
                to.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type");
                to.status = 204;
                return HandlerResponse::Handled;
            }
        }
        const auto refuse = [&](const Problem& problem) {
            current->closes = true;  // its body has not been read
            to.set_header("Connection", "close");
            put(to, problem);
            return HandlerResponse::Handled;
        };
        if (from.path.size() > 1024) return refuse(Problem(414, "the path is too long"));
        if (!allowed(from))
            return refuse(Problem(401, "an API key is needed: Authorization: Bearer KEY", "authentication_error", "",
                                  "invalid_api_key"));
        if (from.has_header("Content-Encoding"))  // it could unpack to anything
            return refuse(Problem(415, "the body has to be plain JSON, without Content-Encoding"));
        return HandlerResponse::Unhandled;
    }

    bool allowed(const httplib::Request& from) const {
        if (options_.keys.empty() || from.path == "/health") return true;
        const std::string header = from.get_header_value("Authorization"), bearer = "Bearer ";
        const std::string key = header.starts_with(bearer) ? header.substr(bearer.size()) : from.get_header_value("X-Api-Key");
        bool found = false;
        for (const std::string& known : options_.keys) found |= same_key(known, key);
        return found;
    }

    bool process_and_close_socket(socket_t socket) override {
        Connection connection(socket, options_);
        current = &connection;
        const auto open = [this] { return svr_sock_ != INVALID_SOCKET; };
        while (connection.wait(options_.idle_seconds, open)) {
            connection.begin();
            bool closed = false;
            const bool good = process_request(connection, connection.closes || !open(), closed, nullptr);
            if (!good) connection.closes = true;
            if (!good || closed || connection.closes || !open()) break;
        }
        current = nullptr;
        return true;
    }

    const HttpOptions& options_;
};

Http::Http(Service& service, const HttpOptions& options)
    : service_(service), options_(options), server_(std::make_unique<Server>(service_, options_)) {}

Http::~Http() { stop(); }

void Http::bind() {
    port_ = options_.port;
    const bool bound = port_ > 0 ? server_->bind_to_port(options_.host, port_)
                                 : (port_ = server_->bind_to_any_port(options_.host)) > 0;
    if (!bound)
        throw Error(Status::io, fmt::format("{} port {} cannot be had: {}", options_.host, options_.port,
                                            errno ? std::strerror(errno) : "no such address"));
    server_->more_may_wait();
}

void Http::listen() {
    if (!server_->listen_after_bind()) throw Error(Status::io, "connections cannot be accepted any more");
}

void Http::stop() { server_->stop(); }

}  // namespace rw::serve
