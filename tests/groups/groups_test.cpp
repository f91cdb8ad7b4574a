#include "groups/loops.hpp"

#include <vector>

namespace c10k {
namespace {

using GroupsOnTwoLoops = OnTwoLoops;
INSTANTIATE_TEST_SUITE_P(Backends, GroupsOnTwoLoops, real_backends(), backend_name);

TEST_P(GroupsOnTwoLoops, SendToEveryMemberOnceWhicheverLoopTheSenderIsOn) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(0, [this](WebSocket& here) -> Task<> {
            Task<> also_visiting = visit(1, [&here](WebSocket& there) -> Task<> {
                co_await here.send("from here");
                EXPECT_EQ(co_await next_text(here), "from here");
                EXPECT_EQ(co_await next_text(there), "from here");
                co_await there.send("from there");
                EXPECT_EQ(co_await next_text(here), "from there");
                EXPECT_EQ(co_await next_text(there), "from there");
                co_await here.send(Message::binary("and back"));
                const auto last = co_await there.recv();
                EXPECT_TRUE(last && *last == "and back" && !last->is_text());
            });
            co_await std::move(also_visiting);
        });
        co_await std::move(visiting);
    });
}

TEST_P(GroupsOnTwoLoops, KeepNamesApartByTheirParts) {
    sides[1].app.route.view = [this](WebSocket& socket, Captured) -> Task<> {
        const Membership one = co_await sides[1].groups->named("kind", "name").join(socket);
        socket.accept();
        co_await socket.recv();
    };
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& there) -> Task<> {
            Groups& groups = *sides[0].groups;
            groups.named("kindname").send("to another group");
            groups.named("kindn", "ame").send("to another group");
            groups.named("name", "kind").send("to another group");
            groups.named({"kind", "name", ""}).send("to another group");
            groups.named("kind", "name").send("to this group");
            EXPECT_EQ(co_await next_text(there), "to this group");
        });
        co_await std::move(visiting);
    });
}

TEST_P(GroupsOnTwoLoops, CountTheMembersOfAllLoops) {
    for (Side& side : sides) {
        side.app.route.view = [&side](WebSocket& socket, Captured) -> Task<> {
            const Membership here = co_await side.group->join(socket);
            co_await socket.send(std::to_string(here.count()));
            co_await socket.recv();
        };
    }
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(0, [this](WebSocket& first) -> Task<> {
            EXPECT_EQ(co_await next_text(first), "1");
            Task<> also_visiting = visit(1, [this](WebSocket& second) -> Task<> {
                EXPECT_EQ(co_await next_text(second), "2");
                EXPECT_EQ(sides[0].group->count(), 2U);
                EXPECT_EQ(sides[0].groups->named("nobody's").count(), 0U);
                Task<> visiting_too =
                    visit(1, [](WebSocket& third) -> Task<> { EXPECT_EQ(co_await next_text(third), "3"); });
                co_await std::move(visiting_too);
            });
            co_await std::move(also_visiting);
        });
        co_await std::move(visiting);
    });
}

// A message that is sent after the 101 has come reaches the member, and one that is sent after the member has left does
// not: also from another loop than the member's, which has the group for the first time or not at all meanwhile.
TEST_P(GroupsOnTwoLoops, AreInForceOnEveryLoopWhenAJoinReturnsAndUntilTheMemberLeaves) {
    sides[1].app.route.view = [this](WebSocket& socket, Captured) -> Task<> {
        Membership here = co_await sides[1].group->join(socket);
        socket.accept();
        co_await socket.recv();
        here.leave();
        co_await socket.send("has left");
        co_await socket.recv();
    };
    run_while_all_serve([this]() -> Task<> {
        for (int round = 0; round < 100; ++round) {
            Task<> visiting = visit(1, [this](WebSocket& there) -> Task<> {
                sides[0].group->send("in force");
                EXPECT_EQ(co_await next_text(there), "in force");
                co_await there.send("leave");
                EXPECT_EQ(co_await next_text(there), "has left");
                sides[0].group->send("too late");
                co_await there.send("end");
                EXPECT_EQ(co_await next_text(there), "nothing more");
            });
            co_await std::move(visiting);
        }
    });
}

TEST_P(GroupsOnTwoLoops, CloseTheMembersOfAllLoops) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(0, [this](WebSocket& here) -> Task<> {
            Task<> also_visiting = visit(1, [this, &here](WebSocket& there) -> Task<> {
                sides[0].group->send("the last one");
                sides[0].group->close(4001, "all go home");
                sides[0].group->send("too late");
                for (WebSocket* member : {&here, &there}) {
                    EXPECT_EQ(co_await next_text(*member), "the last one");
                    EXPECT_EQ(co_await next_text(*member), "nothing more");
                    EXPECT_EQ(member->close_info().code, 4001);
                    EXPECT_EQ(member->close_info().reason, "all go home");
                }
            });
            co_await std::move(also_visiting);
        });
        co_await std::move(visiting);
    });
}

TEST(GroupDirectory, HasABitForEachOf64LoopsAndForNoMore) {
    EXPECT_EQ(GroupDirectory{64}.loops(), 64U);
    EXPECT_THROW(GroupDirectory{65}, std::logic_error);
    EXPECT_THROW((Groups{std::make_shared<GroupDirectory>(2), 2}), std::logic_error);
}

TEST(GroupDirectory, ForgetsAGroupThatNobodyHas) {
    GroupDirectory directory{2};
    std::weak_ptr<SharedGroup> forgotten;
    {
        const auto group = directory.named("name");
        EXPECT_EQ(directory.named("name"), group);
        EXPECT_NE(directory.named("other"), group);
        forgotten = group;
    }
    EXPECT_TRUE(forgotten.expired());
    EXPECT_EQ(directory.named("name")->members, 0U);
}

}  // namespace
}  // namespace c10k
