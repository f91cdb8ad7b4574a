#include "loop/backend.hpp"
#include "loop/backends.hpp"
#include "loop/epoll_backend.hpp"
#include "loop/ring.hpp"
#include "loop/uring_backend.hpp"
#include "testkit/memory_backend.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
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

enum class Kind { kEpoll, kUring, kUringWithSmallBuffers, kMemory };

std::string kind_name(const testing::TestParamInfo<Kind>& info) {
    switch (info.param) {
        case Kind::kEpoll: return "epoll";
        case Kind::kUring: return "io_uring";
        case Kind::kUringWithSmallBuffers: return "io_uring_with_small_buffers";
        case Kind::kMemory: return "memory";
    }
    return "?";
}

bool is_uring(Kind kind) { return kind == Kind::kUring || kind == Kind::kUringWithSmallBuffers; }

std::unique_ptr<Backend> make(Kind kind) {
    switch (kind) {
        case Kind::kEpoll: return std::make_unique<EpollBackend>();
        case Kind::kUring: return std::make_unique<UringBackend>();
        case Kind::kUringWithSmallBuffers:
            return std::make_unique<UringBackend>(RingFeatures{.incremental_buffers = false});
        case Kind::kMemory: return std::make_unique<MemoryBackend>();
    }
    return nullptr;
}

// What the seam promises, whatever is behind it.
class BackendTest : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        backend = make(GetParam());
        listener = backend->listen(Address::resolve("127.0.0.1", 0), {.backlog = 16}, accepting);
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
INSTANTIATE_TEST_SUITE_P(Backends, BackendTest,
                         testing::Values(Kind::kEpoll, Kind::kUring, Kind::kUringWithSmallBuffers, Kind::kMemory),
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

TEST_P(BackendTest, AnswersASendThatFindsTheKernelFullWhenThereIsRoomAgain) {
    connect();
    backend->stop_receiving(server_id);
    const std::string much(1 << 20, 'x');
    std::size_t answers = 0;
    const auto wait_a_little = [this] {
        for (int i = 0; i < 3; ++i) {
            backend->wait(0);
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
    if (is_uring(GetParam())) {
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
        backend->wait(0);
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
            backend->wait(0);
        }
        backend->start_receiving(server_id);
        if (i % 2 > 0) {
            backend->wait(0);
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
        backend->finish_sending(server_id);
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

// Lowers the limit of open files for as long as it lives.
class FewFiles {
public:
    explicit FewFiles(rlim_t files) {
        ::getrlimit(RLIMIT_NOFILE, &usual_);
        rlimit few = usual_;
        few.rlim_cur = files;
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewFiles() { ::setrlimit(RLIMIT_NOFILE, &usual_); }
    FewFiles(const FewFiles&) = delete;
    FewFiles& operator=(const FewFiles&) = delete;

private:
    rlimit usual_{};
};

// What only those promise that have descriptors.
class KernelBackendTest : public BackendTest {};
INSTANTIATE_TEST_SUITE_P(Backends, KernelBackendTest,
                         testing::Values(Kind::kEpoll, Kind::kUring, Kind::kUringWithSmallBuffers), kind_name);

TEST_P(KernelBackendTest, PausesAListenerWhenDescriptorsHaveRunOut) {
    connect();  // shows the sanitizers, which want descriptors too, what they are going to see
    accepting.on_accept_failed({});
    accepting.sockets.clear();
    backend->pause_accepting(listener);
    Notes late;
    backend->attach(backend->connect(backend->local_address(listener)), late);
    until([&] { return late.connected; });
    {
        const FewFiles none{0};
        backend->resume_accepting(listener);
        until([this] { return static_cast<bool>(accepting.failure); });
    }
    EXPECT_EQ(accepting.failure, std::errc::too_many_files_open);
    accepting.failure = {};
    backend->wait(0);
    EXPECT_TRUE(accepting.sockets.empty());  // it is paused
    backend->resume_accepting(listener);
    until([this] { return accepting.sockets.size() == 1; });
}

TEST_P(KernelBackendTest, TakesOverASocketThatListensAndLeavesItToOthers) {
    const int shared = open_listener(Address::resolve("127.0.0.1", 0), 16, PortUse::kAlone, Blocking::kNo);
    for (int i = 0; i < 2; ++i) {  // the second one finds it as it was
        accepting.sockets.clear();
        const SocketId taken = backend->listen({}, {.inherited = ::dup(shared)}, accepting);
        EXPECT_EQ(backend->local_address(taken).text(), local_address_of(shared).text());
        Notes note;
        const SocketId dialled = backend->connect(local_address_of(shared));
        backend->attach(dialled, note);
        until([&] { return note.connected && accepting.sockets.size() == 1; });
        backend->close(taken);
        backend->close(dialled);
        backend->wait(0);
    }
    ::close(shared);
}

TEST_P(KernelBackendTest, HandsOverWhatItHasAcceptedWhenItIsPaused) {
    backend->wait(0);  // it waits for connections
    Notes note;
    const auto other = std::make_unique<EpollBackend>();
    other->attach(other->connect(backend->local_address(listener)), note);
    while (!note.connected) {
        other->wait(other->now() + 10);
    }
    backend->pause_accepting(listener);
    for (int i = 0; i < 10; ++i) {
        backend->wait(0);
    }
    if (accepting.sockets.empty()) {  // it is the kernel's to this day, and whoever has the socket gets it
        backend->resume_accepting(listener);
    }
    until([this] { return accepting.sockets.size() == 1; });
}

// A backend with a table of 64, and many who have connected to it and wait in its backlog.
class UringUnderLimits : public testing::Test {
protected:
    void SetUp() override {
        if (!probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        clients = std::make_unique<UringBackend>();
        {
            const FewFiles few{kTable};
            backend = std::make_unique<UringBackend>();
        }
        listener = backend->listen(Address::resolve("127.0.0.1", 0), {}, accepting);
        backend->pause_accepting(listener);
        for (Notes& note : notes) {
            const SocketId id = clients->connect(backend->local_address(listener));
            clients->attach(id, note);
            for (int i = 0; i < 1000 && !note.connected; ++i) {
                clients->wait(clients->now() + 10);
            }
            ASSERT_TRUE(note.connected);
            clients->start_receiving(id);
        }
    }
    // Accepts until `done`, or nothing has come of many turns.
    void accept_until(const std::function<bool()>& done) {
        backend->resume_accepting(listener);
        for (int i = 0; i < 1000 && !done(); ++i) {
            backend->wait(backend->now() + 10);
        }
        EXPECT_TRUE(done());
    }

    static constexpr rlim_t kTable = 64;
    static constexpr std::size_t kMany = 200;
    std::unique_ptr<UringBackend> clients;
    std::unique_ptr<UringBackend> backend;
    Accepting accepting;
    SocketId listener;
    std::array<Notes, kMany> notes;
};

TEST_F(UringUnderLimits, TakesABurstForNoLackOfDescriptors) {
    const FewFiles few{kTable};  // fewer than arrive, and enough for a ring now and then
    accept_until([this] { return accepting.sockets.size() == kMany; });
    EXPECT_FALSE(accepting.failure) << accepting.failure.message();
}

TEST_F(UringUnderLimits, KeepsWhatItHasAcceptedUntilThereIsARingForIt) {
    {
        const int lowest = ::dup(0);
        ::close(lowest);
        const FewFiles one{static_cast<rlim_t>(lowest) + 1};  // the next socket gets it, and no ring does
        accept_until([this] { return static_cast<bool>(accepting.failure); });
        EXPECT_EQ(accepting.failure, std::errc::too_many_files_open);
        EXPECT_EQ(accepting.sockets.size(), kTable);
        accepting.failure = {};
        backend->wait(0);
        EXPECT_FALSE(accepting.failure);  // it is paused
    }
    accept_until([this] { return accepting.sockets.size() == kMany; });
    clients->wait(0);
    for (const Notes& note : notes) {
        EXPECT_FALSE(note.failure || note.ended) << "a client was sent away";
    }
}

TEST(UringBackend, HoldsMoreSocketsThanTheProcessMayHaveOpenFiles) {
    if (!probe_uring().refusal.empty()) {
        GTEST_SKIP() << probe_uring().refusal;
    }
    const FewFiles few{64};
    UringBackend backend;
    Accepting accepting;
    const SocketId listener = backend.listen(Address::resolve("127.0.0.1", 0), {}, accepting);
    constexpr std::size_t kMany = 500;
    std::vector<std::unique_ptr<Notes>> clients;
    std::vector<SocketId> ids;
    std::vector<std::unique_ptr<Notes>> servers;
    const auto until = [&](const std::function<bool()>& done) {
        for (int i = 0; i < 1000 && !done(); ++i) {
            backend.wait(backend.now() + 10);
        }
        ASSERT_TRUE(done());
    };
    for (std::size_t i = 0; i < kMany; ++i) {
        clients.push_back(std::make_unique<Notes>());
        ids.push_back(backend.connect(backend.local_address(listener)));
        backend.attach(ids.back(), *clients.back());
        until([&] { return clients.back()->connected && accepting.sockets.size() == i + 1; });
        servers.push_back(std::make_unique<Notes>());
        backend.attach(accepting.sockets.back(), *servers.back());
        backend.start_receiving(accepting.sockets.back());
    }
    EXPECT_FALSE(accepting.failure);
    std::string text = "hello";
    for (const SocketId id : ids) {
        const iovec piece{text.data(), text.size()};
        backend.send(id, {&piece, 1});
    }
    until([&] {
        return std::all_of(servers.begin(), servers.end(), [&](const auto& notes) { return notes->received == text; });
    });
    // Asleep in the first ring, it hears the others.
    for (const SocketId id : ids) {
        backend.close(id);
    }
    until([&] { return std::all_of(servers.begin(), servers.end(), [](const auto& notes) { return notes->ended; }); });
}

TEST(Backends, AreChosenByTheirNames) {
    EXPECT_EQ(parse_backend("auto"), BackendChoice::kAuto);
    EXPECT_EQ(parse_backend("epoll"), BackendChoice::kEpoll);
    EXPECT_THROW((void)parse_backend("kqueue"), std::invalid_argument);
    EXPECT_EQ(parse_backend("io_uring"), BackendChoice::kUring);
    EXPECT_EQ(make_backend(BackendChoice::kEpoll)->name(), "epoll");
    const bool has_uring = probe_uring().refusal.empty();
    EXPECT_EQ(make_backend(BackendChoice::kAuto)->name(), has_uring ? "io_uring" : "epoll");
}

}  // namespace
}  // namespace c10k
