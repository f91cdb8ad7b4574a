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

// Tests of views and clients on a network that has faults: again and again, each time in another order and with other
// faults. All of it comes from one number, the seed, so that what has failed once fails again whenever it is asked to.
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
// Server and clients are one loop on one thread, and a second costs as long as what happens in it.
namespace c10k::testkit {

// A run in which something was wrong: the text says what, and how to see it again.
class SimulationFailed : public std::runtime_error {
public:
    SimulationFailed(std::uint64_t seed, const std::string& what, const std::string& text)
        : std::runtime_error(text), seed_(seed), what_failed_(what) {}

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    // What was wrong, and nothing more: the same whenever the seed is run again.
    [[nodiscard]] const std::string& reason() const noexcept { return what_failed_; }

private:
    std::uint64_t seed_;
    std::string what_failed_;
};

struct SimulationOptions {
    // So many runs, with this seed and those that follow it. C10K_SEEDS=N in the environment goes before it, and
    // C10K_SEED=N runs that seed alone.
    std::uint64_t seeds = 100;
    std::uint64_t first_seed = 1;
    Faults faults = Faults::benign();
    Settings settings = quiet_settings();
    // What a run may take of its own time. After it, somebody waits for what never comes.
    Duration time_limit = std::chrono::hours{1};
    // Whether an exception of a view, or an answer with 500, is what the test expects.
    bool views_may_fail = false;
    // Whether something is wrong that throws nothing. What GoogleTest has seen fail is known without it.
    std::function<bool()> failed = {};
};

// What has come out of simulate().
struct SimulationReport {
    std::uint64_t seeds = 0;
    // All that happened in all the runs, as one number: the same for the same seeds.
    std::uint64_t trace = 0;
    // What the network did.
    FaultCounts faults = {};
};

// One run. It has one server and any number of clients.
class Simulation {
public:
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    // What a site is given.
    [[nodiscard]] Services& services() noexcept;
    // What is served. Requires: called once, and before run(). Throws std::logic_error otherwise.
    void serve(Urls urls);

    // A client that comes in the first tenth of a second and runs `view`, as connect() does. That it is not let in
    // is a failure, unless the network has cut connections or the server is closing. That it is cut off is none: its
    // view sees that.
    void client(std::string_view target, std::function<Task<>(WebSocket&)> view, EndpointOptions options = {});
    // Something else that goes on at the same time. What it throws is a failure.
    void spawn(Task<> task);

    // Runs until all of them have ended, then closes the server and stops what is in the background.
    //
    // Throws what has failed, when all else has been stopped: an exception of a client, a task or a view; somebody who
    // waits for ever; a connection that is left. Throws std::logic_error if nothing is served.
    // Requires: all that takes part lives until it returns. Not checked: it is the test's own.
    void run();

    // ---- For those who take part

    // The server, for connect(). `target` is the path, with the query if it has one.
    [[nodiscard]] Endpoint endpoint(std::string_view target, EndpointOptions options);
    [[nodiscard]] Endpoint endpoint(std::string_view target);
    // A page. Throws ConnectionClosed if the connection ends before the answer is whole, or nothing comes for a minute.
    Task<Response> get(std::string target, Headers headers = {});
    // Closes the server while all goes on, as Ctrl-C does. Requires: something is served, and it is called once.
    // Throws std::logic_error otherwise.
    Task<> close_server();
    // From 0 to `end` - 1, as the seed will have it. Requires: 0 < end <= 2^32. Throws std::logic_error otherwise.
    [[nodiscard]] std::uint64_t random(std::uint64_t end);

    // ---- What has happened

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

// What simulate() does.
SimulationReport run_simulations(const SimulationOptions& options, const std::function<void(Simulation&)>& body,
                                 const std::function<bool()>& gtest_failed);

// Calls `body` with a new simulation for each seed, and stops at the first that fails. C10K_TRACE=1 in the environment
// writes each event to standard error.
//
// Throws SimulationFailed. If only GoogleTest has seen it fail, returns, and says on standard error what that would.
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
