#include "c10k/blocking.hpp"

#include "c10k/simulation.hpp"
#include "c10k/testkit.hpp"
#include "web/site.hpp"

#include <atomic>
#include <csignal>
#include <gtest/gtest.h>
#include <memory>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace c10k {
namespace {

// Three functions at once, of which a pool with room for two refuses one.
Task<> ask_for_three() {
    co_await task_group([](TaskGroup& group) -> Task<> {
        for (int i = 0; i < 3; ++i) {
            group.spawn(run_blocking([] {}));
        }
        co_return;
    });
}

Task<Response> page(Request& /*request*/) {
    co_await ask_for_three();
    co_return Response::text("done");
}

Task<> before_the_handshake(WebSocket& /*socket*/) { co_await ask_for_three(); }

Task<> after_a_message(WebSocket& socket) {
    co_await socket.recv();
    co_await ask_for_three();
}

Settings settings_for(std::uint32_t calls) {
    Settings settings = testkit::quiet_settings();
    settings.blocking_threads = 1;
    settings.blocking_queue = calls - 1;
    return settings;
}

Urls urls() { return {path("", page), path("before/", before_the_handshake), path("after/", after_a_message)}; }

TEST(BlockingInAView, AFullQueueGetsPagesAndHandshakesA503AndOpenWebSocketsA1013) {
    testkit::Server server{urls(), settings_for(2)};
    EXPECT_EQ(server.get("/").status, 503);
    try {
        (void)server.connect("/before/");
        ADD_FAILURE() << "the handshake was accepted";
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 503);
    }
    testkit::Client client = server.connect("/after/");
    client.send("go");
    EXPECT_EQ(client.close_info().code, CloseCode::kTryAgainLater);
}

TEST(BlockingInAView, AQueueWithRoomServesThemAll) {
    testkit::Server server{urls(), settings_for(3)};
    EXPECT_EQ(server.get("/").status, 200);
    testkit::Client client = server.connect("/after/");
    client.send("go");
    EXPECT_EQ(client.close_info().code, CloseCode::kNormal);
}

TEST(BlockingInAView, ThePageOfMetricsCountsFunctionsAndRefusals) {
    testkit::Services services{settings_for(2)};
    c10k::Services& given = services;
    testkit::Server server{
        services, Urls{path("", page),
                       path("one/",
                            [](Request&) -> Task<Response> {
                                co_return Response::text(std::to_string(co_await run_blocking([] { return 1; })));
                            }),
                       path("metrics", &given.metrics, &Metrics::serve)}};
    EXPECT_EQ(server.get("/").status, 503);
    EXPECT_EQ(server.get("/one/").body, "1");
    const std::string text = server.get("/metrics").body;
    for (const std::string_view line :
         {"\nc10k_blocking_running 0\n", "\nc10k_blocking_queued 0\n", "\nc10k_blocking_done_total 1\n",
          "\nc10k_blocking_refused_total 1\n", "\nc10k_limit_strikes_total{limit=\"blocking_queue\"} 1\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

// ---- In a simulation

// Each client gets the answers to its questions, whenever the functions return.
Task<> multiply(WebSocket& socket) {
    while (const auto message = co_await socket.recv()) {
        const int number = std::stoi(std::string{message->view()});
        const int answer = co_await run_blocking([number] { return number * 2; });
        co_await socket.send(std::to_string(answer));
    }
}

void play(testkit::Simulation& simulation, std::vector<int>& order) {
    simulation.serve({path("", multiply)});
    for (int i = 0; i < 10; ++i) {
        simulation.client("/", [i, &order](WebSocket& socket) -> Task<> {
            co_await socket.send(std::to_string(i));
            if (const auto answer = co_await socket.recv()) {
                EXPECT_EQ(*answer, std::to_string(2 * i));
                order.push_back(i);
            }
        });
    }
    simulation.run();
}

TEST(BlockingInASimulation, FollowsFromTheSeedAlone) {
    std::set<std::vector<int>> orders;
    std::vector<int> order;
    const auto body = [&](testkit::Simulation& simulation) {
        order.clear();
        play(simulation, order);
        orders.insert(order);
    };
    const auto once = testkit::simulate({.seeds = 20}, body);
    const std::size_t different = orders.size();
    const auto again = testkit::simulate({.seeds = 20}, body);
    EXPECT_EQ(once.trace, again.trace);
    EXPECT_EQ(orders.size(), different);
    EXPECT_GT(different, 10U);
}

TEST(BlockingInASimulation, AFunctionRunsOnTheLoopAndTakesSimulatedTime) {
    testkit::simulate({.seeds = 20}, [](testkit::Simulation& simulation) {
        simulation.serve({path("", multiply)});
        const std::thread::id loop = std::this_thread::get_id();
        simulation.spawn([](testkit::Simulation& run, std::thread::id thread) -> Task<> {
            const Duration before = run.now();
            EXPECT_EQ(co_await run_blocking([] { return std::this_thread::get_id(); }), thread);
            EXPECT_GT(run.now(), before);
        }(simulation, loop));
        simulation.run();
    });
}

// ---- In a server

// A site that a function refers to until it returns.
struct Archive {
    explicit Archive(Services& services) { services.background.spawn(keep()); }
    ~Archive() { is_alive = false; }
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    [[nodiscard]] static Urls urls() { return {}; }

    Task<> keep() {
        try {
            co_await run_blocking([this] { read(); });
        } catch (const Stopped&) {
            may_end.release();
            throw;
        }
    }
    void read() {
        ::kill(::getpid(), SIGTERM);
        may_end.acquire();
        for (int i = 0; i < 10'000; ++i) {  // the server would get far meanwhile
            std::this_thread::yield();
        }
        was_alive = is_alive.load();
    }

    std::binary_semaphore may_end{0};
    static inline std::atomic<bool> is_alive{true};
    static inline std::atomic<bool> was_alive{false};
};

TEST(BlockingInAServer, ASiteLivesUntilItsFunctionsHaveReturned) {
    Settings settings = testkit::quiet_settings();
    settings.port = 0;
    run_site(site_factory<Archive>(), settings, [](const Listening&) {});
    EXPECT_TRUE(Archive::was_alive);
    EXPECT_FALSE(Archive::is_alive);
}

}  // namespace
}  // namespace c10k
