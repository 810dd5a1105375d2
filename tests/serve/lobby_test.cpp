// Connections that wait, and the threads for those that do not: who is told, who is closed, and that it ends.
#include "runtime/serve/lobby.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>

#include "runtime/serve/workers.h"

namespace rw::test {
namespace {

using serve::Connection;
using serve::Lobby;
using serve::Workers;

/// A connection and its client's end.
struct Pair {
    Pair() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error("no sockets");
        connection = std::make_shared<Connection>(ends[0], options()), client = ends[1];
    }
    ~Pair() { ::close(client); }
    Pair(const Pair&) = delete;
    static const serve::HttpOptions& options() {
        static const serve::HttpOptions o;
        return o;
    }
    void say(char c) const { EXPECT_EQ(::write(client, &c, 1), 1); }
    /// Waits until the server's end is closed.
    bool closed() const {
        char c;
        return ::read(client, &c, 1) == 0;
    }
    std::shared_ptr<Connection> connection;
    int client;
};

/// What was ready, in its order.
struct Heard {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::shared_ptr<Connection>> list;
    Lobby::Ready ready() {
        return [this](std::shared_ptr<Connection> c) {
            const std::lock_guard lock(mutex);
            list.push_back(std::move(c));
            changed.notify_all();
        };
    }
    void wait(size_t n) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return list.size() >= n; });
    }
};

TEST(Lobby, WhoSpeaksIsHeardAndWhoWaitedLongestMakesRoom) {
    Heard heard;
    std::vector<Pair> pairs(4);
    Lobby lobby(1000, 3, heard.ready());
    for (Pair& p : pairs) lobby.put(std::exchange(p.connection, nullptr));
    EXPECT_TRUE(pairs[0].closed());
    pairs[2].say('x');
    heard.wait(1);
    EXPECT_TRUE(heard.list[0]->has_more());
    lobby.put(std::move(heard.list[0]));  // it has not been read, so it is heard again
    heard.wait(2);
    ::shutdown(pairs[1].client, SHUT_WR);  // who leaves is heard too
    heard.wait(3);
    EXPECT_TRUE(heard.list[2]->gone());
    lobby.close();
    EXPECT_TRUE(pairs[3].closed());
    Pair late;
    lobby.put(std::exchange(late.connection, nullptr));
    EXPECT_TRUE(late.closed());
}

TEST(Lobby, WhoLeavesIsGoneThoughThereIsMoreToRead) {
    Pair pair;
    EXPECT_FALSE(pair.connection->gone());
    pair.say('x'), pair.say('y');
    EXPECT_FALSE(pair.connection->gone());
    ::shutdown(pair.client, SHUT_WR);
    EXPECT_TRUE(pair.connection->gone());  // nothing of it has been read
    char byte = 0;
    pair.connection->begin();
    EXPECT_EQ(pair.connection->read(&byte, 1), 1);
    EXPECT_TRUE(pair.connection->buffered());
    EXPECT_TRUE(pair.connection->gone());
}

TEST(Lobby, NobodyWaitsForEver) {
    Heard heard;
    Pair pair;
    Lobby lobby(0.01, 3, heard.ready());
    lobby.put(std::exchange(pair.connection, nullptr));
    EXPECT_TRUE(pair.closed());
}

TEST(Lobby, ManyComeAndGo) {
    constexpr int rounds = 50;
    std::vector<Pair> pairs(40);
    std::atomic<int> answered = 0;
    Workers workers(4, 8);
    std::optional<Lobby> lobby;
    const auto answer = [&](const std::shared_ptr<Connection>& c) {
        char byte;
        if (c->has_more() && !c->gone()) c->read(&byte, 1), c->write(&byte, 1), ++answered;
        lobby->put(c);
    };
    lobby.emplace(1000, pairs.size(), [&](std::shared_ptr<Connection> c) { workers.enqueue([&, c] { answer(c); }); });
    for (Pair& p : pairs) {
        p.connection->begin();
        workers.enqueue_in_turn([&, c = std::exchange(p.connection, nullptr)] { answer(c); });
    }
    std::vector<std::thread> clients;
    for (size_t k = 0; k < 4; ++k)
        clients.emplace_back([&, k] {
            for (int round = 0; round < rounds; ++round)
                for (size_t i = k; i < pairs.size(); i += 4) {
                    char byte = 0;
                    pairs[i].say(char('a' + round % 26));
                    EXPECT_EQ(::read(pairs[i].client, &byte, 1), 1);
                    EXPECT_EQ(byte, char('a' + round % 26));
                }
        });
    for (std::thread& client : clients) client.join();
    lobby->close();
    workers.shutdown();
    EXPECT_EQ(answered, rounds * int(pairs.size()));
    for (const Pair& p : pairs) EXPECT_TRUE(p.closed());
}

TEST(Workers, WhoBringsTooMuchWaitsUntilNobodyHasTo) {
    std::promise<void> go;
    const auto gate = go.get_future().share();
    std::atomic<int> done = 0;
    Workers workers(1, 2);
    for (int i = 0; i < 2; ++i) workers.enqueue([&] { gate.wait(), ++done; });
    std::thread bringer([&] {
        for (int i = 0; i < 5; ++i) workers.enqueue_in_turn([&] { gate.wait(), ++done; });
    });
    workers.release();
    bringer.join();
    go.set_value();
    workers.shutdown();
    EXPECT_EQ(done, 7);
}

}  // namespace
}  // namespace rw::test
