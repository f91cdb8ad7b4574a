#pragma once

#include "connection/traffic.hpp"
#include "live/loop_observer.hpp"
#include "loop/loop_delay.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace c10k {

// What any thread may read of a loop.
struct LoopSource {
    std::shared_ptr<const Counters> counters;
    std::shared_ptr<LoopDelay> delay;
    std::vector<RouteTraffic> routes;
};

// Makes the figures of the dashboard, once a second, of what the loops have counted and their last walks have seen.
// docs/reference/live-protocol.md has the names.
class Sampler {
public:
    // Figures are kept for so many seconds.
    static constexpr std::size_t kKept = 300;

    // Each has the same routes.
    explicit Sampler(std::vector<LoopSource> loops);

    // Takes the next sample. A walk is null if its loop has not answered yet.
    void take(std::chrono::steady_clock::time_point now, const std::vector<std::shared_ptr<const LoopWalk>>& walks);

    // Of the last one.
    [[nodiscard]] const nlohmann::json& figures() const noexcept { return figures_; }
    // The totals of each, the oldest first.
    [[nodiscard]] nlohmann::json history() const;
    // The routes: what does not change.
    [[nodiscard]] nlohmann::json routes() const;

private:
    // Counts that only grow, but for the open ones.
    struct Sums {
        std::uint64_t open = 0;
        std::uint64_t open_tcp = 0;
        std::uint64_t accepted = 0;
        std::uint64_t websockets = 0;
        std::uint64_t dropped = 0;
        std::uint64_t received = 0;
        std::uint64_t received_bytes = 0;
        std::uint64_t sent = 0;
        std::uint64_t sent_bytes = 0;

        Sums& operator+=(const Traffic& traffic);
        Sums& operator+=(const Sums& other);
    };
    using Closes = std::array<std::uint64_t, Counters::kCodes + 2>;

    [[nodiscard]] Sums of_loop(std::size_t loop) const;
    [[nodiscard]] Sums of_route(std::size_t route) const;
    [[nodiscard]] Closes closes() const;
    [[nodiscard]] nlohmann::json rates(const Sums& before, const Sums& now, double seconds) const;
    [[nodiscard]] nlohmann::json loop_figures(double seconds,
                                              const std::vector<std::shared_ptr<const LoopWalk>>& walks);
    [[nodiscard]] nlohmann::json route_figures(double seconds,
                                               const std::vector<std::shared_ptr<const LoopWalk>>& walks);
    [[nodiscard]] nlohmann::json ended(const Closes& now) const;

    std::vector<LoopSource> loops_;
    std::vector<Sums> last_of_loops_;
    std::vector<Sums> last_of_routes_;
    std::vector<DurationCounts> answers_;
    std::vector<std::shared_ptr<const LoopWalk>> last_walks_;
    std::chrono::steady_clock::time_point last_time_;
    std::deque<nlohmann::json> totals_;
    std::deque<Closes> closes_;
    std::uint64_t memory_at_start_;
    nlohmann::json figures_;
};

}  // namespace c10k
