#include "loop/epoll_backend.hpp"
#include "loop/backends.hpp"
#include "testkit/memory_backend.hpp"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// A socket that notes what happens to it.
class Notes final : public SocketEvents {
public:
    bool connected = false;
    bool ended = false;
    std::string received;
    std::vector<std::size_t> sent;
    std::error_code failure;
    std::function<void()> then = [] {};

    void on_connected() override { connected = true; }
    void on_received(std::span<char> bytes) override {
        received.append(bytes.data(), bytes.size());
        then();
    }
    void on_end() override { ended = true; }
    void on_sent(std::size_t bytes) override { sent.push_back(bytes); }
    void on_failed(std::error_code error) override { failure = error; }
};

class Accepting final : public ListenerEvents {
public:
    std::vector<SocketId> sockets;
    std::vector<std::string> peers;
    std::error_code failure;

    void on_accepted(SocketId socket, const Address& peer) override {
        sockets.push_back(socket);
        peers.push_back(peer.text());
    }
    void on_accept_failed(std::error_code error) override { failure = error; }
};

enum class Kind { kEpoll, kMemory };

// What the seam promises, whatever is behind it.
class BackendTest : public testing::TestWithParam<Kind> {
protected:
    BackendTest() {
        if (GetParam() == Kind::kEpoll) {
            backend = std::make_unique<EpollBackend>();
        } else {
            backend = std::make_unique<MemoryBackend>();
        }
        listener = backend->listen(Address::resolve("127.0.0.1", 0), 16, accepting);
    }

    void until(const std::function<bool()>& done) {
        for (int i = 0; i < 1000 && !done(); ++i) {
            backend->wait(backend->now() + 10);
        }
        ASSERT_TRUE(done());
    }
    // Connects `client` to `server`, which both receive.
    void connect() {
        client_id = backend->connect(backend->local_address(listener));
        backend->attach(client_id, client);
        until([this] { return client.connected && !accepting.sockets.empty(); });
        server_id = accepting.sockets.back();
        backend->attach(server_id, server);
        backend->start_receiving(server_id);
        backend->start_receiving(client_id);
    }
    void send(SocketId socket, std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        backend->send(socket, {&piece, 1});
    }

    std::unique_ptr<Backend> backend;
    Accepting accepting;
    SocketId listener;
    Notes client;
    Notes server;
    SocketId client_id;
    SocketId server_id;
};
INSTANTIATE_TEST_SUITE_P(Backends, BackendTest, testing::Values(Kind::kEpoll, Kind::kMemory),
                         [](const auto& info) { return info.param == Kind::kEpoll ? "epoll" : "memory"; });

TEST_P(BackendTest, MovesBytesBothWays) {
    connect();
    send(client_id, "ping");
    until([this] { return server.received == "ping"; });
    send(server_id, "pong");
    until([this] { return client.received == "pong"; });
    EXPECT_EQ(client.sent, std::vector<std::size_t>{4});
}

TEST_P(BackendTest, GivesAPortToAListenerAndTellsWhoConnects) {
    EXPECT_NE(backend->local_address(listener).port(), 0);
    connect();
    EXPECT_TRUE(accepting.peers.back().starts_with("127.0.0.1:")) << accepting.peers.back();
}

TEST_P(BackendTest, RefusesAnAddressThatIsTaken) {
    EXPECT_THROW(backend->listen(backend->local_address(listener), 16, accepting), std::system_error);
}

TEST_P(BackendTest, SendsPiecesInTheirOrder) {
    connect();
    std::string one = "one ";
    std::string two = "two ";
    std::string three = "three";
    const std::array<iovec, 3> pieces{
        {{one.data(), one.size()}, {two.data(), two.size()}, {three.data(), three.size()}}};
    backend->send(client_id, pieces);
    until([this] { return server.received == "one two three"; });
}

TEST_P(BackendTest, DeliversTheEndAfterTheLastByteAndOnce) {
    connect();
    send(client_id, "last");
    backend->finish_sending(client_id);
    until([this] { return server.ended; });
    EXPECT_EQ(server.received, "last");
    server.ended = false;
    send(server_id, "an answer");  // the other direction is still open
    until([this] { return client.received == "an answer"; });
    EXPECT_FALSE(server.ended);
}

TEST_P(BackendTest, IsSilentUntilItIsToldToReceive) {
    connect();
    backend->stop_receiving(server_id);
    send(client_id, "x");
    for (int i = 0; i < 3; ++i) {
        backend->wait(0);
    }
    EXPECT_EQ(server.received, "");
    backend->start_receiving(server_id);
    until([this] { return server.received == "x"; });
}

TEST_P(BackendTest, AnswersWithZeroWhenAFullKernelHasRoomAgain) {
    connect();
    backend->stop_receiving(server_id);
    const std::string much(1 << 20, 'x');
    std::size_t taken = 0;
    std::size_t answers = 0;
    for (int i = 0; i < 1000; ++i) {
        send(client_id, much);
        if (client.sent.size() == answers) {
            break;  // unanswered: the kernel is full
        }
        taken += client.sent.back();
        answers = client.sent.size();
    }
    ASSERT_EQ(client.sent.size(), answers);
    for (int i = 0; i < 3; ++i) {
        backend->wait(0);
    }
    EXPECT_EQ(client.sent.size(), answers);
    backend->start_receiving(server_id);
    until([&] { return client.sent.size() == answers + 1; });
    EXPECT_EQ(client.sent.back(), 0U);
    until([&] { return server.received.size() == taken; });
}

TEST_P(BackendTest, FailsAConnectionThatNobodyTakes) {
    const Address nobody = backend->local_address(listener);
    backend->close(listener);
    const SocketId dialled = backend->connect(nobody);
    backend->attach(dialled, client);
    until([this] { return static_cast<bool>(client.failure); });
    EXPECT_EQ(client.failure, std::errc::connection_refused);
    EXPECT_FALSE(client.connected);
    backend->close(dialled);
}

TEST_P(BackendTest, ReportsAResetEvenToThoseWhoDoNotReceive) {
    connect();
    backend->stop_receiving(client_id);
    backend->stop_receiving(server_id);
    send(client_id, "unread");
    backend->wait(0);
    backend->close(server_id);  // with unread bytes: a reset
    until([this] { return static_cast<bool>(client.failure); });
    EXPECT_EQ(client.failure, std::errc::connection_reset);
    const std::error_code first = std::exchange(client.failure, {});
    backend->wait(0);
    EXPECT_FALSE(client.failure) << "told twice: " << first;
}

TEST_P(BackendTest, FailsASendToAPeerThatHasGone) {
    connect();
    backend->close(server_id);
    for (int i = 0; i < 10 && !client.failure; ++i) {
        send(client_id, "to nobody");
        backend->wait(backend->now() + 10);
    }
    EXPECT_TRUE(client.failure);
}

TEST_P(BackendTest, SaysNothingOfASocketThatIsClosed) {
    connect();
    send(client_id, "x");
    backend->close(server_id);
    backend->close(server_id);  // an old id means nothing
    for (int i = 0; i < 3; ++i) {
        backend->wait(0);
    }
    EXPECT_EQ(server.received, "");
    EXPECT_FALSE(server.ended);
}

TEST_P(BackendTest, DoesNotTakeANewSocketForAnOldOne) {
    connect();
    const SocketId old = server_id;
    backend->close(client_id);
    backend->close(server_id);
    accepting.sockets.clear();
    client.connected = false;
    connect();
    backend->close(old);
    backend->stop_receiving(old);
    send(old, "x");
    send(client_id, "y");
    until([this] { return server.received == "y"; });
    EXPECT_TRUE(server.sent.empty());
}

TEST_P(BackendTest, LetsAnEventCloseAnotherSocketThatHasOneToo) {
    connect();
    Notes other_client;
    Notes other_server;
    const SocketId other_id = backend->connect(backend->local_address(listener));
    backend->attach(other_id, other_client);
    until([&] { return other_client.connected && accepting.sockets.size() == 2; });
    const SocketId other_server_id = accepting.sockets.back();
    backend->attach(other_server_id, other_server);
    backend->start_receiving(other_server_id);
    server.then = [&] { backend->close(other_server_id); };
    other_server.then = [&] { backend->close(server_id); };
    send(client_id, "x");
    send(other_id, "x");
    until([&] { return !server.received.empty() || !other_server.received.empty(); });
    backend->wait(0);
    EXPECT_EQ(server.received.size() + other_server.received.size(), 1U);
}

TEST_P(BackendTest, AcceptsNobodyWhilePaused) {
    backend->pause_accepting(listener);
    client_id = backend->connect(backend->local_address(listener));
    backend->attach(client_id, client);
    until([this] { return client.connected; });  // the kernel has, and we have not
    EXPECT_TRUE(accepting.sockets.empty());
    backend->resume_accepting(listener);
    until([this] { return accepting.sockets.size() == 1; });
}

TEST_P(BackendTest, ReturnsFromAWaitThatAnotherThreadEnds) {
    backend->wake();
    backend->wait(std::nullopt);  // woken before
    std::thread other{[this] { backend->wake(); }};
    backend->wait(std::nullopt);
    other.join();
}

TEST_P(BackendTest, MovesItsClockToTheEndOfAWait) {
    const std::int64_t before = backend->now();
    while (backend->now() < before + 2) {
        backend->wait(before + 2);
    }
    EXPECT_GE(backend->now(), before + 2);
}

TEST(EpollBackend, PausesAListenerWhenDescriptorsHaveRunOut) {
    EpollBackend backend;
    Accepting accepting;
    const SocketId listener = backend.listen(Address::resolve("127.0.0.1", 0), 16, accepting);
    // The first one only shows the sanitizers, which want descriptors too, what they are going to see.
    Notes clients[2];
    const auto connect = [&](Notes& client) {
        backend.attach(backend.connect(backend.local_address(listener)), client);
    };
    connect(clients[0]);
    while (accepting.sockets.empty() || !clients[0].connected) {
        backend.wait(backend.now() + 10);
    }
    accepting.sockets.clear();
    accepting.on_accept_failed({});
    connect(clients[1]);

    rlimit usual{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    rlimit none = usual;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 1000 && !accepting.failure; ++i) {
        backend.wait(backend.now() + 10);
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
    EXPECT_EQ(accepting.failure, std::errc::too_many_files_open);

    accepting.failure = {};
    backend.wait(0);
    EXPECT_TRUE(accepting.sockets.empty());  // it is paused
    backend.resume_accepting(listener);
    for (int i = 0; i < 1000 && accepting.sockets.empty(); ++i) {
        backend.wait(backend.now() + 10);
    }
    EXPECT_EQ(accepting.sockets.size(), 1U);
}

TEST(Backends, AreChosenByTheirNames) {
    EXPECT_EQ(parse_backend("auto"), BackendChoice::kAuto);
    EXPECT_EQ(parse_backend("epoll"), BackendChoice::kEpoll);
    EXPECT_THROW((void)parse_backend("kqueue"), std::invalid_argument);
    EXPECT_EQ(make_backend(BackendChoice::kEpoll)->name(), "epoll");
}

}  // namespace
}  // namespace c10k
