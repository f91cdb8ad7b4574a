#include "connection/fixture.hpp"

#include <algorithm>
#include <deque>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;
using testkit::WebSocketPeer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// A header of a proxy: the connection is from 10.0.`number`.
std::string from(int number) {
    return "PROXY TCP4 10.0." + std::to_string(number / 250) + '.' + std::to_string(number % 250 + 1) +
           " 192.0.2.2 1234 80\r\n";
}

class PendingConnections : public ConnectionTest {
protected:
    [[nodiscard]] std::uint64_t ended() { return harness().server().counters().strikes(Limit::kMaxNewcomers); }
    // One that will never ask.
    void add_slow(int number) {
        slow_.emplace_back(number, std::make_unique<Peer>(harness()));
        slow_.back().second->send((limits.proxy_protocol ? from(number) : "") + "GET / HT");
    }
    // As long as the head time and no longer: those that are ended come back at once. Returns how long it took.
    Duration crowd_until(const std::function<bool()>& done) {
        const Duration step = limits.head_time / 100;
        Duration time{};
        for (; !done() && time < limits.head_time; time += step) {
            harness().advance(step);
            most_at_once_ = std::max(most_at_once_, harness().server().count());
            for (auto& [number, peer] : slow_) {
                if (peer->is_over()) {
                    peer = std::make_unique<Peer>(harness());
                    peer->send((limits.proxy_protocol ? from(number) : "") + "GET / HT");
                }
            }
        }
        return time;
    }

    std::deque<std::pair<int, std::unique_ptr<Peer>>> slow_;
    std::size_t most_at_once_ = 0;
};

TEST_F(PendingConnections, AreNotAcceptedWhileThereAreAsManyAsMayBe) {
    limits.max_newcomers = 2;
    start(Network::kMemory);
    Peer first{harness()};
    Peer second{harness()};
    Peer third{harness()};
    third.send(kGet);
    harness().run_until_idle();
    EXPECT_EQ(harness().server().count(), 2U);
    EXPECT_EQ(third.received(), "");
    first.send(kGet);
    EXPECT_EQ(first.take_response().status, 200);
    EXPECT_EQ(third.take_response().status, 200);
    EXPECT_FALSE(second.is_over());
    EXPECT_EQ(ended(), 0U);
}

TEST_F(PendingConnections, Row75AreEndedWhenTheyAreLateAndTheOldestFirst) {
    limits.max_newcomers = 2;
    start(Network::kMemory);
    Peer first{harness()};
    harness().advance(limits.head_time / 4);
    Peer second{harness()};
    harness().run_until_idle();
    Peer third{harness()};
    third.send(kGet);
    harness().advance(limits.head_time / 4 - 1ms);
    EXPECT_EQ(ended(), 0U);
    harness().advance(limits.head_time / 128 + 1ms);
    EXPECT_EQ(ended(), 1U);
    EXPECT_TRUE(first.is_over());
    EXPECT_FALSE(second.is_over());
    EXPECT_EQ(third.take_response().status, 200);
}

TEST_F(PendingConnections, AreLateOnlyWhenTheyAreTooMany) {
    limits.max_newcomers = 3;
    start(Network::kMemory);
    Peer first{harness()};
    Peer second{harness()};
    harness().advance(limits.head_time - 1ms);
    EXPECT_EQ(ended(), 0U);
    second.send(kGet);
    EXPECT_EQ(second.take_response().status, 200);
}

TEST_F(PendingConnections, Row75AreAllServedIfTheyAreHonestHoweverMany) {
    limits.max_newcomers = 10;
    start(Network::kMemory);
    std::deque<Peer> honest;
    for (int i = 0; i < 100; ++i) {
        honest.emplace_back(harness()).send(kGet);
    }
    for (Peer& peer : honest) {
        EXPECT_EQ(peer.take_response().status, 200);
    }
    EXPECT_EQ(ended(), 0U);
}

// A loop's share is its own: the late connections of another loop do not keep this one shut.
TEST_F(PendingConnections, Row75OfOneServerTakeNothingFromAnotherThatSharesTheLimit) {
    limits.max_newcomers = 4;
    const auto admission = std::make_shared<Admission>();
    start(Network::kMemory);
    testkit::Harness crowded{harness().loop(), app, limits, &harness().network(), admission};
    testkit::Harness quiet{harness().loop(), app, limits, &harness().network(), admission};
    std::deque<Peer> slow;
    for (int i = 0; i < 8; ++i) {
        slow.emplace_back(crowded).send("GET / HT");
    }
    crowded.run_until_idle();
    EXPECT_EQ(crowded.server().count(), 2U);
    for (int i = 0; i < 3; ++i) {
        Peer honest{quiet};
        honest.send(kGet);
        EXPECT_EQ(honest.take_response().status, 200);
    }
}

// They are as slow as a program that dials them all before it goes on.
TEST_F(PendingConnections, Row75AreAllServedIfTheyTakeAThirdOfTheirTime) {
    limits.max_newcomers = 10;
    start(Network::kMemory);
    std::deque<Peer> honest;
    for (int i = 0; i < 100; ++i) {
        honest.emplace_back(harness());
    }
    for (std::size_t i = 0; i < honest.size(); ++i) {
        if (i % 10 == 0) {
            harness().advance(limits.head_time / 3);
        }
        honest[i].send(kGet);
    }
    for (Peer& peer : honest) {
        EXPECT_EQ(peer.take_response().status, 200);
    }
    EXPECT_EQ(ended(), 0U);
}

// The good one comes last, at the worst time: as they do, or when they have been there for long.
TEST_F(PendingConnections, Row75AreServedBesideACrowdThatNeverAsksAndComesBackForEver) {
    limits.max_newcomers = 20;
    start(Network::kMemory);
    serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> { co_await socket.send("hi"); });
    for (int i = 0; i < 200; ++i) {
        add_slow(0);
    }
    for (std::size_t round = 0; round < 5; ++round) {
        WebSocketPeer good{harness(), "/ws/"};
        const Duration time = crowd_until([this, round] { return app.opened.size() > round; });
        EXPECT_LT(time, limits.head_time) << round;
        EXPECT_EQ(good.answer().status, 101);
        EXPECT_LE(most_at_once_, limits.max_newcomers + 1);
    }
}

TEST_F(PendingConnections, Row75OfAnHonestAddressFarAwayAreNotEndedForAThousandSlowOnes) {
    limits.max_newcomers = 20;
    limits.proxy_protocol = true;
    limits.trusted_proxies = {"127.0.0.1"};
    start(Network::kMemory);
    for (int i = 0; i < 200; ++i) {
        add_slow(i % 3);
    }
    crowd_until([] { return false; });  // by now they are ended soon
    EXPECT_GT(ended(), 200U);
    Peer honest{harness()};
    honest.send(from(251) + "GET / HTTP/1.1\r\n");
    const std::size_t later = 20;
    std::size_t steps = 0;
    crowd_until([&steps] { return ++steps > later; });
    honest.send("Host: a\r\n\r\n");
    crowd_until([&honest] { return !honest.received().empty() || honest.is_over(); });
    EXPECT_EQ(honest.take_response().status, 200);
}

}  // namespace
}  // namespace c10k
