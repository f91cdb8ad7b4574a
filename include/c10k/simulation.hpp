#pragma once

#include "c10k/client.hpp"
#include "c10k/faults.hpp"
#include "c10k/http.hpp"
#include "c10k/settings.hpp"
#include "c10k/task.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/websocket.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace testing {
class Test;  // GoogleTest's, if there is one
}

// Tests views and clients on a network with faults: again and again, each time in another order and with other faults.
// All of it follows from one number, the seed, so that a run that has failed once fails again whenever you like.
//
//     TEST(Chat, KeepsItsOrderWhateverTheNetworkDoes) {
//         simulate({.seeds = 1000, .faults = Faults::harsh()}, [](Simulation& simulation) {
//             Chat chat{simulation.services().groups};
//             simulation.serve(chat.urls());
//             for (int i = 0; i < 20; ++i) {
//                 simulation.client("/lobby/", [](WebSocket& socket) -> Task<> { ... });
//             }
//             simulation.run();
//             EXPECT_...
//         });
//     }
//
// Server and clients share one loop on one thread, and a simulated second takes only as long as the events in it.
namespace c10k::testkit {

// A run has failed: the text says why, and how to repeat it.
class SimulationFailed : public std::runtime_error {
public:
    SimulationFailed(std::uint64_t seed, const std::string& what, const std::string& text)
        : std::runtime_error(text), seed_(seed), what_failed_(what) {}

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    // The failure alone: the same whenever the seed is run again.
    [[nodiscard]] const std::string& reason() const noexcept { return what_failed_; }

private:
    std::uint64_t seed_;
    std::string what_failed_;
};

struct SimulationOptions {
    // The number of runs, with `seed` and the seeds that follow it. C10K_SEEDS=N in the environment overrides it, and
    // C10K_SEED=N runs only that seed.
    std::uint64_t seeds = 100;
    std::uint64_t first_seed = 1;
    Faults faults = Faults::benign();
    Settings settings = quiet_settings();
    // How much simulated time a run may take. A run that takes longer waits for something that never comes.
    Duration time_limit = std::chrono::hours{1};
    // Whether the test accepts an exception from a view, or a response with 500.
    bool views_may_fail = false;
    // Whether the clients share connections of HTTP/2, and how many. Empty: each has one of its own, of HTTP/1.1.
    std::optional<Http2> http2 = {};
    // Tells whether a check has failed that throws nothing. GoogleTest's failures are known without it.
    std::function<bool()> failed = {};
};

// The result of simulate().
struct SimulationReport {
    std::uint64_t seeds = 0;
    // All that happened in all the runs, as one number: the same for the same seeds.
    std::uint64_t trace = 0;
    // The faults that the network injected.
    FaultCounts faults = {};
};

// One run. It has one server and any number of clients.
class Simulation {
public:
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    // The services to build a site with.
    [[nodiscard]] Services& services() noexcept;
    // Serves these routes. Requires: called once, and before run(). Throws std::logic_error otherwise.
    void serve(Urls urls);

    // A client that comes in the first tenth of a second and runs `view`, as connect() does. That it is not let in
    // is a failure, unless the network has cut connections or the server is closing. That it is cut off is none: its
    // view sees that.
    void client(std::string_view target, std::function<Task<>(WebSocket&)> view, EndpointOptions options = {});
    // Runs another task at the same time. An exception from it is a failure.
    void spawn(Task<> task);

    // Runs until all clients and tasks have ended, then closes the server and stops its background tasks.
    //
    // Throws the first failure, after it has stopped everything else: an exception from a client, a task or a view; a
    // wait for ever; a connection that is still open. Throws std::logic_error if nothing is served. Requires:
    // everything that takes part lives until it returns. Not checked: it is the test's own.
    void run();

    // ---- For clients and tasks

    // The server, for connect(). `target` is the path, with the query if it has one.
    [[nodiscard]] Endpoint endpoint(std::string_view target, EndpointOptions options);
    [[nodiscard]] Endpoint endpoint(std::string_view target);
    // A page. Throws ConnectionClosed if the connection ends before the answer is whole, or nothing comes for a minute.
    Task<Response> get(std::string target, Headers headers = {});
    // Any request, with a body or without. A Content-Length is added if there is a body. Throws as get() does.
    Task<Response> request(std::string method, std::string target, Headers headers = {}, std::string body = {});
    // Closes the server while all goes on, as Ctrl-C does. Requires: something is served, and it is called once.
    // Throws std::logic_error otherwise.
    Task<> close_server();
    // From 0 to `end` - 1, as the seed will have it. Requires: 0 < end <= 2^32. Throws std::logic_error otherwise.
    [[nodiscard]] std::uint64_t random(std::uint64_t end);

    // ---- Results

    // Since the beginning of the run, by its own clock.
    [[nodiscard]] Duration now() const noexcept;
    [[nodiscard]] std::uint64_t trace() const noexcept;
    [[nodiscard]] const FaultCounts& faults() const noexcept;

private:
    friend SimulationReport run_simulations(const SimulationOptions& options,
                                            const std::function<void(Simulation&)>& body,
                                            const std::function<bool()>& gtest_failed);
    struct State;

    [[nodiscard]] bool has_run() const noexcept;

    Simulation(std::uint64_t seed, const SimulationOptions& options);

    std::unique_ptr<State> state_;
};

// Does the work of simulate().
SimulationReport run_simulations(const SimulationOptions& options, const std::function<void(Simulation&)>& body,
                                 const std::function<bool()>& gtest_failed);

// Calls `body` with a new simulation for each seed, and stops at the first that fails. C10K_TRACE=1 in the environment
// writes each event to standard error.
//
// Throws SimulationFailed. If only GoogleTest has seen the failure, it returns, and prints that exception's text on
// standard error.
template <typename Body>
SimulationReport simulate(const SimulationOptions& options, Body body) {
    // GoogleTest is asked only where its headers are included, at the latest after this one.
    const auto gtest_failed = []<typename Test>(Test*) {
        if constexpr (requires { Test::HasFailure(); }) {
            return static_cast<bool>(Test::HasFailure());
        }
        return false;
    };
    return run_simulations(options, body, [&] { return gtest_failed(static_cast<testing::Test*>(nullptr)); });
}

}  // namespace c10k::testkit
