#pragma once

#include "c10k/client.hpp"
#include "c10k/groups.hpp"
#include "connection/fixture.hpp"
#include "groups/group_directory.hpp"
#include "task/run.hpp"

#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace c10k {

// The next message as text.
inline Task<std::string> next_text(WebSocket& socket) {
    const auto message = co_await socket.recv();
    co_return message ? std::string{message->view()} : "nothing more";
}

// Loops on threads of their own, each with its groups and a server, as a program with several workers has them. Whoever
// connects is in one group, and what the client says goes to all of it.
class OnLoops : public testing::TestWithParam<BackendChoice> {
protected:
    using Captured = std::span<const std::string_view>;
    struct Side {
        ScriptedApplication app;
        ServerLimits limits;
        std::optional<Groups> groups;
        std::optional<Group> group;
        std::function<Task<>()> play;  // of this loop, while it serves; the first one's is for run_while_all_serve()
        std::string url;
        std::shared_ptr<JobQueue> jobs;
        std::shared_ptr<const Counters> counters;
        Gate end;
    };

    explicit OnLoops(std::size_t count) : sides(count), ready_(static_cast<std::ptrdiff_t>(count)) {}

    // Runs `play` on the first loop while all serve.
    void run_while_all_serve(std::function<Task<>()> play) {
        sides[0].play = std::move(play);
        Loop loop{make_backend(GetParam())};
        StopScope scope;
        run(loop, on_loops(sides.size(), [&](std::size_t number) { return serve(number); }), scope);
    }
    // A client on the loop of the caller, of the server with that number.
    Task<> visit(std::size_t number, std::function<Task<>(WebSocket&)> view) {
        return connect(Endpoint{sides[number].url}, std::move(view));
    }
    std::deque<Side> sides;

private:
    Task<> serve(std::size_t number) {
        Side& side = sides[number];
        side.groups.emplace(directory_, number);
        side.group.emplace(side.groups->named("all"));
        side.jobs = Loop::current().job_queue();
        if (!side.app.route.view) {
            side.app.route.view = [&side](WebSocket& socket, Captured) -> Task<> {
                const Membership here = co_await side.group->join(socket);
                socket.accept();
                while (const auto message = co_await socket.recv()) {
                    side.group->send(*message);
                }
            };
        }
        {
            Server server{Loop::current(), side.app, side.limits};
            side.counters = server.counters().shared_from_this();
            side.url = "ws://" + server.listen(Address::resolve("127.0.0.1", 0)).text() + "/ws/";
            ready_.arrive_and_wait();
            std::exception_ptr failure;
            if (side.play) {
                try {
                    co_await side.play();
                } catch (...) {
                    failure = std::current_exception();
                }
            }
            if (number == 0) {
                for (Side& other : sides) {
                    other.jobs->post_call([&other] { other.end.open(); });
                }
            }
            co_await side.end.wait();
            Task<> closing = server.close();  // g++ 12 would destroy its default argument twice inside co_await
            co_await std::move(closing);
            if (failure) {
                std::rethrow_exception(failure);
            }
        }
        side.group.reset();
        side.groups.reset();
    }

    std::shared_ptr<GroupDirectory> directory_ = std::make_shared<GroupDirectory>(sides.size());
    std::latch ready_;
};

class OnTwoLoops : public OnLoops {
protected:
    OnTwoLoops() : OnLoops(2) {}
};

inline auto real_backends() { return testing::Values(BackendChoice::kEpoll, BackendChoice::kAuto); }
inline std::string backend_name(const testing::TestParamInfo<BackendChoice>& info) {
    return info.param == BackendChoice::kEpoll ? "epoll" : "auto";
}

}  // namespace c10k
