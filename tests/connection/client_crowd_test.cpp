// Crowds of clients: how many of them dial, and how many close, at the same time.
#include "c10k/client.hpp"
#include "connection/fixture.hpp"
#include "connection/handshake_window.hpp"
#include "wire/handshake.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFirst = HandshakeWindow::kFirst;

// A server that answers a handshake, opening or closing, only when it is told to.
class SlowServer final : private ListenerEvents {
public:
    explicit SlowServer(Loop& loop)
        : loop_(loop), listener_(loop.backend().listen(Address::resolve("127.0.0.1", 0), {.backlog = 8}, *this)) {}
    ~SlowServer() { loop_.backend().close(listener_); }
    SlowServer(const SlowServer&) = delete;
    SlowServer& operator=(const SlowServer&) = delete;

    [[nodiscard]] std::string url() { return "ws://" + loop_.backend().local_address(listener_).text() + "/"; }

    [[nodiscard]] std::size_t opening() const { return opening_.size(); }
    [[nodiscard]] std::size_t closing() const { return closing_.size(); }
    // The codes of all close frames that have come.
    [[nodiscard]] const std::vector<int>& codes() const { return codes_; }

    void answer_opening() {
        Connection& connection = *opening_.front();
        opening_.pop_front();
        connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            wire::accept_value(connection.key) + "\r\n\r\n");
    }
    void answer_closing() {
        Connection& connection = *closing_.front();
        closing_.pop_front();
        connection.ends = true;
        connection.send("\x88\x02\x03\xe8");
    }
    // Says the same to everybody.
    void send_all(const std::string& bytes) {
        for (const auto& connection : connections_) {
            connection->send(bytes);
        }
    }
    // Answers whatever comes from now on as soon as it comes.
    void answer_all() {
        is_quick_ = true;
        catch_up();
    }

private:
    class Connection final : public SocketEvents {
    public:
        Connection(SlowServer& server, SocketId socket) : server_(server), socket_(socket) {
            server_.loop_.backend().attach(socket_, *this);
            server_.loop_.backend().start_receiving(socket_);
        }
        ~Connection() { server_.loop_.backend().close(socket_); }
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;

        void send(const std::string& bytes) {
            unsent_ += bytes;
            flush();
        }
        std::string key;
        bool ends = false;

    private:
        void on_received(std::span<char> bytes) override {
            received_.append(bytes.data(), bytes.size());
            if (key.empty() && received_.ends_with("\r\n\r\n")) {
                const std::string name = "Sec-WebSocket-Key: ";
                key = received_.substr(received_.find(name) + name.size(), 24);
                received_.clear();
                server_.opening_.push_back(this);
            } else if (!key.empty() && received_.size() == 8 && received_.starts_with("\x88\x82")) {
                const auto byte = [this](std::size_t i) { return (received_[6 + i] ^ received_[2 + i]) & 0xff; };
                server_.codes_.push_back(byte(0) * 256 + byte(1));
                server_.closing_.push_back(this);
            }
            server_.catch_up();
        }
        void on_sent(std::size_t bytes) override {
            unsent_.erase(0, bytes);
            sending_.clear();
            flush();
        }
        void flush() {
            while (sending_.empty() && !unsent_.empty()) {
                sending_ = unsent_;
                const iovec piece{sending_.data(), sending_.size()};
                if (const std::size_t taken = server_.loop_.backend().send(socket_, {&piece, 1}); taken > 0) {
                    unsent_.erase(0, taken);
                    sending_.clear();
                }
            }
            if (sending_.empty() && ends) {
                server_.loop_.backend().shutdown_write(socket_);
            }
        }
        void on_end() override {}
        void on_failed(std::error_code) override {}

        SlowServer& server_;
        SocketId socket_;
        std::string received_;
        std::string unsent_;
        std::string sending_;
    };

    void on_accepted(SocketId socket, const Address&, const Address&) override {
        connections_.push_back(std::make_unique<Connection>(*this, socket));
    }
    void on_accept_failed(std::error_code) override {}
    void catch_up() {
        while (is_quick_ && !opening_.empty()) {
            answer_opening();
        }
        while (is_quick_ && !closing_.empty()) {
            answer_closing();
        }
    }

    Loop& loop_;
    SocketId listener_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::deque<Connection*> opening_;
    std::deque<Connection*> closing_;
    std::vector<int> codes_;
    bool is_quick_ = false;
};

class ClientCrowd : public InMemory {
protected:
    static constexpr std::size_t kClients = 300;

    // `count` clients, all of them at once; `body` goes on meanwhile.
    template <typename Body>
    void run(EndpointOptions options, std::function<Task<>(WebSocket&)> view, Body body) {
        options.ping_interval = 1h;  // the server does not answer any
        server.emplace(harness().loop());
        harness().run(task_group([&](TaskGroup& crowd) -> Task<> {
            for (std::size_t i = 0; i < kClients; ++i) {
                const Endpoint endpoint{server->url() + std::to_string(i), options};  // of one server
                crowd.spawn(connect(endpoint, view), [this](const std::exception_ptr&) { ++failures; });
            }
            co_await body(crowd);
        }));
    }

    [[nodiscard]] std::uint64_t late_closes() {
        return LoopServices::of(harness().loop()).counters->strikes(Limit::kCloseTime);
    }

    std::optional<SlowServer> server;
    std::size_t failures = 0;
};

Task<> leave_at_once(WebSocket&) { co_return; }

Task<> stay(WebSocket& socket) { co_await socket.closed(); }

TEST_F(ClientCrowd, DialsNoMoreAtOnceThanTheServerHasShownItCanAnswer) {
    EndpointOptions options;
    options.handshakes_at_once = 100;
    run(options, &leave_at_once, [&](TaskGroup&) -> Task<> {
        std::size_t most = 0;
        for (std::size_t answered = 0; answered < kClients; ++answered) {
            co_await sleep_for(1ms);
            most = std::max(most, server->opening());
            EXPECT_LE(server->opening(), std::min<std::size_t>(kFirst + answered, 100));
            EXPECT_GT(server->opening(), 0U);
            server->answer_opening();
        }
        EXPECT_EQ(most, 100U);
        server->answer_all();
    });
    EXPECT_EQ(failures, 0U);
    EXPECT_EQ(server->codes(), std::vector<int>(kClients, 1000));
}

TEST_F(ClientCrowd, DialsNoneTooLateOnAServerThatIsSlow) {
    int told = 0;
    EndpointOptions options;
    options.handshake_time = 30s;
    options.on_opened = [&told](Duration) { ++told; };
    run(options, &leave_at_once, [&](TaskGroup&) -> Task<> {
        for (std::size_t answered = 0; answered < kClients; ++answered) {
            co_await sleep_for(300ms);  // 90 s for all
            server->answer_opening();
        }
        server->answer_all();
    });
    EXPECT_EQ(failures, 0U);
    EXPECT_EQ(told, static_cast<int>(kClients));
}

TEST_F(ClientCrowd, Row81ClosesNoMoreAtOnceThanTheServerHasShownItCanAnswer) {
    int told = 0;
    EndpointOptions options;
    options.on_closed = [&told](Duration) { ++told; };
    options.close_time = 10s;
    Semaphore end{0};
    const auto until_the_end = [&end](WebSocket&) -> Task<> { const Semaphore::Permit all = co_await end.acquire(); };
    run(options, until_the_end, [&](TaskGroup&) -> Task<> {
        for (std::size_t opened = 0; opened < kClients; ++opened) {
            co_await sleep_for(1ms);
            server->answer_opening();
        }
        end.set_limit(kClients);
        for (std::size_t answered = 0; answered < kClients; ++answered) {
            co_await sleep_for(100ms);  // 30 s for all: three times the close time
            EXPECT_LE(server->closing(), kFirst + answered);
            EXPECT_GT(server->closing(), 0U);
            server->answer_closing();
        }
    });
    EXPECT_EQ(failures, 0U);
    EXPECT_EQ(late_closes(), 0U);
    EXPECT_EQ(told, static_cast<int>(kClients));
    EXPECT_EQ(server->codes(), std::vector<int>(kClients, 1000));
}

TEST_F(ClientCrowd, Row81ACrowdThatIsStoppedClosesInTurnToo) {
    run({}, &stay, [&](TaskGroup& crowd) -> Task<> {
        for (std::size_t opened = 0; opened < kClients; ++opened) {
            co_await sleep_for(1ms);
            server->answer_opening();
        }
        co_await sleep_for(1ms);
        crowd.stop();
        const auto answer = [](SlowServer& to) -> Task<> {
            for (std::size_t answered = 0; answered < kClients; ++answered) {
                co_await sleep_for(100ms);
                EXPECT_LE(to.closing(), kFirst + answered);
                to.answer_closing();
            }
        };
        co_await shielded(1h, answer(*server));
    });
    EXPECT_EQ(failures, 0U);
    EXPECT_EQ(late_closes(), 0U);
    EXPECT_EQ(server->codes(), std::vector<int>(kClients, 1001));
}

TEST_F(ClientCrowd, Row81NobodyWaitsForATurnToCloseWhereNoCloseIsAnswered) {
    std::int64_t began = 0;
    run({}, &leave_at_once, [&](TaskGroup&) -> Task<> {
        for (std::size_t opened = 0; opened < kClients; ++opened) {
            co_await sleep_for(1ms);
            server->answer_opening();
        }
        began = harness().loop().backend().now();
        co_await sleep_for(1s);
        EXPECT_EQ(server->closing(), kFirst);
    });
    EXPECT_EQ(late_closes(), kClients);
    EXPECT_LT(harness().loop().backend().now() - began, 22'000);  // twice the close time
}

TEST_F(ClientCrowd, OneThatWaitsForItsTurnToCloseSeesTheServersCloseBehindWhatItDoesNotRead) {
    const std::string message = "\x82\x7e\xff\xff" + std::string(65535, 'x');
    run({}, &leave_at_once, [&](TaskGroup&) -> Task<> {
        for (std::size_t opened = 0; opened < kClients; ++opened) {
            co_await sleep_for(1ms);
            server->answer_opening();
        }
        server->send_all(message + message + message + "\x88\x02\x03\xe9");
        co_await sleep_for(5s);
        EXPECT_EQ(server->codes().size(), kClients);  // also those whose turn it is not
        server->answer_all();
    });
    EXPECT_EQ(failures, 0U);
}

TEST(HandshakeWindow, GrowsWhileHandshakesAreQuickAndIsBackAtTheBeginningWhenOneIsNot) {
    Loop loop{std::make_unique<MemoryBackend>()};
    HandshakeWindow window{100};
    const auto free = [&window] {
        int count = 0;
        StopScope scope;
        std::vector<Semaphore::Permit> permits;
        for (;; ++count) {
            Semaphore::AcquireAwaiter turn = window.turn();
            turn.bind(scope);
            if (!turn.await_ready()) {
                return count;
            }
            permits.push_back(turn.await_resume());
        }
    };
    EXPECT_EQ(free(), 64);
    window.note_success(1s, 8s);
    EXPECT_EQ(free(), 65);
    for (int i = 0; i < 50; ++i) {
        window.note_success(0s, 8s);
    }
    EXPECT_EQ(free(), 100);
    window.note_success(1001ms, 8s);
    EXPECT_EQ(free(), 64);
    EXPECT_EQ(window.successes(), 52U);
}

TEST(Endpoint, NeedsAHandshakeAtOnce) {
    EndpointOptions options;
    options.handshakes_at_once = 0;
    EXPECT_THROW((Endpoint{"ws://127.0.0.1/", options}), std::invalid_argument);
}

}  // namespace
}  // namespace c10k
