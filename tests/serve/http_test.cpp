// The server behind sockets, spoken to in bytes: where a request ends.
#include "runtime/serve/http.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "tests/serve/service_fixture.h"

namespace {
std::atomic<int> accept_fails = 0;  // with this, the next time
}

/// The system's, unless it is told to fail: with a connection that it has taken, as when its client is gone already.
extern "C" int accept4(int socket, sockaddr* who, socklen_t* size, int flags) {
    const int fd = int(::syscall(SYS_accept4, socket, who, size, flags));
    const int error = fd < 0 ? 0 : accept_fails.exchange(0);
    if (error == 0) return fd;
    ::close(fd);
    errno = error;
    return -1;
}

namespace rw::test {
namespace {

/// The demo model on a port of its own, until the end of the block.
struct Listening {
    explicit Listening(serve::HttpOptions options = {}) : http(behind.service, at_any_port(options)) {
        http.bind();
        thread = std::thread([this] { http.listen(); });
    }
    ~Listening() {
        while (!http.listening()) std::this_thread::yield();
        http.stop();
        thread.join();
    }
    static serve::HttpOptions at_any_port(serve::HttpOptions o) {
        o.port = 0;
        return o;
    }

    Behind behind;
    serve::Http http;
    std::thread thread;
};

class Client {
public:
    explicit Client(const Listening& server) {
        sockaddr_in where{.sin_family = AF_INET, .sin_port = htons(uint16_t(server.http.port())), .sin_addr = {}};
        inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
        const timeval patience{20, 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
            throw std::runtime_error("nobody listens");
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;

    void say(const std::string& text) const {
        EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    void ends() const { ::shutdown(socket_, SHUT_WR); }
    /// Everything until the server closes the connection.
    std::string all() const {
        std::string text;
        char some[4096];
        ssize_t n = 0;
        while ((n = ::recv(socket_, some, sizeof some, 0)) > 0) text.append(some, size_t(n));
        EXPECT_EQ(n, 0) << "it was not closed in good order, behind: " << text;
        return text;
    }

private:
    int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
};

size_t count(const std::string& text, const std::string& what) {
    size_t n = 0;
    for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
    return n;
}

const std::string last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

std::string request(const std::string& line, const std::string& headers, const std::string& body = "") {
    return line + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body;
}

TEST(Http, WhatWasNotReadIsNoRequest) {
    const Listening server;
    const std::string length = "Content-Length: " + std::to_string(last.size()) + "\r\n", many(9000, 'a');
    for (const std::string& asked :
         {request("GET /health", length), request("HEAD /health", length), request("OPTIONS /health", length),
          request("GET /health", "Transfer-Encoding: chunked\r\n"), std::string("GARBAGE\r\n\r\n"),
          request("PURGE /health", length), request("GET /" + many, ""), request("GET /health", "X: " + many + "\r\n"),
          request("POST /tokenize", "Content-Length: abc\r\n"), request("POST /tokenize", "Content-Length: -1\r\n"),
          request("POST /tokenize", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
          request("POST /tokenize", "Content-Length: 2\r\n" + length, "{}"),
          request("POST /tokenize", "Content-Length : 2\r\n"),
          request("POST /tokenize", "Transfer-Encoding: identity\r\n"),
          request("POST /tokenize", "Transfer-Encoding: chunked\r\n", "zz\r\n")}) {
        const Client client(server);
        client.say(asked + last);
        const std::string answer = client.all();
        EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << asked.substr(0, 200) << "\n" << answer;
        EXPECT_EQ(count(answer, "Connection: close"), 1u) << asked.substr(0, 200) << "\n" << answer;
    }
}

TEST(Http, WhatWasReadIsFollowedByTheNext) {
    const Listening server;
    for (const std::string& asked :
         {request("GET /health", ""), request("GET /health", "Content-Length: 0\r\n"), request("GET /nothing", ""),
          request("POST /tokenize", "Content-Length: 15\r\n", "{\"content\":\"a\"}"),
          request("POST /tokenize", "Content-Length: 1\r\n", "{"),
          request("POST /tokenize", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
          request("DELETE /health", "Content-Length: 2\r\n", "{}")}) {
        const Client client(server);
        client.say(asked + last);
        const std::string answer = client.all();
        EXPECT_EQ(count(answer, "HTTP/1.1 "), 2u) << asked << "\n" << answer;
    }
}

TEST(Http, WhatDoesNotComeInTimeIsToldSo) {
    const Listening server({.origin = "https://a.example", .read_seconds = 0.2});
    for (const std::string& asked :
         {std::string("POST /tok"), std::string("POST /tokenize HTTP/1.1\r\nX: "),
          request("POST /tokenize", "Content-Length: 100\r\n", "{"),
          request("POST /tokenize", "Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n")}) {
        const Client client(server);
        client.say(asked);
        const std::string answer = client.all();
        ASSERT_EQ(count(answer, "HTTP/1.1 408 Request Timeout\r\n"), 1u) << asked << "\n" << answer;
        EXPECT_EQ(count(answer, "Connection: close"), 1u) << asked << "\n" << answer;
        EXPECT_EQ(count(answer, "Access-Control-Allow-Origin: https://a.example\r\n"), 1u) << asked << "\n" << answer;
        const serve::Json error = serve::Json::parse(answer.substr(answer.rfind("\r\n\r\n") + 4))["error"];
        EXPECT_EQ(error["code"], "request_timeout");
        EXPECT_EQ(error["type"], "invalid_request_error");
        EXPECT_NE(error["message"].get<std::string>().find("within 0.2 seconds"), std::string::npos) << error;
        EXPECT_NE(error["message"].get<std::string>().find("--read-timeout"), std::string::npos) << error;
    }
}

TEST(Http, WhatCameBeforeIsAnswered) {
    const Listening server({.read_seconds = 2});
    const Client client(server);
    client.say(last.substr(0, last.find("Connection")) + "\r\nPOST");
    const std::string answer = client.all();
    EXPECT_EQ(count(answer, " 200 "), 1u) << answer;
    EXPECT_EQ(count(answer, " 408 "), 1u) << answer;
}

TEST(Http, WhoLeavesInTheMiddleIsNotLate) {
    const Listening server;
    const Client client(server);
    client.say(request("POST /tokenize", "Content-Length: 100\r\n", "{"));
    client.ends();
    EXPECT_EQ(count(client.all(), " 408 "), 0u);
}

TEST(Http, AConnectionThatCannotBeAcceptedIsThatOneAlone) {
    const Listening server;
    for (const int error : {ECONNABORTED, ENFILE, ENOBUFS, EMFILE, EINTR, EPROTO}) {
        accept_fails = error;
        const Client lost(server);
        while (accept_fails != 0) std::this_thread::yield();
        const Client client(server);
        client.say(last);
        EXPECT_EQ(count(client.all(), "200 OK"), 1u) << std::strerror(error);
    }
}

TEST(Http, StoppingWaitsForNobody) {
    std::optional<Listening> server(std::in_place, serve::HttpOptions{.read_seconds = 1e5, .write_seconds = 1e5});
    const Client half(*server), silent(*server), next(*server);
    half.say("POST /tokenize HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
    next.say(last);
    next.all();  // by then the others are served, or wait
    while (server->http.idle()) std::this_thread::yield();
    server.reset();  // returns
}

}  // namespace
}  // namespace rw::test
