#pragma once

#include "load/plan.hpp"
#include "load/tally.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace c10k::load {

// What all loops of a run share: the time that is measured, and what has happened. Thread: any.
class Collector {
public:
    explicit Collector(const Plan& plan);

    [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
    [[nodiscard]] Clock::time_point origin() const noexcept { return origin_; }
    // A number that tells this run's messages from those of others.
    [[nodiscard]] std::uint32_t run() const noexcept { return run_; }

    // ---- Steps that the loops begin together

    // Suspends until all loops have come to their step `number`; a loop goes through all steps in order. Stops.
    Task<> meet(std::size_t number);
    // The time that is measured, from when the first loop asks for it: after the warm-up.
    Window window();
    // What has been measured of it: less if the run ended early.
    [[nodiscard]] Duration measured() const;
    // No more is measured: the run is being interrupted, or is over.
    void stop_measuring();
    // The run has to end, and why: an error of the server's. Loops ask has_ended() at each event.
    void end(std::string_view cause);
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }

    // ---- What happens

    struct OfLoop {
        Gauges gauges;
        Duration busy{0};  // CPU time of its thread while it was measured
        Duration wall{0};  // and how long that was
    };
    void add(std::size_t loop, const Tally& tally, const OfLoop& state);

    // Deliveries of a broadcast that are still to come.
    std::atomic<std::int64_t> missing{0};
    std::atomic<std::int64_t> open{0};
    std::atomic<std::int64_t> peak{0};

    struct Snapshot {
        Tally tally;
        std::vector<OfLoop> loops;
    };
    // Since the last call.
    [[nodiscard]] Snapshot take_recent();
    // Since the beginning.
    [[nodiscard]] Snapshot total() const;

private:
    const Plan& plan_;
    Clock::time_point origin_ = Clock::now();
    std::uint32_t run_;
    std::atomic<std::size_t> arrived_{0};
    std::atomic<bool> has_ended_{false};
    mutable std::mutex mutex_;  // of what follows
    std::optional<Window> window_;
    std::optional<Clock::time_point> ended_;
    Tally recent_;
    Tally total_;
    std::vector<OfLoop> loops_;
};

}  // namespace c10k::load
