#include "connection/websocket_table.hpp"

#include "connection/websocket_connection.hpp"
#include "testkit/memory_backend.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kInterval{20};
constexpr std::chrono::seconds kTimeout{15};
constexpr std::size_t kMillion = 1'000'000;

enum class Peer { kAnswers, kHasGone };

// A WebSocket as the sweep sees it.
class Checked final : private WebSocketConnection::Owner, public WebSocketConnection {
public:
    Checked(Loop& loop, Peer peer)
        : WebSocketConnection(LoopServices::of(loop), {}, wire::Role::kServer, kLimits,
                              LoopServices::of(loop).client_traffic, SlowMember::kClose, *this),
          loop_(loop), peer_(peer) {}

    // When it was checked, in ms of the loop's clock.
    [[nodiscard]] const std::vector<std::int64_t>& checks() const noexcept { return checks_; }

private:
    static constexpr WebSocketLimits kLimits{};

    std::chrono::seconds check_alive() override {
        checks_.push_back(loop_.now());
        return peer_ == Peer::kAnswers ? kInterval : kTimeout;
    }
    [[nodiscard]] std::string_view subprotocol() const noexcept override { return {}; }
    void on_closed() override {}

    Loop& loop_;
    Peer peer_;
    std::vector<std::int64_t> checks_;
};

// On a loop whose clock jumps to the next timer.
class Sweep : public testing::Test {
protected:
    void advance(std::chrono::milliseconds time) {
        for (const std::int64_t end = loop.now() + time.count(); loop.now() < end;) {
            loop.turn();
        }
    }

    Loop loop{std::make_unique<MemoryBackend>()};
    WebSocketTable& connections = *LoopServices::of(loop).websockets;
};

// A batch with a bound, and more waiting than ten times the bound.
TEST_F(Sweep, Row73FindsTheDeadAmongAMillionWhoFellSilentTogetherInTime) {
    std::vector<std::unique_ptr<Checked>> dead;
    Checked living{loop, Peer::kAnswers};  // stands for all the others
    std::vector<std::uint32_t> slots;
    for (std::size_t i = 1; i < kMillion; ++i) {
        if (i % 100'000 == 50'000 || i + 1 == kMillion) {
            dead.push_back(std::make_unique<Checked>(loop, Peer::kHasGone));
        } else {
            slots.push_back(connections.add(living));
        }
    }
    const std::int64_t begin = loop.now();
    for (std::uint32_t slot = 0; slot < kMillion; ++slot) {
        connections.note_activity(slot, kInterval);
    }
    advance(kInterval + kTimeout + 2s);

    const auto latest = [begin](std::chrono::milliseconds due) { return begin + (due + 2s).count(); };
    for (const auto& connection : dead) {
        ASSERT_EQ(connection->checks().size(), 2U);  // it would have been dropped then
        EXPECT_GE(connection->checks()[0], begin + (kInterval - 1s).count());
        EXPECT_LE(connection->checks()[0], latest(kInterval));
        EXPECT_LE(connection->checks()[1], latest(kInterval + kTimeout));
    }
    EXPECT_EQ(living.checks().size(), kMillion - dead.size());  // each once
    EXPECT_LE(living.checks().back(), latest(kInterval));
    std::map<std::int64_t, int> bursts;
    for (const std::int64_t when : living.checks()) {
        ++bursts[when];
    }
    for (const auto& [when, size] : bursts) {
        EXPECT_LE(size, 4096) << when;
    }
    for (const std::uint32_t slot : slots) {
        connections.remove(slot);
    }
}

TEST_F(Sweep, LooksOnceASecondAtAFew) {
    Checked only{loop, Peer::kHasGone};
    connections.note_activity(0, kInterval);
    advance(2min);
    EXPECT_EQ(only.checks().size(), 7U);  // the first after 20 s, and then one each 15 s
}

TEST_F(Sweep, FindsTheImpatientAmongThePatient) {
    Checked patient{loop, Peer::kAnswers};
    connections.note_activity(0, 1h);
    advance(10min);
    Checked impatient{loop, Peer::kHasGone};
    connections.note_activity(1, 2s);
    const std::int64_t begin = loop.now();
    advance(5s);
    ASSERT_FALSE(impatient.checks().empty());
    EXPECT_LE(impatient.checks()[0], begin + 4000);
    advance(45min);
    EXPECT_TRUE(patient.checks().empty());
    advance(5min + 2s);
    EXPECT_EQ(patient.checks().size(), 1U);
}

// One that was asked whether it is there has longer to answer than others to say anything.
TEST_F(Sweep, ChecksAgainAfterTheIntervalWhenThePeerHasAnswered) {
    constexpr std::chrono::seconds kShort{2};
    Checked one{loop, Peer::kAnswers};
    connections.note_activity(0, kShort);
    advance(4s);  // its next check is due after kTimeout
    ASSERT_EQ(one.checks().size(), 1U);
    advance(2s);
    connections.note_activity(0, kShort);
    const std::int64_t begin = loop.now();
    advance(4s);
    ASSERT_EQ(one.checks().size(), 2U);
    EXPECT_LE(one.checks()[1], begin + 4000);
}

TEST_F(Sweep, GivesEachSlotToOneAtATime) {
    std::map<std::uint32_t, std::uint32_t> held;  // by slot, how often
    Checked connection{loop, Peer::kAnswers};
    for (int i = 0; i < 100; ++i) {
        ++held[connections.add(connection)];
    }
    for (const std::uint32_t slot : {7U, 50U, 3U}) {
        connections.remove(slot);
        --held[slot];
    }
    for (int i = 0; i < 5; ++i) {
        ++held[connections.add(connection)];
    }
    EXPECT_EQ(held.size(), 102U);
    for (const auto& [slot, count] : held) {
        EXPECT_EQ(count, 1U) << slot;
        connections.remove(slot);
    }
    EXPECT_EQ(connections.count(), 1U);
}

// A connection that its check ends, as one that has not answered its ping.
class Ending final : public Retirable, private WebSocketConnection::Owner, public WebSocketConnection {
public:
    explicit Ending(Loop& loop)
        : WebSocketConnection(LoopServices::of(loop), {}, wire::Role::kServer, kLimits,
                              LoopServices::of(loop).client_traffic, SlowMember::kClose, *this) {}

private:
    static constexpr WebSocketLimits kLimits{};

    std::chrono::seconds check_alive() override {
        services().loop.retire(std::unique_ptr<Retirable>{this});
        return kInterval;
    }
    [[nodiscard]] std::string_view subprotocol() const noexcept override { return {}; }
    void on_closed() override {}
};

TEST_F(Sweep, GoesOnWhenChecksEndTheirConnections) {
    constexpr std::uint32_t kMany = 5000;
    for (std::uint32_t slot = 0; slot < kMany; ++slot) {
        new Ending{loop};
        connections.note_activity(slot, kInterval);
    }
    Checked other{loop, Peer::kAnswers};
    advance(kInterval + 2s);
    EXPECT_EQ(connections.count(), 1U);
    std::vector<std::uint32_t> again;
    for (std::uint32_t i = 0; i < kMany; ++i) {
        again.push_back(connections.add(other));
    }
    std::sort(again.begin(), again.end());
    EXPECT_EQ(again.back(), kMany - 1);
    EXPECT_EQ(std::unique(again.begin(), again.end()), again.end());
    for (const std::uint32_t slot : again) {
        connections.remove(slot);
    }
}

}  // namespace
}  // namespace c10k
