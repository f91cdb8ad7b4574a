// The promises of the backends on the kernel's sockets alone: descriptors run out, and are handed over.

#include "loop/backend_fixture.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace c10k {
namespace {

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

// The promises of backends that have descriptors.
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
    c10k::wait(*backend, 0);
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
        c10k::wait(*backend, 0);
    }
    ::close(shared);
}

// As when one program takes over from another. The kernel wakes one of those who listen, perhaps the one that just
// stops.
TEST_P(KernelBackendTest, LosesNobodyWhenOneOfTwoWhoShareAListenerStops) {
    const int shared = open_listener(Address::resolve("127.0.0.1", 0), 16, PortUse::kAlone, Blocking::kNo);
    const Address address = local_address_of(shared);
    for (int i = 0; i < 20; ++i) {
        Accepting by_leaving;
        Accepting by_staying;
        const auto leaving = make(GetParam());
        const auto staying = make(GetParam());
        const SocketId left = leaving->listen({}, {.inherited = ::dup(shared)}, by_leaving);
        const SocketId stayed = staying->listen({}, {.inherited = ::dup(shared)}, by_staying);
        for (int turn = 0; turn < 3; ++turn) {
            c10k::wait(*leaving, 0);
            c10k::wait(*staying, 0);
        }
        std::array<int, 3> clients{};
        for (int& client : clients) {
            client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            ASSERT_EQ(::connect(client, address.get(), address.size()), 0);
        }
        leaving->leave_accepting(left);
        const auto accepted = [&] { return by_leaving.sockets.size() + by_staying.sockets.size(); };
        for (int turn = 0; turn < 1000 && accepted() < clients.size(); ++turn) {
            c10k::wait(*leaving, 0);
            c10k::wait(*staying, staying->now() + 1);
        }
        EXPECT_EQ(accepted(), clients.size()) << "in round " << i;
        leaving->close(left);
        staying->close(stayed);
        for (const int client : clients) {
            ::close(client);
        }
    }
    ::close(shared);
}

// epoll accepts 256 at once, and hears of 1,024 sockets; io_uring has 1,024 entries.
TEST_P(KernelBackendTest, Row73ServesTenTimesAsManyAsItAcceptsAtOnce) {
    constexpr std::size_t kMany = 2560;
    const auto clients = make(GetParam());
    const SocketId crowded =
        backend->listen(Address::resolve("127.0.0.1", 0), {.backlog = static_cast<int>(kMany)}, accepting);
    const Address address = backend->local_address(crowded);
    std::vector<Notes> dialled(kMany);
    std::vector<SocketId> sockets;
    for (Notes& note : dialled) {
        sockets.push_back(clients->connect(address));
        clients->attach(sockets.back(), note);
    }
    const auto run_until = [&](const std::function<bool()>& done) {
        for (const std::int64_t end = backend->now() + 30'000; !done() && backend->now() < end;) {
            c10k::wait(*clients, 0);
            c10k::wait(*backend, backend->now() + 1);
        }
        EXPECT_TRUE(done());
    };
    run_until([&] {
        return accepting.sockets.size() == kMany &&
               std::all_of(dialled.begin(), dialled.end(), [](const Notes& note) { return note.connected; });
    });
    std::vector<Notes> served(kMany);
    for (std::size_t i = 0; i < accepting.sockets.size(); ++i) {
        backend->attach(accepting.sockets[i], served[i]);
        backend->start_receiving(accepting.sockets[i]);
    }
    std::string word = "all of us at once";
    const iovec bytes{word.data(), word.size()};
    for (const SocketId socket : sockets) {
        EXPECT_LE(clients->send(socket, {&bytes, 1}), word.size());
    }
    run_until([&] {
        return std::all_of(served.begin(), served.end(), [&](const Notes& note) { return note.received == word; });
    });
}

TEST_P(KernelBackendTest, HandsOverWhatItHasAcceptedWhenItIsPaused) {
    c10k::wait(*backend, 0);  // it waits for connections
    Notes note;
    const auto other = std::make_unique<EpollBackend>();
    other->attach(other->connect(backend->local_address(listener)), note);
    while (!note.connected) {
        c10k::wait(*other, other->now() + 10);
    }
    backend->pause_accepting(listener);
    for (int i = 0; i < 10; ++i) {
        c10k::wait(*backend, 0);
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
                c10k::wait(*clients, clients->now() + 10);
            }
            ASSERT_TRUE(note.connected);
            clients->start_receiving(id);
        }
    }
    // Accepts until `done`, or nothing has come of many turns.
    void accept_until(const std::function<bool()>& done) {
        backend->resume_accepting(listener);
        for (int i = 0; i < 1000 && !done(); ++i) {
            c10k::wait(*backend, backend->now() + 10);
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
        c10k::wait(*backend, 0);
        EXPECT_FALSE(accepting.failure);  // it is paused
    }
    accept_until([this] { return accepting.sockets.size() == kMany; });
    c10k::wait(*clients, 0);
    for (const Notes& note : notes) {
        EXPECT_FALSE(note.failure || note.ended) << "a client was sent away";
    }
}

// The time of sleep is no delay, and the time between two looks for events is one: also while it goes on.
TEST_P(KernelBackendTest, TellsHowLateItsLoopRuns) {
    constexpr std::int64_t kMilliseconds = 20;
    LoopDelay& delay = *backend->delay();
    const std::int64_t began = steady_microseconds();
    c10k::wait(*backend, backend->now() + kMilliseconds + 1);
    const std::int64_t woken = steady_microseconds();
    EXPECT_LE(delay.take_longest(woken), woken - began - kMilliseconds * 1000);

    const auto be_busy = [] {
        for (const std::int64_t since = steady_milliseconds(); steady_milliseconds() <= since + kMilliseconds;) {
        }
    };
    be_busy();
    EXPECT_GE(delay.take_longest(steady_microseconds()), kMilliseconds * 1000) << "the turn goes on";
    c10k::wait(*backend, 0);
    EXPECT_GE(delay.take_longest(steady_microseconds()), kMilliseconds * 1000) << "the turn has ended";
    c10k::wait(*backend, 0);
    const std::int64_t last = steady_microseconds();
    be_busy();
    c10k::wait(*backend, 0);
    EXPECT_GE(delay.take_longest(last), kMilliseconds * 1000) << "the longest of two turns";
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
            c10k::wait(backend, backend.now() + 10);
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
        EXPECT_LE(backend.send(id, {&piece, 1}), text.size());
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
