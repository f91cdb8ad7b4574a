#include "c10k/simulation.hpp"

#include "base/log.hpp"
#include "base/memory.hpp"
#include "base/random.hpp"
#include "testkit/failure_recorder.hpp"
#include "testkit/harness.hpp"
#include "testkit/inline_blocking.hpp"
#include "testkit/memory_backend.hpp"
#include "testkit/page_fetch.hpp"
#include "testkit/prng.hpp"
#include "testkit/services.hpp"
#include "testkit/trace.hpp"
#include "web/dispatcher.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace c10k::testkit {
namespace {

// The purpose of each generator's numbers; faults have another one.
constexpr std::uint64_t kForKeys = 2;
constexpr std::uint64_t kForTest = 3;
constexpr std::uint64_t kForBlocking = 4;

// How long blocking functions take, at most.
constexpr std::uint64_t kBlockingMs = 100;
// When clients come.
constexpr std::uint64_t kArrivalMs = 100;
// Turns of the loop within one millisecond: a task that makes more does nothing but yield().
constexpr std::uint64_t kMaxTurns = 1'000'000;
// How long a stopped task may go on.
constexpr std::chrono::hours kStopTime{1};
// A loop that stands still for so long may make others give up.
constexpr std::chrono::seconds kHarmfulPause{1};

bool is_traced() {
    const char* text = std::getenv("C10K_TRACE");
    return text != nullptr && std::strcmp(text, "1") == 0;
}

Task<Response> visit_page(Harness& harness, std::string method, std::string target, Headers headers, std::string body) {
    PageFetch visit{harness, method, target, headers, body};
    Response response = co_await visit.response();
    co_return response;
}

void fill_from(Prng& prng, std::span<char> bytes) {
    while (!bytes.empty()) {
        const std::uint64_t word = prng.next();
        const std::size_t size = std::min(bytes.size(), sizeof word);
        std::memcpy(bytes.data(), &word, size);
        bytes = bytes.subspan(size);
    }
}

Task<> join(TaskGroup& group) { co_await group.join(); }

// A task that run() runs to its end.
class Driven final : public CompletionListener {
public:
    explicit Driven(Task<> task) : task_(std::move(task)) { task_.start(scope_, *this); }

    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    void result() { task_.result(); }

private:
    void on_completed() noexcept override { ended_ = true; }

    StopScope scope_;
    Task<> task_;
    bool ended_ = false;
};

// Replacements on this thread while there is a simulation.
struct Surroundings {
    Surroundings(std::uint64_t seed, const std::shared_ptr<Loop>& loop)
        : keys(seed, kForKeys), stand_in([this](std::span<char> bytes) { fill_from(keys, bytes); }), shared(loop) {
        if (!is_traced()) {
            silence.emplace();
        }
    }

    Prng keys;
    ScopedRandomSource stand_in;
    SharedLoop shared;
    FreeMemoryKept kept;
    std::optional<log::Silence> silence;
};

struct SimulatedClient {
    enum class Phase : std::uint8_t { kOutside, kConnecting, kInside, kGone };

    std::string target;
    Endpoint endpoint;
    std::function<Task<>(WebSocket&)> view;
    Phase phase = Phase::kOutside;
};

}  // namespace

struct Simulation::State {
    State(std::uint64_t seed, const SimulationOptions& chosen)
        : options(chosen), prng(seed, kForTest), blocking_times(seed, kForBlocking),
          trace(is_traced() ? Trace::Lines::kStandardError : Trace::Lines::kNone),
          loop(std::make_shared<Loop>(std::make_unique<MemoryBackend>(FaultInjector{options.faults, seed}, &trace))),
          network(dynamic_cast<MemoryBackend&>(loop->backend())), begin(network.now()) {
        surroundings.emplace(seed, loop);
        loop->set_blocking_pool(std::make_shared<InlineBlocking>(
            [this] { return std::chrono::milliseconds{blocking_times.mostly_small(kBlockingMs)}; }));
        Settings settings = options.settings;
        if (options.http2) {
            settings.http2 = "on";
        }
        services.emplace(std::move(settings));
    }

    const SimulationOptions& options;
    Prng prng;
    Prng blocking_times;
    Trace trace;
    std::shared_ptr<Loop> loop;
    MemoryBackend& network;
    const std::int64_t begin;
    std::optional<Surroundings> surroundings;
    std::optional<Services> services;
    std::optional<Dispatcher> dispatcher;
    std::optional<FailureRecorder> failure_recorder;
    std::optional<Harness> harness;

    std::deque<SimulatedClient> visitors;
    std::vector<Task<>> tasks;
    TaskGroup participants;
    std::deque<Driven> driven;  // in the order of their beginning
    bool is_closing = false;
    bool has_run = false;
    bool is_stuck = false;

    [[nodiscard]] Duration now() const noexcept { return std::chrono::milliseconds{network.now() - begin}; }

    // Whether the site may refuse a client without a fault of its own.
    [[nodiscard]] bool is_unsafe() const noexcept {
        const FaultCounts& counts = network.injector().counts();
        const std::uint64_t failed_calls = counts.failed_sends + counts.failed_finishes + counts.failed_closes;
        return is_closing || counts.refused + counts.resets + counts.half_closes + counts.silences + failed_calls > 0 ||
               options.faults.longest_pause > kHarmfulPause;
    }

    void play();
    void clean_up() noexcept;
    Task<> visit(SimulatedClient& visitor);
    void drive(Task<> task, Duration limit);
    void turn_until(const std::function<bool()>& done, Duration limit);
    void check() const;
    [[nodiscard]] std::string who_waits();
};

// ---- A run

// Everybody has ended when it returns. If it throws, clean_up() has to see to that.
void Simulation::State::play() {
    internal::require(harness.has_value(), "run(): nothing is served");
    internal::require(!std::exchange(has_run, true), "run(): a simulation runs once");
    for (SimulatedClient& visitor : visitors) {
        participants.spawn(visit(visitor));
    }
    for (Task<>& task : tasks) {
        participants.spawn(std::move(task));
    }
    const Duration limit = options.time_limit;
    drive(join(participants), limit);
    is_closing = true;
    drive(harness->server().close(), limit + kStopTime);
    services->background.stop();
    drive(join(services->background), limit + kStopTime);
    if (options.http2) {  // the connections that the clients shared end after them
        turn_until([this] { return network.count() == 0; }, now() + kStopTime);
    }
    check();
}

// Stops the clients and tasks that have not ended, on a network without faults.
void Simulation::State::clean_up() noexcept {
    network.injector().stop();
    const Duration limit = now() + kStopTime;
    const auto all_ended = [this] {
        return std::all_of(driven.begin(), driven.end(), [](const Driven& task) { return task.has_ended(); });
    };
    try {
        participants.stop();
        services->background.stop();
        turn_until(all_ended, limit);
        driven.emplace_back(harness ? harness->server().close() : Task<>{});
        driven.emplace_back(join(services->background));
        turn_until(all_ended, limit);
    } catch (...) {
        is_stuck = true;
    }
}

Task<> Simulation::State::visit(SimulatedClient& visitor) {
    co_await sleep_for(std::chrono::milliseconds{prng.below(kArrivalMs)});
    visitor.phase = SimulatedClient::Phase::kConnecting;
    const std::function<Task<>(WebSocket&)> view = [&visitor](WebSocket& socket) {
        visitor.phase = SimulatedClient::Phase::kInside;
        return visitor.view(socket);
    };
    const auto may_stay_outside = [this, &visitor] {
        return visitor.phase == SimulatedClient::Phase::kConnecting && is_unsafe();
    };
    try {
        co_await connect(visitor.endpoint, view);
    } catch (const ConnectionClosed&) {  // as the view was to send something
    } catch (const ConnectError&) {
        if (!may_stay_outside()) {
            throw;
        }
    } catch (const TimedOut&) {
        if (!may_stay_outside()) {
            throw;
        }
    }
    visitor.phase = SimulatedClient::Phase::kGone;
}

void Simulation::State::drive(Task<> task, Duration limit) {
    Driven& begun = driven.emplace_back(std::move(task));
    turn_until([&begun] { return begun.has_ended(); }, limit);
    begun.result();
}

void Simulation::State::turn_until(const std::function<bool()>& done, Duration limit) {
    std::int64_t moment = network.now();
    for (std::uint64_t turns = 0; !done(); ++turns) {
        if (now() > limit) {
            throw std::runtime_error("somebody waits for ever: " + who_waits());
        }
        if (network.now() != moment) {
            moment = network.now();
            turns = 0;
        } else if (turns == kMaxTurns) {
            throw std::runtime_error("somebody is busy for ever: " + who_waits());
        }
        try {
            loop->turn();
        } catch (const Deadlock&) {
            throw std::runtime_error("somebody waits for ever: " + who_waits());
        }
    }
}

std::string Simulation::State::who_waits() {
    constexpr std::size_t kMaxNamed = 5;
    std::string text;
    std::size_t left = 0;
    for (std::size_t i = 0; i < visitors.size(); ++i) {
        const SimulatedClient& visitor = visitors[i];
        if (visitor.phase != SimulatedClient::Phase::kGone && ++left <= kMaxNamed) {
            const bool is_inside = visitor.phase == SimulatedClient::Phase::kInside;
            text += "client " + std::to_string(i) + " of " + visitor.target +
                    (is_inside ? " is connected; " : " is not connected; ");
        }
    }
    text += std::to_string(left) + " clients of " + std::to_string(visitors.size()) + " have not ended, and " +
            std::to_string(participants.size() - std::min(left, participants.size())) +
            " other tasks; the server has " + std::to_string(harness ? harness->server().count() : 0) + " connections";
    return text;
}

void Simulation::State::check() const {
    if (network.count() > 0) {
        throw std::runtime_error(std::to_string(network.count()) + " sockets are left");
    }
}

// ---- Simulation

Simulation::Simulation(std::uint64_t seed, const SimulationOptions& options)
    : state_(std::make_unique<State>(seed, options)) {}

// Leaks a task that does not end when it is stopped: its coroutines cannot be destroyed.
Simulation::~Simulation() {
    if (state_->is_stuck) {
        state_->surroundings.reset();
        static_cast<void>(state_.release());
    }
}

Services& Simulation::services() noexcept { return *state_->services; }

void Simulation::serve(Urls urls) {
    internal::require(!state_->harness, "serve(): a simulation has one server");
    internal::require(!state_->has_run, "serve(): the simulation has run");
    Services::Parts& parts = *state_->services->parts_;
    parts.site.urls = std::move(urls);
    state_->dispatcher.emplace(parts.site.urls, parts.settings);
    state_->failure_recorder.emplace(*state_->dispatcher);
    state_->harness.emplace(*state_->loop, *state_->failure_recorder, parts.settings);
}

void Simulation::client(std::string_view target, std::function<Task<>(WebSocket&)> view, EndpointOptions options) {
    state_->visitors.push_back({std::string{target}, endpoint(target, std::move(options)), std::move(view)});
}

void Simulation::spawn(Task<> task) { state_->tasks.push_back(std::move(task)); }

void Simulation::run() {
    std::exception_ptr failure;
    try {
        state_->play();
    } catch (...) {
        failure = std::current_exception();
        state_->clean_up();
    }
    if (state_->failure_recorder && !state_->failure_recorder->first_failure().empty() &&
        !state_->options.views_may_fail) {
        throw std::runtime_error(state_->failure_recorder->first_failure());
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

bool Simulation::has_run() const noexcept { return state_->has_run; }

Endpoint Simulation::endpoint(std::string_view target) { return endpoint(target, EndpointOptions{}); }

Endpoint Simulation::endpoint(std::string_view target, EndpointOptions options) {
    internal::require(state_->harness.has_value(), "endpoint(): nothing is served");
    if (!options.http2) {
        options.http2 = state_->options.http2;
    }
    return Endpoint{"ws://" + state_->harness->address().text() + std::string{target}, std::move(options)};
}

Task<Response> Simulation::get(std::string target, Headers headers) {
    internal::require(state_->harness.has_value(), "get(): nothing is served");
    return visit_page(*state_->harness, "GET", std::move(target), std::move(headers), "");
}

Task<Response> Simulation::request(std::string method, std::string target, Headers headers, std::string body) {
    internal::require(state_->harness.has_value(), "request(): nothing is served");
    return visit_page(*state_->harness, std::move(method), std::move(target), std::move(headers), std::move(body));
}

Task<> Simulation::close_server() {
    internal::require(state_->harness.has_value(), "close_server(): nothing is served");
    internal::require(!state_->is_closing, "close_server(): the server is closing already");
    state_->is_closing = true;
    return state_->harness->server().close();
}

std::uint64_t Simulation::random(std::uint64_t end) {
    internal::require(end > 0 && end <= std::uint64_t{1} << 32, "random(): its end is 1 to 2^32");
    return state_->prng.below(end);
}

Duration Simulation::now() const noexcept { return state_->now(); }

std::uint64_t Simulation::trace() const noexcept { return state_->trace.hash(); }

const FaultCounts& Simulation::faults() const noexcept { return state_->network.injector().counts(); }

}  // namespace c10k::testkit
