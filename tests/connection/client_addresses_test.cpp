// Clients of servers whose host has several addresses (RFC 8305).

#include "c10k/client.hpp"
#include "connection/fixture.hpp"

#include <array>
#include <map>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace c10k {
namespace {

using namespace std::chrono_literals;

using Captured = std::span<const std::string_view>;
using Dial = testkit::FaultInjector::Dial;
using Hosts = std::vector<std::string>;

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Task<> leave(WebSocket&) { co_return; }

std::string host_of(const Address& address) {
    const std::string text = address.text();
    return text.substr(0, text.rfind(':'));
}

constexpr Dial kRefuses{.refuses = true};
constexpr Dial kIsSilent{.after_ms = Dial::kNever};
constexpr Dial after(std::int64_t ms) { return {.after_ms = ms}; }

// A network on which each host answers as a test wants it to: "[::1]", "127.0.0.1".
class ClientWithManyAddresses : public InMemory {
protected:
    void SetUp() override {
        InMemory::SetUp();
        serve(&echo);
        harness().network().injector().answer_dials([this](const Address& to) {
            dialled.push_back(host_of(to));
            const auto known = hosts.find(host_of(to));
            return known != hosts.end() ? known->second : Dial{};
        });
    }

    Endpoint endpoint(Hosts addresses, EndpointOptions options = {}) {
        options.addresses = std::move(addresses);
        return Endpoint{url(), options};
    }
    std::string url() { return "ws://many.example:" + port() + "/ws/"; }
    std::string port() { return std::to_string(harness().address().port()); }
    // The milliseconds after which a client of `server` has come and gone.
    std::int64_t visit(const Endpoint& server) {
        const std::int64_t before = harness().network().now();
        harness().run(connect(server, &leave));
        const std::int64_t took = harness().network().now() - before;
        wait_until_empty();
        return took;
    }
    // The failure that such a client reports.
    template <typename Failure>
    std::string failure(const Endpoint& server) {
        try {
            harness().run(connect(server, &leave));
        } catch (const Failure& error) {
            return error.what();
        }
        return "none";
    }
    void expect_no_socket_but_the_servers() {
        harness().advance(1s);  // what was under way to the server has arrived
        wait_until_empty();
        EXPECT_EQ(harness().network().count(), 1U);
    }

    std::map<std::string, Dial> hosts;
    Hosts dialled;
};

TEST_F(ClientWithManyAddresses, TriesTheNextAtOnceWhenOneRefuses) {
    hosts = {{"[::1]", kRefuses}};
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1"})), 0);
    EXPECT_EQ(dialled, (Hosts{"[::1]", "127.0.0.1"}));
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, TriesTheNextAfter250MsOfSilence) {
    hosts = {{"[2001:db8::1]", kIsSilent}};
    EXPECT_EQ(visit(endpoint({"2001:db8::1", "127.0.0.1"})), 250);
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, TakesTheFirstThatAnswersAndClosesTheOthers) {
    hosts = {{"[::1]", after(300)}, {"127.0.0.1", after(100)}, {"127.0.0.2", kIsSilent}};
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1", "127.0.0.2"})), 300);
    EXPECT_EQ(dialled, (Hosts{"[::1]", "127.0.0.1"}));
    dialled.clear();
    hosts = {{"[::1]", after(600)}, {"127.0.0.1", after(100)}};
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1"})), 350);
    EXPECT_EQ(app.closed, (std::vector<std::uint16_t>{1000, 1000}));
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, DoesNotTryTheNextIfTheFirstAnswersInTime) {
    hosts = {{"[::1]", after(249)}};
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1"})), 249);
    EXPECT_EQ(dialled, Hosts{"[::1]"});
}

TEST_F(ClientWithManyAddresses, AlternatesBetweenTheFamilies) {  // RFC 8305, 4
    hosts = {{"[::1]", kRefuses}, {"[::2]", kRefuses}, {"[::3]", kRefuses}, {"127.0.0.1", kRefuses}};
    EXPECT_EQ(visit(endpoint({"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"})), 0);
    EXPECT_EQ(dialled, (Hosts{"[::1]", "127.0.0.1", "[::2]", "127.0.0.2"}));
}

TEST_F(ClientWithManyAddresses, BeginsWithTheOneThatAnsweredLast) {
    hosts = {{"[::1]", kIsSilent}};
    const Endpoint server = endpoint({"::1", "127.0.0.1", "127.0.0.2"});
    EXPECT_EQ(visit(server), 250);
    dialled.clear();
    EXPECT_EQ(visit(server), 0);
    EXPECT_EQ(dialled, Hosts{"127.0.0.1"});
    dialled.clear();
    hosts = {{"127.0.0.1", kRefuses}};  // it has moved
    EXPECT_EQ(visit(server), 0);
    EXPECT_EQ(dialled, (Hosts{"127.0.0.1", "[::1]"}));
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, NamesAllThatItTriedWhenAllFail) {
    hosts = {{"[::1]", kRefuses}, {"127.0.0.1", {.refuses = true, .after_ms = 100}}, {"127.0.0.2", kRefuses}};
    EXPECT_EQ(failure<ConnectError>(endpoint({"::1", "127.0.0.1", "127.0.0.2"})),
              "cannot connect to " + url() + ": [::1]:" + port() + ": Connection refused, 127.0.0.1:" + port() +
                  ": Connection refused, 127.0.0.2:" + port() + ": Connection refused");
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, SaysWhichAddressRefusedTheHandshake) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(403);
        co_return;
    });
    hosts = {{"[::1]", kRefuses}};
    EXPECT_EQ(failure<ConnectError>(endpoint({"::1", "127.0.0.1"})),
              "cannot connect to " + url() + " at 127.0.0.1:" + port() + ": the server answered 403 Forbidden");
    EXPECT_EQ(failure<ConnectError>(endpoint({"127.0.0.1"})),
              "cannot connect to " + url() + ": the server answered 403 Forbidden");
}

TEST_F(ClientWithManyAddresses, SaysWithoutAListWhatHappenedToAnOnlyAddress) {
    hosts = {{"127.0.0.1", kRefuses}};
    EXPECT_EQ(failure<ConnectError>(endpoint({"127.0.0.1"})), "cannot connect to " + url() + ": Connection refused");
    EXPECT_EQ(dialled, Hosts{"127.0.0.1"});
}

TEST_F(ClientWithManyAddresses, BoundsTheTimeOfAllAttemptsTogetherAndNamesThem) {
    hosts = {{"[::1]", kIsSilent}, {"127.0.0.1", kRefuses}, {"127.0.0.2", kIsSilent}};
    EndpointOptions options;
    options.handshake_time = 10s;
    const std::int64_t before = harness().network().now();
    EXPECT_EQ(failure<TimedOut>(endpoint({"::1", "127.0.0.1", "127.0.0.2"}, options)),
              "cannot connect to " + url() + ": [::1]:" + port() + ": no answer, 127.0.0.1:" + port() +
                  ": Connection refused, 127.0.0.2:" + port() + ": no answer");
    EXPECT_EQ(harness().network().now() - before, 10'000);
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, ClosesAllAttemptsWhenItIsStopped) {
    hosts = {{"[::1]", kIsSilent}, {"127.0.0.1", kIsSilent}, {"127.0.0.2", after(100)}};
    EXPECT_THROW(harness().run(with_timeout(550ms, connect(endpoint({"::1", "127.0.0.1", "127.0.0.2"}), &leave))),
                 TimedOut);
    EXPECT_EQ(dialled.size(), 3U);
    expect_no_socket_but_the_servers();
}

TEST_F(ClientWithManyAddresses, IsStoppedAtAnyMomentWithoutLeavingASocket) {
    for (int ms = 0; ms <= 800; ms += 50) {
        hosts = {{"[::1]", after(700)}, {"127.0.0.1", {.refuses = true, .after_ms = 100}}, {"127.0.0.2", after(350)}};
        const Endpoint server = endpoint({"::1", "127.0.0.1", "127.0.0.2"});
        try {
            harness().run(with_timeout(std::chrono::milliseconds{ms},
                                       connect(server, [](WebSocket&) -> Task<> { co_await sleep_for(1ms); })));
        } catch (const TimedOut&) {
        }
        expect_no_socket_but_the_servers();
    }
}

TEST_F(ClientWithManyAddresses, LeavesOutAddressesOfAFamilyThatItHasNoSourceFor) {
    hosts = {{"[::1]", kIsSilent}};
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1"}).from({"127.0.0.2", "127.0.0.3"})), 0);
    EXPECT_EQ(dialled, Hosts{"127.0.0.1"});
    hosts.clear();
    dialled.clear();
    EXPECT_EQ(visit(endpoint({"::1", "127.0.0.1"}).from({"127.0.0.2", "::1"})), 0);
    EXPECT_EQ(dialled, Hosts{"[::1]"});
    EXPECT_THROW((void)endpoint({"127.0.0.1"}).from({"::1"}), std::runtime_error);
}

TEST_F(ClientWithManyAddresses, TakesNumbersOnlyForAddresses) {
    EXPECT_THROW((void)endpoint({"localhost"}), std::runtime_error);
    EXPECT_THROW((void)endpoint({""}), std::runtime_error);
    EXPECT_THROW((void)endpoint({"127.0.0.1:80"}), std::runtime_error);
}

TEST_F(ClientWithManyAddresses, IsOfThisMachineOnlyIfAllAreLoopbackAddresses) {
    EXPECT_TRUE(endpoint({"::1", "127.0.0.1"}).is_loopback());
    EXPECT_FALSE(endpoint({"::1", "192.0.2.1"}).is_loopback());
    EXPECT_FALSE(endpoint({"2001:db8::1"}).is_loopback());
}

// ---- Real sockets, too

class ClientWithTwoAddresses : public OnEveryNetwork {
protected:
    void talk(Hosts addresses, std::uint16_t port) {
        serve(&echo);
        EndpointOptions options;
        options.addresses = std::move(addresses);
        const Endpoint server{"ws://localhost:" + std::to_string(port) + "/ws/", options};
        for (int i = 0; i < 2; ++i) {
            harness().run(connect(server, [](WebSocket& socket) -> Task<> {
                co_await socket.send("hello");
                EXPECT_EQ(co_await socket.recv(), Message{"hello"});
            }));
        }
        wait_until_empty();
        EXPECT_EQ(app.closed, (std::vector<std::uint16_t>{1000, 1000}));
    }
};
INSTANTIATE_TEST_SUITE_P(Networks, ClientWithTwoAddresses, every_network(), network_name);

TEST_P(ClientWithTwoAddresses, FindsAServerThatListensOnTheIpv4AddressOnly) {
    talk({"::1", "127.0.0.1"}, harness().address().port());
}

TEST_P(ClientWithTwoAddresses, FindsAServerThatListensOnTheIpv6AddressOnly) {
    Address address;
    try {
        address = harness().server().listen(Address::resolve("::1", 0));
    } catch (const std::system_error& error) {
        GTEST_SKIP() << "::1: " << error.what();
    }
    talk({"127.0.0.1", "::1"}, address.port());
}

// A listener that nobody serves, with as many connections as its queue holds: to the next, the kernel says nothing.
class FullListener {
public:
    FullListener(const char* host, std::uint16_t port) : listener_(tcp()) {
        const Address address = Address::resolve(host, port);
        EXPECT_EQ(::bind(listener_, address.get(), address.size()), 0);
        EXPECT_EQ(::listen(listener_, 0), 0);
        for (int& client : clients_) {
            client = tcp();
            EXPECT_EQ(::connect(client, address.get(), address.size()), -1);
        }
    }
    ~FullListener() {
        ::close(listener_);
        for (const int client : clients_) {
            ::close(client);
        }
    }
    FullListener(const FullListener&) = delete;
    FullListener& operator=(const FullListener&) = delete;

private:
    static int tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

    int listener_;
    std::array<int, 4> clients_{};
};

TEST_P(ClientWithTwoAddresses, IsNotHeldUpByAnAddressThatDropsWhatItGets) {
    if (is_in_memory()) {
        return;
    }
    const FullListener full{"127.0.0.2", harness().address().port()};
    talk({"127.0.0.2", "127.0.0.1"}, harness().address().port());
}

}  // namespace
}  // namespace c10k
