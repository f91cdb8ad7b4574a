// Clients whose WebSockets share connections of HTTP/2 (RFC 8441).

#include "c10k/client.hpp"
#include "connection/fixture.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

using Captured = std::span<const std::string_view>;

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Task<> leave(WebSocket&) { co_return; }

testing::AssertionResult says(const std::string& text, const std::string& part) {
    return (text.find(part) != std::string::npos ? testing::AssertionSuccess() : testing::AssertionFailure())
           << '"' << text << '"';
}

EndpointOptions sharing(std::uint32_t connections) {
    EndpointOptions options;
    options.http2 = Http2{.connections = connections};
    return options;
}

class SharedOnEveryNetwork : public OnEveryNetwork {
protected:
    SharedOnEveryNetwork() {
        limits.http2 = "on";
        app.on_websocket_open = [this](const Request& request) { peers.insert(request.peer); };
    }
    Endpoint endpoint(EndpointOptions options) {
        return Endpoint{"ws://" + harness().address().text() + "/ws/", std::move(options)};
    }
    // The text of the ConnectError that connecting ends with.
    std::string error(const Endpoint& server) {
        try {
            harness().run(connect(server, &leave));
        } catch (const ConnectError& failure) {
            return failure.what();
        }
        return "none";
    }

    std::set<std::string> peers;  // addresses and ports that WebSockets have come from
};
INSTANTIATE_TEST_SUITE_P(Networks, SharedOnEveryNetwork, every_network(), network_name);

class SharedInMemory : public SharedOnEveryNetwork {};
INSTANTIATE_TEST_SUITE_P(Networks, SharedInMemory, testing::Values(Network::kMemory), network_name);

TEST_P(SharedOnEveryNetwork, ManyTalkOverFewConnections) {
    const int count = is_byte_by_byte(GetParam()) ? 10 : 50;
    serve(&echo);
    int done = 0;
    harness().run(task_group([&](TaskGroup& clients) -> Task<> {
        for (int i = 0; i < count; ++i) {
            clients.spawn(connect(endpoint(sharing(2)), [&, i](WebSocket& socket) -> Task<> {
                for (const std::size_t size : {0, 5, 200, 70'000}) {
                    const std::string text = std::to_string(i) + std::string(size, 'x');
                    co_await socket.send(text);
                    const auto reply = co_await socket.recv();
                    EXPECT_EQ(reply, Message{text});
                }
                ++done;
            }));
        }
        co_return;
    }));
    EXPECT_EQ(done, count);
    EXPECT_EQ(peers.size(), 2U);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>(count, 1000));
}

TEST_P(SharedOnEveryNetwork, AgreesOnSubprotocolAndCompression) {
    app.route.subprotocols = {"two"};
    app.route.compression = Compression::kOn;
    serve(&echo);
    EndpointOptions options = sharing(1);
    options.subprotocols = {"one", "two"};
    options.compression = Compression::kOn;
    const std::string text(3'000, 'x');
    harness().run(connect(endpoint(options), [&](WebSocket& socket) -> Task<> {
        EXPECT_EQ(socket.subprotocol(), "two");
        EXPECT_TRUE(socket.is_compressed());
        co_await socket.send(text);
        const auto reply = co_await socket.recv();
        EXPECT_EQ(reply, Message{text});
    }));
}

TEST_P(SharedOnEveryNetwork, SaysWhichStatusRefusedIt) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        socket.refuse(Response::text("not you", 403));
        co_return;
    });
    EXPECT_TRUE(says(error(endpoint(sharing(1))), "the server answered 403 Forbidden"));
    wait_until_empty();
}

TEST_P(SharedOnEveryNetwork, SaysThatNobodyListens) {
    const std::string url = "ws://127.0.0.1:1/";
    EXPECT_TRUE(says(error(Endpoint{url, sharing(1)}), "cannot connect to " + url + ": 127.0.0.1:1: "));
}

class SharedByMany : public SharedOnEveryNetwork {
protected:
    SharedByMany() { limits.max_streams = 1000; }
};
INSTANTIATE_TEST_SUITE_P(Networks, SharedByMany, testing::Values(Network::kMemory), network_name);

TEST_P(SharedByMany, ThatFollowOneAnotherHaveOneConnection) {
    constexpr std::size_t kClients = 1000;
    std::vector<std::string> connections(kClients);  // of each client
    app.on_websocket_open = [&](const Request& request) {
        connections.at(std::stoul(request.target.substr(request.target.find('?') + 1))) = request.peer;
    };
    serve(&echo);
    std::size_t done = 0;
    harness().run(task_group([&](TaskGroup& clients) -> Task<> {
        for (std::size_t i = 0; i < kClients; ++i) {
            const std::string url = "ws://" + harness().address().text() + "/ws/?" + std::to_string(i);
            clients.spawn(connect(Endpoint{url, sharing(2)}, [&](WebSocket&) -> Task<> {
                ++done;
                co_return;
            }));
        }
        co_return;
    }));
    EXPECT_EQ(done, kClients);
    const auto have_one = [&](std::size_t first, std::size_t count) {
        return std::count(connections.begin() + static_cast<std::ptrdiff_t>(first),
                          connections.begin() + static_cast<std::ptrdiff_t>(first + count),
                          connections[first]) == static_cast<std::ptrdiff_t>(count);
    };
    for (std::size_t i = 0; i < 128; i += 2) {
        EXPECT_FALSE(have_one(i, 2)) << i;
    }
    for (std::size_t i = 128; i + 64 < kClients; i += 64) {
        EXPECT_TRUE(have_one(i, 64)) << i;
        EXPECT_FALSE(have_one(i, 65)) << i;
    }
    wait_until_empty();
}

class SharedWithoutHttp2 : public SharedOnEveryNetwork {
protected:
    SharedWithoutHttp2() { limits.http2 = "off"; }
};
INSTANTIATE_TEST_SUITE_P(Networks, SharedWithoutHttp2, every_network(), network_name);

TEST_P(SharedWithoutHttp2, SaysThatTheServerDoesNotSpeakIt) {
    serve(&echo);
    EXPECT_TRUE(says(error(endpoint(sharing(1))), "the server does not speak HTTP/2 here"));
    wait_until_empty();
}

class SharedWithFewStreams : public SharedOnEveryNetwork {
protected:
    SharedWithFewStreams() { limits.max_streams = 2; }
};
INSTANTIATE_TEST_SUITE_P(Networks, SharedWithFewStreams, every_network(), network_name);

TEST_P(SharedWithFewStreams, SaysWhichLimitIsReachedAndGoesOnWhenOneHasLeft) {
    serve(&echo);
    const Endpoint server = endpoint(sharing(2));
    std::string refused;
    int late = 0;
    const auto try_all = [&]() -> Task<> {
        TaskGroup four;
        int connected = 0;
        for (int i = 0; i < 4; ++i) {
            four.spawn(connect(server, [&connected](WebSocket& socket) -> Task<> {
                ++connected;
                co_await socket.closed();
            }));
        }
        while (connected < 4) {
            co_await yield();
        }
        try {
            co_await connect(server, &leave);
        } catch (const ConnectError& failure) {
            refused = failure.what();
        }
        four.stop();
        co_await four.join();
        co_await connect(server, [&late](WebSocket&) -> Task<> {
            ++late;
            co_return;
        });
    };
    harness().run(try_all());
    EXPECT_TRUE(says(refused, "no more streams on any of the 2 HTTP/2 connections"));
    EXPECT_TRUE(says(refused, "max_streams"));
    EXPECT_EQ(late, 1);
}

TEST_P(SharedInMemory, AnotherDialsWhenTheOneThatDialsIsStopped) {
    serve(&echo);
    harness().network().faults().delay = 1s;
    const Endpoint server = endpoint(sharing(1));
    int connected = 0;
    harness().run(task_group([&](TaskGroup& clients) -> Task<> {
        TaskGroup first;
        first.spawn(connect(server, &leave));
        co_await yield();
        clients.spawn(connect(server, [&connected](WebSocket&) -> Task<> {
            ++connected;
            co_return;
        }));
        co_await yield();
        first.stop();
        co_await first.join();
    }));
    EXPECT_EQ(connected, 1);
    EXPECT_EQ(peers.size(), 1U);
}

TEST_P(SharedInMemory, TheConnectionEndsAfterTheLastAndTheNextOneMakesAnother) {
    serve(&echo);
    const Endpoint server = endpoint(sharing(1));
    for (std::size_t i = 1; i <= 3; ++i) {
        harness().run(connect(server, &leave));
        EXPECT_EQ(peers.size(), i);
        wait_until_empty();
    }
    harness().advance(10s);
    EXPECT_EQ(harness().network().count(), 1U) << "the listener";
}

TEST(SharedEndpoint, RefusesNoConnections) {
    EXPECT_THROW((void)Endpoint("ws://127.0.0.1:1/", sharing(0)), std::invalid_argument);
}

}  // namespace
}  // namespace c10k
