// Servers and clients that speak TLS because they were told to. What they do then, the other tests ask on networks
// where everybody speaks it.

#include "c10k/client.hpp"
#include "connection/fixture.hpp"

#include <optional>
#include <string>

namespace c10k {
namespace {

using namespace std::chrono_literals;

using Captured = std::span<const std::string_view>;

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

// A server with TLS in memory, where the clock is ours.
class TlsServer : public testing::Test {
protected:
    TlsServer() {
        app.route.view = &echo;
        auto made = std::make_unique<MemoryBackend>();
        network = made.get();
        loop.emplace(std::move(made));
        server.emplace(*loop, app, limits, &TestTls::get().certificates);
        address = server->listen(Address::resolve("127.0.0.1", 0));
    }
    ~TlsServer() override { testkit::run_to_end(*loop, server->close()); }

    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return "wss://" + host + ':' + std::to_string(address.port()) + "/ws/";
    }
    static EndpointOptions trusting() {
        EndpointOptions options;
        options.ca_file = TestTls::get().authorities;
        return options;
    }
    // The error that connecting ends with; "" if an echo comes.
    std::string talk(const Endpoint& endpoint) {
        try {
            testkit::run_to_end(*loop, connect(endpoint, [](WebSocket& socket) -> Task<> {
                co_await socket.send("hello");
                EXPECT_EQ(co_await socket.recv(), Message{"hello"});
            }));
            return "";
        } catch (const ConnectError& failure) {
            return failure.what();
        }
    }
    void advance(std::chrono::milliseconds time) {
        loop->run_until_idle();
        network->advance(time);
        loop->run_until_idle();
    }

    ScriptedApplication app;
    ServerLimits limits;
    MemoryBackend* network;
    std::optional<Loop> loop;
    std::optional<Server> server;
    Address address;
};

TEST_F(TlsServer, ServesAClientThatTrustsItsAuthority) {
    EXPECT_EQ(talk(Endpoint{url(), trusting()}), "");
    EXPECT_EQ(talk(Endpoint{url("localhost"), trusting()}), "");
    loop->run_until_idle();
    EXPECT_EQ(app.closed, (std::vector<std::uint16_t>{1000, 1000}));
}

TEST_F(TlsServer, IsFoundAtTheSecondOfItsAddresses) {
    using Dial = testkit::FaultInjector::Dial;
    for (const Dial other : {Dial{.refuses = true}, Dial{.after_ms = Dial::kNever}}) {
        network->injector().answer_dials(
            [other](const Address& to) { return to.family() == AF_INET6 ? other : Dial{}; });
        EndpointOptions options = trusting();
        options.addresses = {"::1", "127.0.0.1"};
        EXPECT_EQ(talk(Endpoint{url("localhost"), options}), "");
        const std::string text = talk(Endpoint{url("elsewhere.example"), options});
        EXPECT_NE(text.find("another host name"), std::string::npos) << text;
    }
    loop->run_until_idle();
    EXPECT_EQ(network->count(), 1U);
}

TEST_F(TlsServer, IsNotBelievedByAClientThatDoesNotKnowIt) {
    const std::string text = talk(Endpoint{url()});
    EXPECT_TRUE(text.starts_with("cannot connect to " + url() + ": ")) << text;
    EXPECT_NE(text.find("not trusted here"), std::string::npos) << text;
    EXPECT_TRUE(app.opened.empty());
}

TEST_F(TlsServer, IsNotBelievedUnderAnotherName) {
    const std::string text = talk(Endpoint{url("127.0.0.2"), trusting()});
    EXPECT_NE(text.find("not for this IP address"), std::string::npos) << text;
}

TEST_F(TlsServer, IsBelievedByAClientThatVerifiesNothing) {
    EndpointOptions options;
    options.verify = Verify::kNothing;
    EXPECT_EQ(talk(Endpoint{url("127.0.0.2"), options}), "");
}

TEST_F(TlsServer, TellsAClientWithoutTlsWhatIsWrong) {
    const std::string plain = "ws://127.0.0.1:" + std::to_string(address.port()) + "/ws/";
    const std::string text = talk(Endpoint{plain});
    EXPECT_NE(text.find("400"), std::string::npos) << text;
}

TEST_F(TlsServer, SaysThatARequestCameByHttps) {
    bool is_secure = false;
    app.route.view = [&](WebSocket& socket, Captured) -> Task<> {
        is_secure = socket.request().is_secure;
        co_await echo(socket, {});
    };
    EXPECT_EQ(talk(Endpoint{url(), trusting()}), "");
    EXPECT_TRUE(is_secure);
}

TEST_F(TlsServer, Row26CountsTheHandshakeInTheTimeOfTheHead) {
    class Silent final : public SocketEvents {
    public:
        bool over = false;
        void on_received(std::span<char>) override {}
        void on_end() override { over = true; }
        void on_sent(std::size_t) override {}
        void on_failed(std::error_code) override { over = true; }
    };
    TlsStream client{TestTls::get().client, "127.0.0.1"};
    client.start();
    const std::vector<char> hello = client.take_unsent();
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5}, hello.size() / 2, hello.size()}) {
        Silent peer;
        const SocketId socket = loop->backend().connect(address);
        loop->backend().attach(socket, peer);
        loop->backend().start_receiving(socket);
        loop->run_until_idle();
        const iovec part{const_cast<char*>(hello.data()), size};
        if (size > 0) {
            ASSERT_EQ(loop->backend().send(socket, {&part, 1}), size);
        }
        advance(limits.head_time - 1ms);
        EXPECT_EQ(server->count(), 1U) << size;
        EXPECT_FALSE(peer.over) << size;
        advance(1ms);
        EXPECT_EQ(server->count(), 0U) << size;
        EXPECT_TRUE(peer.over) << size;
        loop->backend().close(socket);
        loop->run_until_idle();
    }
}

class TlsClient : public InMemory {};

TEST_F(TlsClient, SaysThatItsServerSpeaksNoTls) {
    EndpointOptions options;
    options.ca_file = TestTls::get().authorities;
    const Endpoint endpoint{"wss://" + harness().address().text() + "/ws/", options};
    try {
        harness().run(connect(endpoint, [](WebSocket&) -> Task<> { co_return; }));
        FAIL();
    } catch (const ConnectError& failure) {
        EXPECT_NE(std::string{failure.what()}.find("does not speak TLS"), std::string::npos) << failure.what();
    }
}

TEST(TlsEndpoint, RefusesAFileWithoutCertificates) {
    EndpointOptions options;
    options.ca_file = "/nowhere.pem";
    EXPECT_THROW((Endpoint{"wss://127.0.0.1/", options}), std::runtime_error);
}

}  // namespace
}  // namespace c10k
