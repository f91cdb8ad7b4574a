#include "c10k/client.hpp"
#include "c10k/groups.hpp"
#include "connection/fixture.hpp"

#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace c10k {
namespace {

using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

class MembershipInMemory : public InMemory {
protected:
    // Joins, and keeps the membership outside of the view, which ends at the first message.
    [[nodiscard]] View keeping() {
        return [this](WebSocket& socket, Captured) -> Task<> {
            kept.push_back(co_await group->join(socket));
            co_await socket.recv();
        };
    }
    void SetUp() override {
        InMemory::SetUp();
        groups.emplace();
        group.emplace(groups->named("all"));
    }
    // How many members there are, without the one that comes for this.
    std::size_t members() {
        std::optional<std::size_t> found;
        serve([&](WebSocket& socket, Captured) -> Task<> { found = (co_await group->join(socket)).count() - 1; });
        WebSocketPeer peer{harness(), "/ws/"};
        peer.wait_for_close();
        harness().run_until_idle();
        return *found;
    }

    std::optional<Groups> groups;
    std::optional<Group> group;
    std::vector<Membership> kept;
};

TEST_F(MembershipInMemory, LeavesWhenTheViewEndsWhoeverKeepsIt) {
    serve(keeping());
    WebSocketPeer first{harness(), "/ws/"};
    first.answer();
    WebSocketPeer second{harness(), "/ws/"};
    second.answer();
    first.close_with(1000);
    first.wait_for_close();
    harness().run_until([this] { return harness().server().count() == 1; }, "the end of the first");
    group->send("to those who are left");
    EXPECT_EQ(second.recv(), "to those who are left");
    EXPECT_EQ(members(), 1U);
    EXPECT_EQ(kept.size(), 2U);
    kept[0].leave();
    kept[0] = std::move(kept[1]);
    EXPECT_EQ(members(), 1U);
    kept.clear();
    EXPECT_EQ(members(), 0U);
    group->close();
    EXPECT_TRUE(second.is_open());
}

TEST_F(MembershipInMemory, LeavesWhenTheViewEndsAlsoIfTheCloseTakesItsTime) {
    serve(keeping());
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    peer.answer_nothing();
    peer.send_message("end");
    harness().run_until_idle();
    EXPECT_EQ(harness().server().count(), 1U);  // for the peer's close frame
    EXPECT_EQ(members(), 0U);
}

TEST_F(MembershipInMemory, LeavesInAnyOrderWhereverItHasMovedTo) {
    constexpr int kGroups = 7;
    std::map<int, Membership> rest;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        std::vector<Membership> mine;  // moves them as it grows
        for (int i = 0; i < kGroups; ++i) {
            mine.push_back(co_await groups->named("one", std::to_string(i)).join(socket));
            mine.push_back(co_await group->join(socket));
        }
        std::swap(mine[0], mine[9]);
        mine.erase(mine.begin() + 4);
        mine[3] = std::move(mine[5]);
        mine[5].leave();
        rest[0] = std::move(mine.back());
        mine.pop_back();
        rest[1] = std::move(mine.front());
        Membership& same = rest[1];
        rest[1] = std::move(same);
        co_await socket.recv();
    });
    {
        WebSocketPeer peer{harness(), "/ws/"};
        peer.answer();
        group->send("x");
        harness().run_until_idle();
        EXPECT_EQ(peer.waiting(), 6U);
        peer.close_with(1000);
        peer.wait_for_close();
    }
    wait_until_empty();
    EXPECT_EQ(members(), 0U);
}

TEST_F(MembershipInMemory, OfAClientsSocketLeavesWhenItsViewEnds) {
    serve([](WebSocket& socket, Captured) -> Task<> {
        while (auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    });
    const Endpoint server{"ws://" + harness().address().text() + "/ws/"};
    std::optional<std::string> echoed;
    harness().run(connect(server, [&](WebSocket& socket) -> Task<> {
        kept.push_back(co_await group->join(socket));
        group->send("out and back");
        if (const auto message = co_await socket.recv()) {
            echoed = message->view();
        }
    }));
    EXPECT_EQ(echoed, "out and back");
    group->send("to nobody");
    EXPECT_EQ(members(), 0U);
    kept.clear();
}

TEST_F(MembershipInMemory, MayBeKeptLongerThanItsGroupsAndItsLoop) {
    static std::optional<Group> still_there;
    static std::vector<Membership> still_there_too;
    std::string failure;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        const Membership here = co_await group->join(socket);
        still_there_too.push_back(co_await group->join(socket));
        co_await socket.recv();
        try {
            (void)co_await still_there->join(socket);
        } catch (const std::logic_error& error) {
            failure = error.what();
        }
    });
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    still_there = group;
    group.reset();
    groups.reset();  // while there are members
    still_there->send("to nobody");
    still_there->close();
    peer.send_message("go on");
    peer.wait_for_close();
    EXPECT_EQ(peer.waiting(), 0U);
    EXPECT_EQ(failure, "Group::join(): the Groups that this Group came from have gone");
}

TEST_F(MembershipInMemory, BeforeTheHandshakeIsAnsweredIsNoWayToA101) {
    Gate gate;
    std::optional<bool> was_open;
    serve([&](WebSocket& socket, Captured) -> Task<> {
        const Membership here = co_await group->join(socket);
        co_await gate.wait();  // as a middleware that asks a database
        was_open = socket.is_open();
        socket.accept();
    });
    WebSocketPeer peer{harness(), "/ws/"};
    harness().run_until_idle();
    group->send("for members");
    group->close(4000, "all go home");
    EXPECT_EQ(peer.answer().status, 503);
    peer.wait_for_end();
    gate.open();
    wait_until_empty();
    EXPECT_EQ(was_open, false);
    EXPECT_TRUE(app.opened.empty());
    EXPECT_EQ(members(), 0U);
}

TEST_F(MembershipInMemory, GroupsSayThatTheyBelongToTheThreadOfTheirLoop) {
    std::thread other{[this] {
        EXPECT_THROW(group->send("x"), std::logic_error);
        EXPECT_THROW(group->close(), std::logic_error);
    }};
    other.join();
}

using MembershipDeathTest = MembershipInMemory;

TEST_F(MembershipDeathTest, SaysThatAnotherThreadMayNotLeave) {
    serve(keeping());
    WebSocketPeer peer{harness(), "/ws/"};
    peer.answer();
    EXPECT_DEATH(std::thread([this] { kept.clear(); }).join(),
                 "a Membership was left or destroyed on another thread than the one of its loop");
    kept.clear();
}

}  // namespace
}  // namespace c10k
