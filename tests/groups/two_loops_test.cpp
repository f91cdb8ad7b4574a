#include "c10k/client.hpp"
#include "c10k/groups.hpp"
#include "connection/fixture.hpp"
#include "groups/group_directory.hpp"
#include "task/run.hpp"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {
namespace {

using Captured = std::span<const std::string_view>;

// Two loops on two threads, each with its groups and a server, as a program with two workers has them. Everybody who
// connects is in one group.
class TwoLoops : public testing::TestWithParam<BackendChoice> {
protected:
    struct Side {
        ScriptedApplication app;
        ServerLimits limits;
        std::optional<Group> group;
        std::string url;
        std::shared_ptr<JobQueue> job_queue;
        Gate end;
    };

    // Runs `play` on the first loop while both serve.
    void run_while_both_serve(const std::function<Task<>()>& play) {
        Loop loop{make_backend(GetParam())};
        StopScope scope;
        run(loop, on_loops(2, [&](std::size_t number) { return serve(number, play); }), scope);
    }
    // A client on the first loop, of a server on the one with that number.
    Task<> visit(std::size_t number, std::function<Task<>(WebSocket&)> view) {
        return connect(Endpoint{sides[number].url}, std::move(view));
    }

    std::array<Side, 2> sides;

private:
    Task<> serve(std::size_t number, const std::function<Task<>()>& play) {
        Side& side = sides[number];
        Groups groups{hub_, number};
        side.group.emplace(groups.named("all"));
        side.job_queue = Loop::current().job_queue();
        side.app.route.view = [&side](WebSocket& socket, Captured) -> Task<> {
            const Membership here = co_await side.group->join(socket);
            socket.accept();
            while (co_await socket.recv()) {
            }
        };
        Server server{Loop::current(), side.app, side.limits};
        side.url = "ws://" + server.listen(Address::resolve("127.0.0.1", 0)).text() + "/ws/";
        ready_.arrive_and_wait();
        if (number == 0) {
            std::exception_ptr failure;
            try {
                co_await play();
            } catch (...) {
                failure = std::current_exception();
            }
            sides[1].job_queue->post_call([this] { sides[1].end.open(); });
            if (failure) {
                std::rethrow_exception(failure);
            }
        } else {
            co_await side.end.wait();
        }
        Task<> closing = server.close();  // g++ 12 would destroy its default argument twice inside co_await
        co_await std::move(closing);
    }

    std::shared_ptr<GroupDirectory> hub_ = std::make_shared<GroupDirectory>(2);
    std::latch ready_{2};
};
INSTANTIATE_TEST_SUITE_P(Backends, TwoLoops, testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto),
                         [](const auto& info) { return info.param == BackendChoice::kEpoll ? "epoll" : "auto"; });

TEST_P(TwoLoops, Row83ACloseOfAGroupThatMayNotBeSentIsToldToTheCallerAndEndsNoLoop) {
    run_while_both_serve([this]() -> Task<> {
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
    run_while_both_serve([this]() -> Task<> {
        Task<> visiting = visit(1, [this](WebSocket& socket) -> Task<> {
            JobQueue& other = *sides[1].job_queue;
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
