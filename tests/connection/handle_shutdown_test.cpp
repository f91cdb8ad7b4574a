#include "connection/fixture.hpp"
#include "task/run.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <netinet/in.h>
#include <semaphore>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

// Handles on other threads while the server and its loop go. TSan sees the rest. C10K_ROUNDS=N makes N rounds.
namespace c10k {
namespace {

class HandlesDuringShutdown : public testing::TestWithParam<Network> {};

INSTANTIATE_TEST_SUITE_P(Networks, HandlesDuringShutdown, testing::Values(Network::kEpoll, Network::kUring),
                         network_name);

constexpr std::size_t kPeers = 4;
constexpr std::size_t kThreads = 3;

int rounds() {
    const char* text = std::getenv("C10K_ROUNDS");
    return text != nullptr ? std::atoi(text) : 10;
}

// The handles of all the WebSockets that there were.
class Known {
public:
    void add(WebSocketHandle handle) {
        const std::lock_guard lock{mutex_};
        handles_.push_back(std::move(handle));
    }
    [[nodiscard]] std::vector<WebSocketHandle> all() const {
        const std::lock_guard lock{mutex_};
        return handles_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<WebSocketHandle> handles_;
};

// Sends and closes through handles until `is_over`, and a little longer, when their loop has gone.
void use_handles(const Known& known, const std::atomic<bool>& is_over, std::size_t number) {
    for (int after = 0; after < 3; after += static_cast<int>(is_over)) {
        for (const WebSocketHandle& handle : known.all()) {
            const WebSocketHandle copy = handle;
            copy.send("to " + std::to_string(number));
            copy.send(Message::binary(std::string(5000, 'x')));
            if (is_over) {
                EXPECT_FALSE(copy.send("too late"));
                copy.close(4000, "too late");
            }
        }
        std::this_thread::yield();
    }
}

int open_websocket(const Address& server) {
    constexpr std::string_view kHandshake =
        "GET /ws/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const int descriptor = ::socket(server.family(), SOCK_STREAM, 0);
    EXPECT_EQ(::connect(descriptor, server.get(), server.size()), 0);
    EXPECT_EQ(::send(descriptor, kHandshake.data(), kHandshake.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(kHandshake.size()));
    return descriptor;
}

// A server with peers and other threads, which a signal on one of them stops while they go on.
void live_and_go(BackendChoice backend, int signal) {
    Known known;
    std::atomic<bool> is_over = false;
    std::counting_semaphore arrived{0};
    std::thread first;
    std::vector<std::thread> threads;  // of the first, until it has ended
    std::array<int, kPeers> peers{};
    {
        ScriptedApplication app;
        app.route.view = [&](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
            socket.accept();
            known.add(socket.handle());
            arrived.release();
            while (co_await socket.recv()) {
            }
        };
        Loop loop{make_backend(backend)};
        ServerLimits limits;
        limits.shutdown_time = std::chrono::milliseconds{20};  // the peers answer no close
        Server server{loop, app, limits};
        const Address address = server.listen(Address::resolve("127.0.0.1", 0));
        first = std::thread{[&] {
            for (int& peer : peers) {
                peer = open_websocket(address);
            }
            for (std::size_t i = 0; i < kPeers; ++i) {
                arrived.acquire();
            }
            for (std::size_t i = 0; i < kThreads; ++i) {
                threads.emplace_back([&, i] { use_handles(known, is_over, i); });
            }
            std::raise(signal);  // on this thread
            use_handles(known, is_over, kThreads);
        }};
        run(loop, [](Server& going) -> Task<> {
            try {
                co_await until_stopped();
            } catch (const Stopped&) {
            }
            Task<> closing = going.close();
            co_await shielded(std::chrono::minutes{1}, std::move(closing));
        }(server));
    }
    is_over = true;
    first.join();
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const int peer : peers) {
        ::close(peer);
    }
}

TEST_P(HandlesDuringShutdown, MayBeUsedByOtherThreadsUntilTheyAreTired) {
    if (GetParam() == Network::kUring && !probe_uring().refusal.empty()) {
        GTEST_SKIP() << probe_uring().refusal;
    }
    const auto backend = GetParam() == Network::kEpoll ? BackendChoice::kEpoll : BackendChoice::kUring;
    constexpr std::array kSignals{SIGINT, SIGTERM, SIGUSR2};
    for (int round = 0; round < rounds(); ++round) {
        live_and_go(backend, kSignals[static_cast<std::size_t>(round) % kSignals.size()]);
    }
}

}  // namespace
}  // namespace c10k
