#include "runtime/serve/http.h"

#include <fmt/format.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "runtime/serve/lobby.h"
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

/// What httplib says with a status alone. To it a request that stops coming is one that makes no sense.
Problem problem_of_status(int status, const HttpOptions& options) {
    if (status == 400 && current->late())
        return Problem(408,
                       fmt::format("the request did not come whole within {} seconds: send it faster or shorter, or "
                                   "start the server with a longer --read-timeout",
                                   options.read_seconds),
                       "invalid_request_error", "", "request_timeout");
    if (status == 413)
        return Problem(413, fmt::format("the body is longer than {} bytes", options.most_bytes),
                       "invalid_request_error", "", "too_large");
    if (status == 414) return Problem(414, "the request's line is too long");
    return Problem(status, status >= 500 ? "the request could not be served" : "the request is not HTTP as it is understood here",
                   status >= 500 ? "server_error" : "invalid_request_error");
}

bool has_body(const httplib::Request& from) {
    return from.has_header("Transfer-Encoding") ||
           (from.has_header("Content-Length") && from.get_header_value("Content-Length") != "0");
}

/// What makes it doubtful where the request ends: who passes it on, and takes it to end elsewhere, would let a client's
/// body in as a request of its own. Null when there is nothing.
const char* fault_of_length(const httplib::Request& from) {
    for (const auto& [name, value] : from.headers)
        if (name.find_first_of(" \t") != name.npos) return "the name of a header has a blank in it";
    const size_t lengths = from.get_header_value_count("Content-Length");
    const size_t encodings = from.get_header_value_count("Transfer-Encoding");
    if (lengths + encodings > 1) return "one Content-Length or one Transfer-Encoding says where the body ends";
    const std::string length = from.get_header_value("Content-Length");
    if (lengths > 0 && (length.empty() || length.find_first_not_of("0123456789") != length.npos))
        return "Content-Length is not a number of bytes";
    if (encodings > 0 && strcasecmp(from.get_header_value("Transfer-Encoding").c_str(), "chunked") != 0)
        return "the only Transfer-Encoding that is understood here is chunked";
    return nullptr;
}

/// The connection ends with this answer: what has not been read of the request would be taken for the next.
void leave_body(httplib::Response& to) {
    if (!std::exchange(current->closes, true)) to.set_header("Connection", "close");
}

constexpr size_t most_waiting = 128;  // connections with a request that no worker has yet

/// Of the descriptors that the process may have, those that are not needed elsewhere are for connections. What waits in
/// the lobby may all come to the workers at once, while others take their place.
size_t idle_connections(const HttpOptions& options) {
    constexpr int64_t elsewhere = 128, least = 8;
    rlimit limit{};
    const bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (1 << 30);
    const int64_t room =
        known ? (int64_t(limit.rlim_cur) - elsewhere - int64_t(most_waiting) - options.connections) / 2 : options.idle;
    return size_t(std::max(least, std::min<int64_t>(options.idle, room)));
}

}  // namespace

bool same_key(const std::string& a, const std::string& b) {
    size_t differ = a.size() ^ b.size();
    for (size_t i = 0; i < a.size(); ++i) differ |= size_t(uint8_t(a[i]) ^ uint8_t(b.empty() ? 0 : b[i % b.size()]));
    return differ == 0;
}

class Http::Server : public httplib::Server {
public:
    Server(Service& service, const HttpOptions& options)
        : options_(options),
          workers_(size_t(options.connections), most_waiting),
          lobby_(options.idle_seconds, idle_connections(options),
                 [this](std::shared_ptr<Connection> c) { workers_.enqueue([this, c = std::move(c)] { serve(c); }); }) {
        set_payload_max_length(options.most_bytes);
        set_keep_alive_timeout(time_t(options.idle_seconds));  // what is told; the lobby sees to it
        set_keep_alive_max_count(1 << 20);
        const auto answer = [&service](const httplib::Request& from, httplib::Response& to, std::string body) {
            Call call{.method = from.method == "HEAD" ? "GET" : from.method, .path = from.path, .body = std::move(body)};
            for (const auto& [key, value] : from.params) call.query[key] = value;
            call.gone = [connection = current] { return connection->gone(); };
            put(to, service.answer(call));
        };
        const auto bare = [answer](const httplib::Request& from, httplib::Response& to) { answer(from, to, ""); };
        // The body is read here: httplib has limits of its own for what curl says a body is by default.
        const auto full = [this, answer](const httplib::Request& from, httplib::Response& to, const httplib::ContentReader& read) {
            std::string body;
            bool fits = true;
            const auto more = [&](const char* data, size_t bytes) {
                fits = body.size() + bytes <= options_.most_bytes;
                if (fits) body.append(data, bytes);
                return fits;
            };
            if (has_body(from) && !read(more)) {
                leave_body(to);
                return put(to, problem_of_status(!fits || to.status == 413 ? 413 : 400, options_));
            }
            answer(from, to, std::move(body));
        };
        const char* const any = "[\\s\\S]*";  // the service knows its paths
        Get(any, bare), Options(any, bare), Post(any, full), Put(any, full), Patch(any, full), Delete(any, full);
        set_pre_routing_handler([this](const auto& from, auto& to) { return let_in(from, to); });
        set_error_handler([this](const httplib::Request& from, httplib::Response& to) {
            if (!to.body.empty() || from.method == "OPTIONS") return;
            leave_body(to);  // httplib refused it itself, perhaps in the middle
            if (!options_.origin.empty() && !to.has_header("Vary")) let_read(to);
            put(to, problem_of_status(to.status, options_));
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
    bool idle() const { return answering_ == 0; }
    bool accepting() const { return accepting_; }

    /// Until halt(). httplib's own loop ends with the first connection that cannot be accepted. Returns false when none
    /// can be any more.
    bool accept_all() {
        accepting_ = true;
        while (!halted_) {
            const int fd = ::accept4(svr_sock_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd >= 0) {
                auto connection = std::make_shared<Connection>(fd, options_);
                workers_.enqueue_in_turn([this, c = std::move(connection)] { serve(c); });
            } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
                break;  // of the listening socket; others are of one connection, or pass
            } else {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
        lobby_.close();
        workers_.shutdown();
        accepting_ = false;
        return halted_;
    }
    /// What is being read or written now ends where it is.
    void halt() {
        const std::lock_guard lock(mutex_);
        halted_ = true;
        workers_.release();
        if (svr_sock_ != INVALID_SOCKET) ::shutdown(svr_sock_, SHUT_RDWR);
        for (const Connection* connection : served_) ::shutdown(connection->socket(), SHUT_RDWR);
    }
    ~Server() override {
        if (svr_sock_ != INVALID_SOCKET) ::close(svr_sock_);
    }

private:

    /// Pages of the named origin.
    void let_read(httplib::Response& to) const {
        to.set_header("Access-Control-Allow-Origin", options_.origin);
        to.set_header("Vary", "Origin");
    }
    HandlerResponse let_in(const httplib::Request& from, httplib::Response& to) {
        if (const char* fault = fault_of_length(from)) {
            leave_body(to);
            put(to, Problem(400, fault));
            return HandlerResponse::Handled;
        }
        const bool bare = from.method == "GET" || from.method == "HEAD" || from.method == "OPTIONS";
        if (bare && has_body(from)) leave_body(to);
        if (!options_.origin.empty()) {
            let_read(to);
            if (from.method == "OPTIONS") {
                to.set_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
                const std::string asked = from.get_header_value("Access-Control-Request-Headers");
                to.set_header("Access-Control-Allow-Headers", asked.empty() ? "Authorization, Content-Type" : asked);
                to.status = 204;
                return HandlerResponse::Handled;
            }
        }
        const auto refuse = [&](const Problem& problem) {
            leave_body(to);
            put(to, problem);
            return HandlerResponse::Handled;
        };
        if (from.path.size() > 1024) return refuse(Problem(414, "the path is too long"));
        if (!allowed(from))
            return refuse(Problem(401, "an API key is needed: Authorization: Bearer KEY", "authentication_error", "",
                                  "invalid_api_key"));
        // A browser sends some requests of any page without asking first, and only keeps the answer from it.
        if (from.has_header("Origin") && options_.origin != "*" && from.get_header_value("Origin") != options_.origin)
            return refuse(Problem(403, "pages of this origin may not ask here; --cors names one that may", "permission_error"));
        if (from.has_header("Range")) return refuse(Problem(400, "parts of an answer are not served: leave Range out"));
        if (from.is_multipart_form_data()) return refuse(Problem(415, "the body has to be plain JSON, not a form"));
        if (from.has_header("Content-Encoding"))  // it could unpack to anything
            return refuse(Problem(415, "the body has to be plain JSON, without Content-Encoding"));
        return HandlerResponse::Unhandled;
    }

    bool allowed(const httplib::Request& from) const {
        if (options_.keys.empty() || from.path == "/health") return true;
        const std::string header = from.get_header_value("Authorization");
        const bool bearer = header.size() > 7 && strncasecmp(header.c_str(), "Bearer ", 7) == 0;
        const std::string key = bearer ? header.substr(7) : from.get_header_value("X-Api-Key");
        bool found = false;
        for (const std::string& known : options_.keys) found |= same_key(known, key);
        return found;
    }

    /// Whether the connection may be served; halt() finds it until it is left.
    bool enter(const Connection& connection) {
        const std::lock_guard lock(mutex_);
        if (!halted_) served_.insert(&connection);
        return !halted_;
    }
    void leave(const Connection& connection) {
        const std::lock_guard lock(mutex_);
        served_.erase(&connection);
    }

    void serve(const std::shared_ptr<Connection>& connection) {
        if (!enter(*connection)) return;
        const bool stays = answer_all(*connection);
        leave(*connection);
        if (stays) lobby_.put(connection);
    }

    /// httplib leaves without a word where not even the first line has come.
    void put_late(Connection& connection) const {
        const Answer answer = problem_of_status(400, options_);
        const std::string& origin = options_.origin;
        const std::string pages =
            origin.empty() ? "" : fmt::format("Access-Control-Allow-Origin: {}\r\nVary: Origin\r\n", origin);
        connection.write(fmt::format("HTTP/1.1 {} Request Timeout\r\nConnection: close\r\nContent-Type: {}\r\n{}"
                                     "Content-Length: {}\r\n\r\n{}",
                                     answer.status, answer.type, pages, answer.body.size(), answer.body));
    }

    /// What the client has asked by now. Returns whether it may ask more.
    bool answer_all(Connection& connection) {
        for (bool more = connection.has_more(); more; more = connection.buffered()) {
            current = &connection;
            connection.begin();
            bool closed = false;
            ++answering_;
            const bool good = process_request(connection, connection.closes || halted_, closed, nullptr);
            if (!good && connection.late() && !connection.answered()) put_late(connection);
            --answering_;
            current = nullptr;
            if (!good) connection.closes = true;
            if (closed || connection.closes || halted_) return false;
        }
        return true;
    }

    const HttpOptions& options_;
    std::atomic<int> answering_ = 0;
    std::atomic<bool> halted_ = false, accepting_ = false;
    std::mutex mutex_;
    std::set<const Connection*> served_;
    Workers workers_;
    Lobby lobby_;  // behind the workers: it ends before them
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
    if (!server_->accept_all()) throw Error(Status::io, "connections cannot be accepted any more");
}

bool Http::listening() const { return server_->accepting(); }

bool Http::idle() const { return server_->idle(); }

void Http::stop() { server_->halt(); }

}  // namespace rw::serve
