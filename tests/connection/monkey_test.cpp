// Views and clients that do anything at any time, on a bad network: whatever they do, everything ends, and nothing is
// left.
#include "c10k/groups.hpp"
#include "c10k/simulation.hpp"
#include "c10k/urls.hpp"
#include "testkit/in_full.hpp"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Faults;
using testkit::Simulation;

// The exception that a monkey throws.
class Banana : public std::runtime_error {
public:
    Banana() : std::runtime_error("a banana") {}
};

class Monkeys {
public:
    static constexpr std::size_t kStreamBytes = 50'000;
    static constexpr const char* kPage = "a page";

    explicit Monkeys(Simulation& simulation) : simulation_(simulation), groups_(simulation.services().groups) {}

    Urls urls() {
        return {
            path("ws/", this, &Monkeys::view),
            path("latest/", this, &Monkeys::view).slow_member(SlowMember::kDropOldest),
            path("first/", this, &Monkeys::view).slow_member(SlowMember::kDropNewest),
            path("page/", this, &Monkeys::page),
            path("stream/", this, &Monkeys::stream),
            path("upload/", this, &Monkeys::upload).methods({"POST"}),
        };
    }

    // One client, which is stopped at some time, or never.
    Task<> visit() {
        const Duration limit = happens_in(3) ? some_milliseconds(600) : 1h;
        EndpointOptions options;
        options.handshake_time = happens_in(4) ? std::chrono::milliseconds{dice(200)} : 30s;
        options.compression = happens_in(2) ? Compression::kOn : Compression::kOff;
        const char* target = happens_in(2) ? "/ws/" : happens_in(2) ? "/latest/" : "/first/";
        const auto view = [this](WebSocket& socket) { return play(socket); };
        try {
            co_await with_timeout(limit, connect(simulation_.endpoint(target, options), view));
        } catch (const std::runtime_error&) {  // lost, refused, too late, or bored
        }
    }
    Task<> read() {
        const bool is_streamed = happens_in(2);
        try {
            const Response response = co_await simulation_.get(is_streamed ? "/stream/" : "/page/");
            if (response.status == 200 && is_streamed) {
                EXPECT_EQ(response.body.size(), kStreamBytes);
            } else if (response.status == 200) {
                EXPECT_EQ(response.body, kPage);
            }
        } catch (const ConnectionClosed&) {
        }
    }
    // Sends a body, and perhaps leaves before it is taken.
    Task<> send() {
        const std::size_t size = dice(happens_in(2) ? 300'000 : 3000);
        const Duration limit = happens_in(3) ? some_milliseconds(600) : 1h;
        try {
            Task<Response> sent = simulation_.request("POST", "/upload/", Headers{}, std::string(size, 'z'));
            const Response response = co_await with_timeout(limit, std::move(sent));
            if (response.status == 200) {
                EXPECT_EQ(response.body, std::to_string(size));
            }
        } catch (const std::runtime_error&) {  // lost, or bored
        }
    }
    Task<> close() {
        co_await sleep_for(some_milliseconds(2000));
        co_await simulation_.close_server();
    }

    [[nodiscard]] int views() const noexcept { return views_; }

private:
    class Counted {
    public:
        explicit Counted(int& count) noexcept : count_(count) { ++count_; }
        ~Counted() { --count_; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;

    private:
        int& count_;
    };

    std::uint64_t dice(std::uint64_t end) { return simulation_.random(end); }
    bool happens_in(std::uint64_t cases) { return dice(cases) == 0; }
    Duration some_milliseconds(std::uint64_t most) { return std::chrono::milliseconds{dice(most + 1)}; }
    std::string some_text() { return std::string(happens_in(4) ? dice(20'000) : dice(200), 'x'); }
    Group some_group() { return groups_.named("group", std::to_string(dice(3))); }
    WebSocketHandle some_handle() { return handles_.empty() ? WebSocketHandle{} : handles_[dice(handles_.size())]; }

    Response page(Request&) {
        if (happens_in(8)) {
            throw Banana{};
        }
        return Response::text(kPage);
    }
    Task<Response> stream(Request&) {
        co_await sleep_for(some_milliseconds(happens_in(4) ? 500 : 0));
        const Duration pause = happens_in(3) ? 5ms : 0ms;
        co_return Response::stream("text/plain", [pause](BodyWriter& body) -> Task<> {
            for (std::size_t written = 0; written < kStreamBytes; written += 1000) {
                co_await body.write(std::string(1000, 'y'));
                co_await sleep_for(pause);
            }
        });
    }
    Task<Response> upload(Request&, BodyReader& body) {
        const Counted counted{views_};
        co_await sleep_for(some_milliseconds(happens_in(4) ? 300 : 0));
        if (happens_in(8)) {
            body.limit(dice(100'000));
        }
        std::size_t size = 0;
        for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
            size += piece.size();
            switch (dice(10)) {
                case 0: throw Banana{};
                case 1: co_return Response::text("enough", 403);
                case 2: co_await sleep_for(some_milliseconds(200)); break;
                case 3: co_return streamed_back(body, size);
                default: break;
            }
        }
        co_return Response::text(std::to_string(size));
    }
    // Answers while the rest of the body arrives.
    Response streamed_back(BodyReader& body, std::size_t size) {
        return Response::stream("text/plain", [this, &body, size](BodyWriter& writer) -> Task<> {
            std::size_t whole = size;
            if (happens_in(2)) {
                co_await writer.write("");  // the head
            }
            for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
                whole += piece.size();
            }
            co_await writer.write(std::to_string(whole));
        });
    }
    Task<> view(WebSocket& socket) {
        const Counted counted{views_};
        co_await sleep_for(some_milliseconds(happens_in(4) ? 300 : 0));
        if (happens_in(10)) {
            socket.refuse(403, "not now");
            co_return;
        }
        if (happens_in(20)) {
            throw Banana{};
        }
        handles_.push_back(socket.handle());
        co_await play(socket);
    }

    Task<> play(WebSocket& socket) {
        std::vector<Membership> memberships;
        for (std::uint64_t moves = dice(15); moves > 0; --moves) {
            switch (dice(8)) {
                case 0: co_await say(socket); break;
                case 1: co_await listen(socket); break;
                case 2: co_await sleep_for(some_milliseconds(100)); break;
                case 3: memberships.push_back(co_await some_group().join(socket)); break;
                case 4: memberships.clear(); break;
                case 5: tell_others(); break;
                case 6: co_await wait(socket); break;
                default: misbehave(socket); break;
            }
        }
    }
    Task<> say(WebSocket& socket) {
        if (happens_in(2)) {
            static_cast<void>(socket.send(some_text()));  // without waiting for room
        }
        co_await socket.send(Message::binary(some_text()));
    }
    Task<> listen(WebSocket& socket) {
        try {
            co_await with_timeout(happens_in(2) ? some_milliseconds(200) : 1min, socket.recv());
        } catch (const TimedOut&) {
        }
    }
    Task<> wait(WebSocket& socket) {
        const auto sleep = [](Duration time) -> Task<> { co_await sleep_for(time); };
        co_await while_open(socket, sleep(some_milliseconds(400)));
    }
    void tell_others() {
        if (happens_in(2)) {
            some_group().send(some_text());
        } else {
            some_handle().send(some_text());
        }
    }
    void misbehave(WebSocket& socket) {
        switch (dice(10)) {
            case 0: throw Banana{};
            case 1: some_group().close(4000, "group"); break;
            case 2: some_handle().close(4001, "handle"); break;
            case 3: socket.close(4002, "view"); break;
            default: break;
        }
    }

    Simulation& simulation_;
    Groups& groups_;
    std::vector<WebSocketHandle> handles_;
    int views_ = 0;
};

// Limits that are reached.
Settings tight_settings() {
    Settings settings = testkit::quiet_settings();
    settings.outbox_bytes = 4096;
    settings.inbox_bytes = 4096;
    settings.body_buffer_bytes = 4096;
    settings.slow_bytes = 8192;
    settings.slow_time = 500ms;
    settings.slow_limit_bytes = 64 * 1024;
    settings.compression = true;
    return settings;
}

TEST(Monkeys, EndWhateverTheyDo) {
    const testkit::SimulationOptions options{.seeds = testkit::in_full(10'000, 200),
                                             .faults = Faults::harsh(),
                                             .settings = tight_settings(),
                                             .views_may_fail = true};
    testkit::simulate(options, [](Simulation& simulation) {
        Monkeys monkeys{simulation};
        simulation.serve(monkeys.urls());
        for (int i = 0; i < 15; ++i) {
            simulation.spawn(monkeys.visit());
        }
        for (int i = 0; i < 4; ++i) {
            simulation.spawn(monkeys.read());
        }
        for (int i = 0; i < 4; ++i) {
            simulation.spawn(monkeys.send());
        }
        if (simulation.random(2) == 0) {
            simulation.spawn(monkeys.close());
        }
        simulation.run();
        EXPECT_EQ(monkeys.views(), 0);
    });
}

}  // namespace
}  // namespace c10k
