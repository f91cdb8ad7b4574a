#include "c10k/client.hpp"

#include "connection/fixture.hpp"

#include <set>
#include <stdexcept>

namespace c10k {
namespace {

using namespace std::chrono_literals;

using Captured = std::span<const std::string_view>;

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

// A server that says what a test wants it to, byte for byte.
class CrudeServer final : private ListenerEvents {
public:
    explicit CrudeServer(Loop& loop)
        : loop_(loop), listener_(loop.backend().listen(Address::resolve("127.0.0.1", 0), {.backlog = 8}, *this)) {}
    ~CrudeServer() { loop_.backend().close(listener_); }
    CrudeServer(const CrudeServer&) = delete;
    CrudeServer& operator=(const CrudeServer&) = delete;

    [[nodiscard]] std::string url() { return "ws://" + loop_.backend().local_address(listener_).text() + "/"; }

    // The answer to a handshake with this key; and whether to end the connection then.
    std::function<std::string(std::string_view key)> answer;
    bool ends = false;
    std::string received;
    std::optional<std::int64_t> client_ended_at;  // by the loop's clock

private:
    class Connection final : public SocketEvents {
    public:
        Connection(CrudeServer& server, SocketId socket) : server_(server), socket_(socket) {
            server_.loop_.backend().attach(socket_, *this);
            server_.loop_.backend().start_receiving(socket_);
        }
        ~Connection() { server_.loop_.backend().close(socket_); }
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;

    private:
        void on_received(std::span<char> bytes) override {
            server_.received.append(bytes.data(), bytes.size());
            request_.append(bytes.data(), bytes.size());
            if (!answered_ && request_.ends_with("\r\n\r\n") && server_.answer) {
                answered_ = true;
                const std::string name = "Sec-WebSocket-Key: ";
                const std::string key = request_.substr(request_.find(name) + name.size(), 24);
                unsent_ = server_.answer(key);
                send();
            }
        }
        void on_sent(std::size_t bytes) override {
            unsent_.erase(0, bytes);
            send();
        }
        void send() {
            while (!unsent_.empty()) {
                sending_ = unsent_;
                const iovec piece{sending_.data(), sending_.size()};
                const std::size_t taken = server_.loop_.backend().send(socket_, {&piece, 1});
                if (taken == 0) {
                    return;
                }
                unsent_.erase(0, taken);
            }
            if (server_.ends) {
                server_.loop_.backend().shutdown_write(socket_);
            }
        }
        void on_end() override { server_.client_ended_at = server_.loop_.backend().now(); }
        void on_failed(std::error_code) override {}

        CrudeServer& server_;
        SocketId socket_;
        std::string request_;
        std::string unsent_;
        std::string sending_;
        bool answered_ = false;
    };

    void on_accepted(SocketId socket, const Address&, const Address&) override {
        connections_.push_back(std::make_unique<Connection>(*this, socket));
    }
    void on_accept_failed(std::error_code) override {}

    Loop& loop_;
    SocketId listener_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

std::string switching(std::string_view key) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           wire::accept_value(key) + "\r\n\r\n";
}

class ClientOnEveryNetwork : public OnEveryNetwork {
protected:
    [[nodiscard]] std::string url() { return "ws://" + harness().address().text() + "/ws/"; }
    // The text of the ConnectError that connecting to `endpoint` ends with.
    std::string error(const Endpoint& endpoint) {
        try {
            harness().run(connect(endpoint, [](WebSocket&) -> Task<> { co_return; }));
        } catch (const ConnectError& failure) {
            return failure.what();
        }
        return "none";
    }
};
INSTANTIATE_TEST_SUITE_P(Networks, ClientOnEveryNetwork, every_network(), network_name);

class ClientInMemory : public InMemory {};

TEST_P(ClientOnEveryNetwork, TalksAndClosesWith1000) {
    serve(&echo);
    int got = 0;
    harness().run(connect(Endpoint{url()}, [&](WebSocket& socket) -> Task<> {
        for (const std::size_t size : {0, 5, 200, 5000}) {
            const std::string text(size, 'x');
            co_await socket.send(text);
            const auto reply = co_await socket.recv();
            EXPECT_EQ(reply, Message{text});
            ++got;
        }
    }));
    EXPECT_EQ(got, 4);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(ClientOnEveryNetwork, ConnectsFromEachOfItsAddressesInTurn) {
    std::set<std::string> hosts;
    app.on_websocket_open = [&hosts](const Request& request) {
        hosts.insert(request.peer.substr(0, request.peer.find(':')));
    };
    serve(&echo);
    const Endpoint endpoint = Endpoint{url()}.from({"127.0.0.2", "127.0.0.3"});
    for (int i = 0; i < 4; ++i) {
        harness().run(connect(endpoint, [](WebSocket&) -> Task<> { co_return; }));
    }
    if (is_real(GetParam())) {  // in memory everybody has one address
        EXPECT_EQ(hosts, (std::set<std::string>{"127.0.0.2", "127.0.0.3"}));
    }
    EXPECT_THROW((void)Endpoint{url()}.from({"nowhere"}), std::runtime_error);
}

TEST_F(ClientInMemory, DoesNotConnectWhenItIsStopped) {
    serve(&echo);
    int connected = 0;
    const auto connect_late = [&]() -> Task<> {
        try {
            co_await sleep_for(1h);
        } catch (const Stopped&) {  // and goes on
        }
        const Endpoint endpoint{"ws://" + harness().address().text() + "/ws/"};
        co_await connect(endpoint, [&](WebSocket&) -> Task<> {
            ++connected;
            co_return;
        });
    };
    const auto stop = [&]() -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn(connect_late());
            co_await yield();
            group.stop();
        });
    };
    harness().run(stop());
    EXPECT_EQ(connected, 0);
    wait_until_empty();
}

TEST_P(ClientOnEveryNetwork, WaitsForTheServersFin) {  // RFC 6455, 7.1.1
    serve([](WebSocket& socket, Captured) -> Task<> { co_await socket.send("bye"); });
    std::optional<CloseInfo> info;
    harness().run(connect(Endpoint{url()}, [&](WebSocket& socket) -> Task<> {
        EXPECT_EQ(co_await socket.recv(), Message{"bye"});
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    }));
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->code, 1000);
    wait_until_empty();
}

TEST_P(ClientOnEveryNetwork, ClosesWith1011WhenItsViewThrowsAndPassesThatOn) {
    serve(&echo);
    EXPECT_THROW(harness().run(connect(Endpoint{url()},
                                       [](WebSocket&) -> Task<> {
                                           throw std::runtime_error("no");
                                           co_return;
                                       })),
                 std::runtime_error);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1011});
}

TEST_P(ClientOnEveryNetwork, SaysWhichStatusRefusedIt) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403);
        co_return;
    });
    const std::string text = error(Endpoint{url()});
    EXPECT_NE(text.find(url()), std::string::npos) << text;
    EXPECT_NE(text.find("403"), std::string::npos) << text;
    wait_until_empty();
}

TEST_P(ClientOnEveryNetwork, SaysThatNobodyListens) {
    EXPECT_NE(error(Endpoint{"ws://127.0.0.1:1/"}).find("refused"), std::string::npos);
}

TEST_P(ClientOnEveryNetwork, OffersSubprotocolsAndMoreFields) {
    std::string user;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        user = socket.request().headers.get("Cookie").value_or("");
        co_await socket.recv();
    });
    EndpointOptions options;
    options.subprotocols = {"chat.v1"};
    options.headers = {{"Cookie", "user=ann"}};
    std::string subprotocol;
    harness().run(connect(Endpoint{url(), options}, [&](WebSocket& socket) -> Task<> {
        subprotocol = socket.subprotocol();
        co_return;
    }));
    EXPECT_EQ(subprotocol, "chat.v1");
    EXPECT_EQ(user, "user=ann");
}

TEST_P(ClientOnEveryNetwork, RefusesAWrongAcceptValue) {  // RFC 6455, 4.1
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view) { return switching("dGhlIHNhbXBsZSBub25jZQ=="); };
    EXPECT_NE(error(Endpoint{server.url()}).find("cannot connect"), std::string::npos);
}

TEST_P(ClientOnEveryNetwork, RefusesAServerThatSpeaksSomethingElse) {
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view) { return "220 mail.example.com ESMTP\r\n\r\n"; };
    EXPECT_NE(error(Endpoint{server.url()}).find("cannot connect"), std::string::npos);
}

TEST_P(ClientOnEveryNetwork, RefusesAServerThatHangsUp) {
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view) { return "HTTP/1.1 1"; };
    server.ends = true;
    EXPECT_NE(error(Endpoint{server.url()}).find("ended"), std::string::npos);
}

TEST_P(ClientOnEveryNetwork, TakesFramesThatComeWithTheHandshake) {
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view key) {
        return switching(key) +
               "\x81\x05"
               "early" +
               "\x88\x02\x03\xe9";
    };
    server.ends = true;
    std::vector<std::string> got;
    std::optional<CloseInfo> info;
    harness().run(connect(Endpoint{server.url()}, [&](WebSocket& socket) -> Task<> {
        while (auto message = co_await socket.recv()) {
            got.emplace_back(message->view());
        }
        info = socket.close_info();
    }));
    EXPECT_EQ(got, std::vector<std::string>{"early"});
    EXPECT_EQ(info->code, 1001);
}

TEST_P(ClientOnEveryNetwork, TakesAsManyFragmentsAsItsOptionSays) {
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view key) { return switching(key) + std::string("\x01\1a\0\1b\x80\1c", 9); };
    server.ends = true;
    for (const std::uint32_t most : {2U, 3U}) {
        std::optional<Message> message;
        CloseInfo closed;
        harness().run(connect(Endpoint{server.url(), {.max_fragments = most}}, [&](WebSocket& socket) -> Task<> {
            message = co_await socket.recv();
            closed = socket.close_info();
        }));
        if (most == 3) {
            EXPECT_EQ(message.value_or(Message{}), "abc");
        } else {
            EXPECT_FALSE(message.has_value());
            EXPECT_EQ(closed.code, 1008);
            EXPECT_EQ(closed.reason, "too many fragments");
        }
    }
}

TEST_P(ClientOnEveryNetwork, FailsAServerThatMasksItsFrames) {  // RFC 6455, 5.1
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view key) {
        std::string frame;
        wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "hi", frame);
        return switching(key) + frame;
    };
    server.ends = true;
    std::optional<CloseInfo> info;
    harness().run(connect(Endpoint{server.url()}, [&](WebSocket& socket) -> Task<> {
        EXPECT_FALSE((co_await socket.recv()).has_value());
        info = socket.close_info();
    }));
    EXPECT_EQ(info->code, 1002);
}

TEST_P(ClientOnEveryNetwork, HoldsManyConnectionsAtOnce) {
    serve(&echo);
    constexpr int kClients = 50;
    int good = 0;
    const Endpoint endpoint{url()};
    harness().run(task_group([&](TaskGroup& group) -> Task<> {
        for (int i = 0; i < kClients; ++i) {
            group.spawn(connect(endpoint, [&](WebSocket& socket) -> Task<> {
                co_await socket.send("x");
                good += co_await socket.recv() == Message{"x"} ? 1 : 0;
            }));
        }
        co_return;
    }));
    EXPECT_EQ(good, kClients);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>(kClients, 1000));
}

TEST_F(ClientInMemory, ReadsWhileItsOwnMessagesWaitToBeRead) {  // found by a simulation
    harness().network().faults().kernel_bytes = 64 * 1024;
    constexpr int kMessages = 20;  // each fills all that is between the two
    serve(&echo);
    int got = 0;
    const Endpoint endpoint{"ws://" + harness().address().text() + "/ws/"};
    harness().run(connect(endpoint, [&](WebSocket& socket) -> Task<> {
        co_await task_group([&](TaskGroup& group) -> Task<> {
            group.spawn([](WebSocket& to) -> Task<> {
                for (int i = 0; i < kMessages; ++i) {
                    co_await to.send(std::string(1024 * 1024, 'x'));
                }
            }(socket));
            for (; got < kMessages; ++got) {
                co_await socket.recv();
            }
        });
    }));
    EXPECT_EQ(got, kMessages);
}

TEST_F(ClientInMemory, StopsReadingWhenTooMuchHasComeWithTheHandshake) {  // found by a simulation
    harness().network().faults().kernel_bytes = 64 * 1024;
    int sent = 0;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        for (; sent < 100; ++sent) {
            co_await socket.send(std::string(20'000, 'x'));
        }
    });
    // In the client's inbox, in the network, in the server's outbox: 64 KiB each, and as much again in the last read.
    constexpr int kMost = 4 * 64 * 1024 / 20'000 + 1;
    const Endpoint endpoint{"ws://" + harness().address().text() + "/ws/"};
    harness().run(connect(endpoint, [&](WebSocket& socket) -> Task<> {
        co_await sleep_for(1s);
        EXPECT_LE(sent, kMost);
        while (co_await socket.recv()) {
        }
    }));
    EXPECT_EQ(sent, 100);
}

TEST_F(ClientInMemory, GivesUpAServerThatDoesNotAnswerTheHandshake) {
    CrudeServer server{harness().loop()};
    const std::int64_t before = harness().network().now();
    EXPECT_THROW(harness().run(connect(Endpoint{server.url()}, [](WebSocket&) -> Task<> { co_return; })), TimedOut);
    EXPECT_EQ(harness().network().now() - before, 30'000);
}

TEST_F(ClientInMemory, StopsWhileItConnects) {
    CrudeServer server{harness().loop()};
    EXPECT_THROW(
        harness().run(with_timeout(1s, connect(Endpoint{server.url()}, [](WebSocket&) -> Task<> { co_return; }))),
        TimedOut);
    EXPECT_NE(server.received.find("GET / HTTP/1.1"), std::string::npos);
}

TEST_F(ClientInMemory, ClosesWith1001WhenItIsStopped) {
    serve(&echo);
    const std::string url = "ws://" + harness().address().text() + "/ws/";
    EXPECT_THROW(harness().run(with_timeout(1s, connect(Endpoint{url},
                                                        [](WebSocket& socket) -> Task<> {
                                                            while (co_await socket.recv()) {
                                                            }
                                                        }))),
                 TimedOut);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1001});
}

TEST_F(ClientInMemory, EndsByItselfWhenTheServerDoesNotAnswerTheClose) {
    CrudeServer server{harness().loop()};
    server.answer = &switching;
    const std::int64_t before = harness().network().now();
    harness().run(connect(Endpoint{server.url()}, [](WebSocket&) -> Task<> { co_return; }));
    EXPECT_EQ(harness().network().now() - before, 10'000);
}

TEST_F(ClientInMemory, LeavesTheEndOfTheTcpConnectionToTheServer) {  // RFC 6455, 7.1.1
    CrudeServer server{harness().loop()};
    server.answer = [](std::string_view key) { return switching(key) + "\x88\x02\x03\xe9"; };
    const std::int64_t before = harness().network().now();
    harness().run(connect(Endpoint{server.url()}, [](WebSocket&) -> Task<> { co_return; }));
    harness().run_until_idle();
    EXPECT_EQ(server.client_ended_at, before + 10'000);  // but not for ever
}

TEST(Endpoint, Row80SaysWhatToWriteForTheUrlOfAPage) {
    const auto fault = [](std::string_view url) -> std::string {
        try {
            const Endpoint endpoint{url};
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "none";
    };
    EXPECT_EQ(fault("http://127.0.0.1:8000/test/"),
              "cannot connect to 'http://127.0.0.1:8000/test/': a WebSocket's URL begins with ws or wss: write "
              "ws://127.0.0.1:8000/test/");
    EXPECT_EQ(fault("HTTPS://127.0.0.1/"),
              "cannot connect to 'HTTPS://127.0.0.1/': a WebSocket's URL begins with ws or wss: write "
              "wss://127.0.0.1/");
}

TEST(Endpoint, RefusesWhatIsNoWebSocketUrl) {
    EXPECT_THROW(Endpoint{"http://localhost/"}, std::invalid_argument);
    EXPECT_THROW(Endpoint{"nonsense"}, std::invalid_argument);
    EXPECT_EQ(Endpoint{"ws://127.0.0.1:8000/x"}.url(), "ws://127.0.0.1:8000/x");
}

TEST(Endpoint, RefusesOptionsThatThereAreNot) {
    const EndpointOptions good;
    for (const std::uint32_t number : {0U, 1U << 24, UINT32_MAX}) {
        EndpointOptions options = good;
        options.max_fragments = number;
        EXPECT_THROW((Endpoint{"ws://127.0.0.1/", options}), std::invalid_argument) << number;
    }
    for (const std::uint32_t number : {0U, (1U << 30) + 1, UINT32_MAX}) {
        EndpointOptions options = good;
        options.max_message_bytes = number;
        EXPECT_THROW((Endpoint{"ws://127.0.0.1/", options}), std::invalid_argument) << number;
    }
    EXPECT_NO_THROW((Endpoint{"ws://127.0.0.1/", {.max_message_bytes = 1U << 30, .max_fragments = (1U << 24) - 1}}));
}

}  // namespace
}  // namespace c10k
