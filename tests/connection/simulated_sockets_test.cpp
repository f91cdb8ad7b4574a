// The promises of WebSockets, on networks that delay, cut and fail.
#include "c10k/groups.hpp"
#include "c10k/simulation.hpp"
#include "c10k/urls.hpp"
#include "testkit/in_full.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Faults;
using testkit::in_full;
using testkit::simulate;
using testkit::Simulation;
using testkit::SimulationOptions;

using Texts = std::vector<std::string>;

bool is_prefix(const Texts& part, const Texts& whole) {
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

std::size_t bytes_in(const Texts& texts) {
    std::size_t sum = 0;
    for (const std::string& text : texts) {
        sum += text.size();
    }
    return sum;
}

// The messages that one end of a WebSocket has seen.
struct End {
    Texts sent;
    Texts received;
    std::optional<CloseInfo> close;
};

// One connection, from both ends.
struct Talk {
    End client;
    End server;
    int views = 0;  // that run
};

Task<> send(WebSocket& socket, End& end, std::string text) {
    auto sending = socket.send(text);  // throws if it is not queued
    end.sent.push_back(std::move(text));
    co_await std::move(sending);
}

// Returns false at the end.
Task<bool> receive(WebSocket& socket, End& end) {
    const std::optional<Message> message = co_await socket.recv();
    if (message) {
        end.received.emplace_back(*message);
    } else {
        end.close = socket.close_info();
    }
    co_return message.has_value();
}

Task<> echo(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

Task<> wait_for_a_message(WebSocket& socket) { co_await socket.recv(); }

// An echo, and its clients, who keep a record.
class Echo {
public:
    static constexpr int kClients = 20;
    static constexpr int kMessages = 20;

    explicit Echo(Simulation& simulation) : simulation_(simulation), talks_(kClients) {}

    Urls urls() { return {path("<int:number>/", this, &Echo::view)}; }
    // Nothing is lost, doubled or reordered, and nobody is left.
    void play() {
        simulation_.serve(urls());
        for (int i = 0; i < kClients; ++i) {
            simulation_.client('/' + std::to_string(i) + '/',
                               [this, i](WebSocket& socket) { return client(socket, i); });
        }
        simulation_.run();
        for (const Talk& talk : talks_) {
            EXPECT_TRUE(is_prefix(talk.server.received, talk.client.sent));
            EXPECT_TRUE(is_prefix(talk.client.received, talk.server.sent));
            EXPECT_EQ(talk.views, 0);
        }
    }
    std::vector<Talk>& talks() { return talks_; }

private:
    Task<> view(WebSocket& socket, int number) {
        Talk& talk = talks_[static_cast<std::size_t>(number)];
        ++talk.views;
        try {
            while (co_await receive(socket, talk.server)) {
                co_await send(socket, talk.server, talk.server.received.back());
            }
        } catch (const ConnectionClosed&) {
            talk.server.close = socket.close_info();
        }
        --talk.views;
    }

    Task<> client(WebSocket& socket, int number) {
        Talk& talk = talks_[static_cast<std::size_t>(number)];
        try {
            co_await say_all(socket, talk.client);
        } catch (const ConnectionClosed&) {  // what came before is still to be read
        }
        for (bool goes_on = true; goes_on && talk.client.received.size() < kMessages;) {
            goes_on = co_await receive(socket, talk.client);
        }
    }

    Task<> say_all(WebSocket& socket, End& end) {
        for (int i = 0; i < kMessages; ++i) {
            const std::size_t size = simulation_.random(5) == 0 ? simulation_.random(8'000) : simulation_.random(200);
            co_await send(socket, end, std::to_string(i) + std::string(size, 'x'));
            if (simulation_.random(2) == 0 && !co_await receive(socket, end)) {
                co_return;
            }
        }
    }

    Simulation& simulation_;
    std::vector<Talk> talks_;
};

// Each promise holds with a connection for each WebSocket, and with a few that all share.
class Simulated : public testing::TestWithParam<std::optional<Http2>> {
protected:
    [[nodiscard]] static SimulationOptions options(SimulationOptions options) {
        options.http2 = GetParam();
        return options;
    }
};

class SimulatedEcho : public Simulated {};
class SimulatedDrain : public Simulated {};
class SimulatedSend : public Simulated {};
class SimulatedKeepalive : public Simulated {};
class SimulatedGroup : public Simulated {};

const auto kCarriers = testing::Values(std::nullopt, Http2{.connections = 1}, Http2{.connections = 3});

std::string name_of(const testing::TestParamInfo<std::optional<Http2>>& info) {
    return info.param ? "Http2Over" + std::to_string(info.param->connections) : "Tcp";
}

INSTANTIATE_TEST_SUITE_P(, SimulatedEcho, kCarriers, name_of);
INSTANTIATE_TEST_SUITE_P(, SimulatedDrain, kCarriers, name_of);
INSTANTIATE_TEST_SUITE_P(, SimulatedSend, kCarriers, name_of);
INSTANTIATE_TEST_SUITE_P(, SimulatedKeepalive, kCarriers, name_of);
INSTANTIATE_TEST_SUITE_P(, SimulatedGroup, kCarriers, name_of);

TEST_P(SimulatedEcho, ReturnsEverythingInOrderOnAnyNetworkThatEndsNoConnection) {
    simulate(options({.seeds = in_full(2000, 100)}), [](Simulation& simulation) {
        Echo echo{simulation};
        echo.play();
        for (const Talk& talk : echo.talks()) {
            EXPECT_EQ(talk.client.sent.size(), Echo::kMessages);
            EXPECT_TRUE(talk.client.received == talk.client.sent);
            ASSERT_TRUE(talk.server.close);
            EXPECT_EQ(talk.server.close->code, 1000);
        }
    });
}

TEST_P(SimulatedEcho, FlowsBothWaysWhenBothSidesAreFull) {
    static constexpr std::size_t kBytes = 400'000;  // more than there is room for
    simulate(options({.seeds = in_full(1000, 30)}), [](Simulation& simulation) {
        std::size_t returned = 0;
        simulation.serve({path("", echo)});
        const auto talk = [](WebSocket& socket, Simulation& run) -> Task<> {
            for (std::size_t left = kBytes; left > 0;) {
                const std::size_t size = std::min(left, static_cast<std::size_t>(run.random(100'000)) + 1);
                co_await socket.send(std::string(size, 'x'));
                left -= size;
            }
        };
        simulation.client("/", [&](WebSocket& socket) -> Task<> {
            co_await task_group([&](TaskGroup& group) -> Task<> {
                group.spawn(talk(socket, simulation));
                while (returned < kBytes) {
                    const auto message = co_await socket.recv();
                    if (!message) {
                        co_return;
                    }
                    returned += message->size();
                }
            });
        });
        simulation.run();
        EXPECT_EQ(returned, kBytes);
    });
}

TEST_P(SimulatedEcho, LosesOnlyTheEndWhenConnectionsEnd) {
    std::size_t lost = 0;
    simulate(options({.seeds = in_full(2000, 100), .faults = Faults::harsh()}), [&lost](Simulation& simulation) {
        Echo echo{simulation};
        echo.play();
        for (const Talk& talk : echo.talks()) {
            const bool is_complete = talk.client.received.size() == Echo::kMessages;
            lost += is_complete ? 0 : 1;
            if (talk.client.close && !is_complete) {
                EXPECT_EQ(talk.client.close->code, 1006);
            }
            if (talk.server.close) {
                const std::uint16_t code = talk.server.close->code;
                EXPECT_TRUE(code == 1000 || code == 1001 || code == 1006) << code;
            }
        }
    });
    EXPECT_GT(lost, 0U);
}

// Closes the server at some time before `latest`, and says how long that took.
Task<> close_within(std::chrono::milliseconds latest, Simulation& simulation, Duration& took) {
    co_await sleep_for(std::chrono::milliseconds{simulation.random(static_cast<std::uint64_t>(latest.count()))});
    const Duration begin = simulation.now();
    co_await simulation.close_server();
    took = simulation.now() - begin;
}

TEST_P(SimulatedDrain, SendsAllThatIsQueuedAndTells1001) {
    Settings settings = testkit::quiet_settings();
    settings.drain_rate = 20;  // one by one, while others come
    std::size_t told = 0;
    simulate(options({.seeds = in_full(2000, 100), .settings = settings}), [&told](Simulation& simulation) {
        Echo echo{simulation};
        Duration took{};
        simulation.spawn(close_within(500ms, simulation, took));
        echo.play();
        EXPECT_LT(took, 10s);
        for (const Talk& talk : echo.talks()) {
            if (talk.client.close) {
                ++told;
                EXPECT_EQ(talk.client.close->code, 1001) << talk.client.close->reason;
                EXPECT_TRUE(talk.client.received == talk.server.sent)
                    << talk.client.received.size() << ' ' << talk.server.sent.size();
            }
        }
    });
    EXPECT_GT(told, 0U);
}

TEST_P(SimulatedDrain, ForgetsNobodyWhoComesMeanwhile) {
    Settings settings = testkit::quiet_settings();
    settings.drain_rate = 20;
    std::size_t told = 0;
    simulate(options({.seeds = in_full(10'000, 200), .settings = settings}), [&told](Simulation& simulation) {
        simulation.serve({path("", wait_for_a_message)});
        for (int i = 0; i < 20; ++i) {
            simulation.client("/", [&told](WebSocket& socket) -> Task<> {
                co_await socket.recv();
                EXPECT_EQ(socket.close_info().code, 1001) << socket.close_info().reason;
                ++told;
            });
        }
        Duration took{};
        simulation.spawn(close_within(200ms, simulation, took));
        simulation.run();
        EXPECT_LT(took, 5s);
    });
    EXPECT_GT(told, 0U);
}

TEST_P(SimulatedSend, WaitsForSlowPeers) {
    constexpr std::size_t kLargest = 30'000;
    Faults faults = Faults::benign();
    Settings settings = testkit::quiet_settings();
    settings.outbox_bytes = 16 * 1024;
    settings.close_time = 1min;  // the last messages of all may have to go through one slow connection first
    // The bytes that may be under way: in our outbox and the message that found it full, in the network, and in the
    // client's inbox, with the read that fills it and two more until the network has stopped.
    const std::size_t most = settings.outbox_bytes + kLargest + 64 * 1024 + 4 * faults.kernel_bytes;
    std::size_t longest = 0;
    simulate(options({.seeds = in_full(500, 50), .faults = faults, .settings = settings}), [&](Simulation& simulation) {
        std::deque<Talk> talks(5);
        simulation.serve({path("<int:number>/", [&](WebSocket& socket, int number) -> Task<> {
            Talk& talk = talks[static_cast<std::size_t>(number)];
            for (int i = 0; i < 50; ++i) {
                co_await send(socket, talk.server, std::string(simulation.random(kLargest), 'x'));
                const std::size_t ahead = bytes_in(talk.server.sent) - bytes_in(talk.client.received);
                EXPECT_LE(ahead, most);
                longest = std::max(longest, ahead);
            }
        })});
        for (std::size_t i = 0; i < talks.size(); ++i) {
            simulation.client('/' + std::to_string(i) + '/', [&, i](WebSocket& socket) -> Task<> {
                while (co_await receive(socket, talks[i].client)) {
                    co_await sleep_for(std::chrono::milliseconds{simulation.random(200)});
                }
            });
        }
        simulation.run();
        for (const Talk& talk : talks) {
            EXPECT_TRUE(talk.client.received == talk.server.sent)
                << talk.client.received.size() << ' ' << talk.server.sent.size();
            ASSERT_TRUE(talk.client.close);
            EXPECT_EQ(talk.client.close->code, 1000) << talk.client.close->reason;
        }
    });
    EXPECT_GT(longest, settings.outbox_bytes);
}

// ---- Silence

TEST_P(SimulatedKeepalive, KeepsWhoeverAnswers) {
    Faults faults = Faults::benign();
    faults.longest_pause = 5s;
    simulate(options({.seeds = in_full(1000, 10), .faults = faults}), [](Simulation& simulation) {
        simulation.serve({path("", [](WebSocket& socket) -> Task<> {
            co_await socket.recv();
            EXPECT_EQ(socket.close_info().code, 1000) << socket.close_info().reason;
        })});
        for (int i = 0; i < 10; ++i) {
            simulation.client("/", [](WebSocket& socket) -> Task<> {
                co_await sleep_for(10min);
                EXPECT_TRUE(socket.is_open()) << socket.close_info().reason;
            });
        }
        simulation.run();
    });
}

TEST_P(SimulatedKeepalive, FindsWhoeverHasFallenSilent) {
    Faults faults = Faults::benign();
    faults.silence = 0.2;
    const Settings settings = testkit::quiet_settings();
    const Duration limit = settings.ping_interval + settings.ping_timeout + 5s;
    std::uint64_t silences = 0;
    simulate(options({.seeds = in_full(1000, 50), .faults = faults}), [&](Simulation& simulation) {
        simulation.serve({path("", [&](WebSocket& socket) -> Task<> {
            socket.accept();
            const Duration begin = simulation.now();
            co_await socket.closed();
            EXPECT_LT(simulation.now() - begin, limit + 15s);
        })});
        for (int i = 0; i < 10; ++i) {
            simulation.client("/", [&](WebSocket& socket) -> Task<> {
                try {
                    co_await with_timeout(10s, socket.closed());
                } catch (const TimedOut&) {
                }
            });
        }
        simulation.run();
        silences += simulation.faults().silences;
    });
    EXPECT_GT(silences, 0U);
}

// ---- Groups

// A room in which everybody says some things when all are there.
class Room {
public:
    static constexpr int kMembers = 12;
    static constexpr int kMessages = 10;

    explicit Room(Simulation& simulation)
        : simulation_(simulation), group_(simulation.services().groups.named("room")), members_(kMembers) {}

    Urls urls() { return {path("<int:number>/", this, &Room::view)}; }
    void add_clients() {
        for (int i = 0; i < kMembers; ++i) {
            simulation_.client('/' + std::to_string(i) + '/',
                               [this, i](WebSocket& socket) { return client(socket, i); });
        }
    }

    // Each member has heard what was said in the room, in that order, from when it came to when it went.
    void check() {
        for (const Member& member : members_) {
            const auto begin = said_.begin() + static_cast<std::ptrdiff_t>(member.joined_at);
            ASSERT_LE(member.heard.size(), static_cast<std::size_t>(said_.end() - begin));
            EXPECT_TRUE(std::equal(member.heard.begin(), member.heard.end(), begin));
        }
    }
    void check_complete() {
        EXPECT_EQ(said_.size(), static_cast<std::size_t>(kMembers * kMessages) + 1);
        for (const Member& member : members_) {
            EXPECT_EQ(member.heard.size(), said_.size() - member.joined_at);
        }
    }

private:
    struct Member {
        std::size_t joined_at = 0;
        Texts heard;
    };

    void say(const std::string& text) {
        said_.push_back(text);
        group_.send(text);
    }

    Task<> view(WebSocket& socket, int number) {
        const Membership here = co_await group_.join(socket);
        members_[static_cast<std::size_t>(number)].joined_at = said_.size();
        if (here.count() == kMembers) {
            say("all are here");
        }
        while (auto message = co_await socket.recv()) {
            say(std::string{*message});
        }
    }

    Task<> client(WebSocket& socket, int number) {
        Texts& heard = members_[static_cast<std::size_t>(number)].heard;
        constexpr std::size_t kAll = static_cast<std::size_t>(kMembers * kMessages) + 1;
        try {
            while (heard.size() < kAll) {
                const auto message = co_await with_timeout(30s, socket.recv());
                if (!message) {
                    co_return;
                }
                heard.emplace_back(*message);
                if (*message == "all are here") {
                    for (int i = 0; i < kMessages; ++i) {
                        co_await socket.send(std::to_string(number) + ' ' + std::to_string(i));
                    }
                }
            }
        } catch (const TimedOut&) {  // somebody is missing
        }
    }

    Simulation& simulation_;
    Group group_;
    Texts said_;
    std::vector<Member> members_;
};

TEST_P(SimulatedGroup, TellsEveryMemberEverythingInOneOrder) {
    simulate(options({.seeds = in_full(10'000, 100)}), [](Simulation& simulation) {
        Room room{simulation};
        simulation.serve(room.urls());
        room.add_clients();
        simulation.run();
        room.check();
        room.check_complete();
    });
}

TEST_P(SimulatedGroup, SkipsNothingForWhoeverStays) {
    simulate(options({.seeds = in_full(10'000, 100), .faults = Faults::harsh()}), [](Simulation& simulation) {
        Room room{simulation};
        simulation.serve(room.urls());
        room.add_clients();
        simulation.run();
        room.check();
    });
}

}  // namespace
}  // namespace c10k
