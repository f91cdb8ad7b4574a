#include "loop/backend_fixture.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace c10k {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, BackendTest,
                         testing::Values(Kind::kEpoll, Kind::kUring, Kind::kUringWithSmallBuffers, Kind::kMemory,
                                         Kind::kTlsOnEpoll, Kind::kTlsOnUring, Kind::kTlsOnMemory),
                         kind_name);

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

TEST_P(BackendTest, TellsWhichOfItsAddressesAPeerConnectedTo) {
    connect();
    EXPECT_EQ(accepting.locals.back(), backend->local_address(listener).text());
    if (GetParam() == Kind::kMemory || GetParam() == Kind::kTlsOnMemory) {
        return;  // there is one address
    }
    const SocketId on_all = backend->listen(Address::resolve("0.0.0.0", 0), {.backlog = 16}, accepting);
    Address second = Address::resolve("127.0.0.2", 0);
    second.set_port(backend->local_address(on_all).port());
    Notes note;
    const SocketId dialled = backend->connect(second);
    backend->attach(dialled, note);
    until([this] { return accepting.locals.size() == 2; });
    EXPECT_EQ(accepting.locals.back(), second.text());
}

TEST_P(BackendTest, RefusesAnAddressThatIsTaken) {
    EXPECT_THROW(backend->listen(backend->local_address(listener), {.backlog = 16}, accepting), std::system_error);
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
    backend->shutdown_write(client_id);
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
        wait(0);
    }
    EXPECT_EQ(server.received, "");
    backend->start_receiving(server_id);
    until([this] { return server.received == "x"; });
}

TEST_P(BackendTest, AnswersASendThatFindsTheKernelFullWhenThereIsRoomAgain) {
    connect();
    backend->stop_receiving(server_id);
    const std::string much(1 << 20, 'x');
    std::size_t answers = 0;
    const auto wait_a_little = [this] {
        for (int i = 0; i < 3; ++i) {
            wait(0);
        }
    };
    do {
        answers = client.sent.size();
        send(client_id, much);
        wait_a_little();
    } while (client.sent.size() == answers + 1 && answers < 1000);
    ASSERT_EQ(client.sent.size(), answers);  // unanswered: the kernel is full
    const std::size_t taken = std::accumulate(client.sent.begin(), client.sent.end(), std::size_t{0});
    backend->start_receiving(server_id);
    until([&] { return client.sent.size() == answers + 1; });
    if (is_uring(GetParam()) || is_tls(GetParam())) {
        EXPECT_GT(client.sent.back(), 0U);  // it took some at once
    } else {
        EXPECT_EQ(client.sent.back(), 0U);
    }
    until([&] { return server.received.size() == taken + client.sent.back(); });
}

TEST_P(BackendTest, KeepsTheBytesOfAnUnansweredSendAfterTheClose) {
    connect();
    backend->stop_receiving(server_id);
    auto much = std::make_shared<std::string>(16 << 20, 'x');
    const std::weak_ptr<std::string> bytes = much;
    std::size_t answers = 0;
    do {
        answers = client.sent.size();
        send(client_id, *much);
        wait(0);
    } while (client.sent.size() == answers + 1);
    backend->close(client_id, std::move(much));
    until([&] { return bytes.expired(); });  // as soon as the kernel has let go
    EXPECT_EQ(client.sent.size(), answers);
}

TEST_P(BackendTest, DeliversLargeBytesWholeAndInTheirOrder) {
    connect();
    std::string large(8 << 20, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) {
        large[i] = static_cast<char>(i * 7919 >> 8);
    }
    std::size_t sent = 0;
    std::size_t answers = 0;
    bool unanswered = false;
    until([&] {
        if (unanswered && client.sent.size() > answers) {
            sent += client.sent.back();
            unanswered = false;
        }
        if (!unanswered && sent < large.size()) {
            answers = client.sent.size();
            unanswered = true;
            send(client_id, std::string_view{large}.substr(sent));
        }
        return server.received.size() == large.size();
    });
    EXPECT_TRUE(server.received == large);
}

TEST_P(BackendTest, LetsASocketStopAndStartAgainWhileBytesCome) {
    connect();
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        const std::string text = std::to_string(i) + ' ';
        expected += text;
        send(client_id, text);
        until([&] { return client.sent.size() == static_cast<std::size_t>(i) + 1; });
        backend->stop_receiving(server_id);
        if (i % 3 > 0) {
            wait(0);
        }
        backend->start_receiving(server_id);
        if (i % 2 > 0) {
            wait(0);
        }
    }
    until([&] { return server.received.size() >= expected.size(); });
    EXPECT_EQ(server.received, expected);
}

TEST_P(BackendTest, ServesMoreSocketsAtOnceThanItHasBuffers) {
    constexpr std::size_t kMany = 300;
    std::vector<std::unique_ptr<Notes>> clients;
    std::vector<SocketId> client_ids;
    std::vector<std::unique_ptr<Notes>> servers;
    for (std::size_t i = 0; i < kMany; ++i) {
        clients.push_back(std::make_unique<Notes>());
        client_ids.push_back(backend->connect(backend->local_address(listener)));
        backend->attach(client_ids.back(), *clients.back());
        until([&] { return clients.back()->connected && accepting.sockets.size() == i + 1; });
        servers.push_back(std::make_unique<Notes>());
        backend->attach(accepting.sockets.back(), *servers.back());
        backend->start_receiving(accepting.sockets.back());
    }
    const std::string text(20000, 'x');  // more than a small buffer
    for (const SocketId id : client_ids) {
        send(id, text);
    }
    until([&] {
        return std::all_of(servers.begin(), servers.end(),
                           [&](const auto& notes) { return notes->received.size() == text.size(); });
    });
}

TEST_P(BackendTest, NeverEndsANewSocketInsteadOfAnOldOne) {
    for (int i = 0; i < 300; ++i) {
        connect();
        backend->shutdown_write(server_id);
        backend->close(server_id);
        backend->close(client_id);
        client = {};
        server = {};
        accepting.sockets.clear();
        connect();  // where the old ones were
        send(client_id, "still there?");
        until([this] { return !server.received.empty() || server.ended; });
        ASSERT_EQ(server.received, "still there?") << "after " << i;
        send(server_id, "yes");
        until([this] { return !client.received.empty() || client.ended; });
        ASSERT_EQ(client.received, "yes") << "after " << i;
        backend->close(client_id);
        backend->close(server_id);
        client = {};
        server = {};
        accepting.sockets.clear();
    }
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
    wait(0);
    backend->close(server_id);  // with unread bytes: a reset
    until([this] { return static_cast<bool>(client.failure); });
    EXPECT_EQ(client.failure, std::errc::connection_reset);
    wait(0);  // a second time fails in Notes
}

TEST_P(BackendTest, FailsASendToAPeerThatHasGone) {
    connect();
    backend->close(server_id);
    for (int i = 0; i < 10 && !client.failure; ++i) {
        send(client_id, "to nobody");
        wait(backend->now() + 10);
    }
    EXPECT_TRUE(client.failure);
}

TEST_P(BackendTest, Row71TellsWhatFailsInsideOfACallOnceAndFromTheNextWait) {
    connect();
    backend->stop_receiving(client_id);
    backend->stop_receiving(server_id);
    send(server_id, "unread");
    send(client_id, "unread");
    until([this] { return client.sent.size() + server.sent.size() >= 2; });
    backend->close(server_id);  // with unread bytes: a reset
    wait(0);                    // io_uring does it now
    send(client_id, "to nobody");
    backend->shutdown_write(client_id);
    until([this] { return static_cast<bool>(client.failure); });  // a second time, or outside of wait(), fails above
    for (int i = 0; i < 3; ++i) {
        wait(0);
    }
    backend->close(client_id);
}

TEST_P(BackendTest, Row71TellsNothingOfWhatFailsWhenTheSocketIsClosed) {
    connect();
    backend->stop_receiving(client_id);
    backend->stop_receiving(server_id);
    send(client_id, "unread");
    until([this] { return client.sent.size() == 1; });
    backend->close(server_id);  // a reset, of which nothing is told before the next wait()
    send(client_id, "to nobody");
    backend->shutdown_write(client_id);
    backend->close(client_id);
    for (int i = 0; i < 3; ++i) {
        wait(0);
    }
    EXPECT_FALSE(client.failure);
    EXPECT_FALSE(client.ended);
    if (GetParam() == Kind::kEpoll || GetParam() == Kind::kMemory) {  // where a reset is there at once
        EXPECT_EQ(backend->failures_after_close(), 1U);
    }
}

TEST_P(BackendTest, Row72HasHeardOnlyWhatItHasDelivered) {
    constexpr std::size_t kMany = 1500;  // more than one wait() can deliver
    std::vector<std::unique_ptr<Notes>> clients;
    std::vector<std::unique_ptr<Notes>> servers;
    std::vector<SocketId> ids;
    std::vector<SocketId> server_ids;
    for (std::size_t i = 0; i < kMany; ++i) {
        clients.push_back(std::make_unique<Notes>());
        ids.push_back(backend->connect(backend->local_address(listener)));
        backend->attach(ids.back(), *clients.back());
        until([&] { return clients.back()->connected && accepting.sockets.size() == i + 1; });
        servers.push_back(std::make_unique<Notes>());
        server_ids.push_back(accepting.sockets.back());
        backend->attach(server_ids.back(), *servers.back());
    }
    std::size_t taken = 0;
    for (const SocketId id : ids) {
        const iovec byte{const_cast<char*>("x"), 1};
        taken += backend->send(id, {&byte, 1});
    }
    until([&] {
        return taken + static_cast<std::size_t>(std::count_if(
                           clients.begin(), clients.end(), [](const auto& client) { return !client->sent.empty(); })) >=
               kMany;
    });
    until([&] { return backend->heard_until() < backend->now(); });
    const std::int64_t sent_at = backend->now();
    for (const SocketId id : server_ids) {
        backend->start_receiving(id);
    }
    const auto has_heard_all = [&] {
        return std::all_of(servers.begin(), servers.end(), [](const auto& server) { return server->received == "x"; });
    };
    for (int i = 0; i < 10'000 && backend->heard_until() < sent_at; ++i) {
        wait(backend->now());  // as the loop does when a timer is due
    }
    EXPECT_GE(backend->heard_until(), sent_at);
    EXPECT_TRUE(has_heard_all());
}

TEST_P(BackendTest, SaysNothingOfASocketThatIsClosed) {
    connect();
    send(client_id, "x");
    backend->close(server_id);
    backend->close(server_id);  // an old id means nothing
    for (int i = 0; i < 3; ++i) {
        wait(0);
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
    wait(0);
    EXPECT_EQ(server.received.size() + other_server.received.size(), 1U);
}

TEST_P(BackendTest, AcceptsNobodyWhilePaused) {
    if (is_tls(GetParam())) {
        GTEST_SKIP() << "a client is connected after its handshake, which needs the other side";
    }
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
    wait(std::nullopt);  // woken before
    std::thread other{[this] { backend->wake(); }};
    wait(std::nullopt);
    other.join();
}

TEST_P(BackendTest, MovesItsClockToTheEndOfAWait) {
    const std::int64_t before = backend->now();
    while (backend->now() < before + 2) {
        wait(before + 2);
    }
    EXPECT_GE(backend->now(), before + 2);
}

}  // namespace
}  // namespace c10k
