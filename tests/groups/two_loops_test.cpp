#include "groups/loops.hpp"

#include <new>
#include <stdexcept>

namespace c10k {
namespace {

using TwoLoops = OnTwoLoops;
INSTANTIATE_TEST_SUITE_P(Backends, TwoLoops, real_backends(), backend_name);

TEST_P(TwoLoops, Row83ACloseOfAGroupThatMayNotBeSentIsToldToTheCallerAndEndsNoLoop) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& socket) -> Task<> {
            for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
                EXPECT_THROW(sides[0].group->close(static_cast<std::uint16_t>(code)), std::invalid_argument) << code;
            }
            EXPECT_THROW(sides[0].group->close(1000, "\xff"), std::invalid_argument);
            sides[0].group->send("still there");
            const auto message = co_await socket.recv();
            EXPECT_EQ(message ? message->view() : "nothing", "still there");
            sides[0].group->close(4000, std::string(100, 'x') + "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC" +
                                            "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC");
            EXPECT_FALSE((co_await socket.recv()).has_value());
            EXPECT_EQ(socket.close_info().code, 4000);
            EXPECT_EQ(socket.close_info().reason.size(), 121U);  // as many whole code points as fit
        });
        co_await std::move(visiting);
    });
}

TEST_P(TwoLoops, Row83ACallThatFailsOnTheOtherLoopEndsNeitherAndHoldsUpNothing) {
    run_while_all_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& socket) -> Task<> {
            JobQueue& other = *sides[1].jobs;
            sides[0].group->send("before");
            other.post_call([] { throw std::runtime_error("this call fails, as it should"); });
            other.post_call([] { throw std::bad_alloc{}; });
            other.post_call([] { throw 7; });  // NOLINT(hicpp-exception-baseclass): nor need it be one
            sides[0].group->send("after");
            for (const std::string_view expected : {"before", "after"}) {
                const auto message = co_await socket.recv();
                EXPECT_EQ(message ? message->view() : "nothing", expected);
            }
        });
        co_await std::move(visiting);
    });
}

TEST(GroupWithoutMembers, RefusesACloseThatMayNotBeSentAllTheSame) {
    Groups groups;
    Group nobody = groups.named("nobody");
    EXPECT_THROW(nobody.close(1005), std::invalid_argument);
    EXPECT_THROW(nobody.close(1000, "\xff"), std::invalid_argument);
}

}  // namespace
}  // namespace c10k
