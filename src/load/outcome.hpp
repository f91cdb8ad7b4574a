#pragma once

#include "load/collector.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::load {

// One of the times that a run has measured.
struct NamedTimes {
    std::string_view name;  // "reply", "handshake" or "session"
    const Times& times;
};

// What a run has come to.
class Outcome {
public:
    Outcome(const Plan& plan, const Collector& collector, bool is_interrupted);

    [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
    [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
    [[nodiscard]] double measured_seconds() const noexcept { return measured_seconds_; }
    [[nodiscard]] bool is_interrupted() const noexcept { return is_interrupted_; }
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_; }

    // Those that the mode has, the most telling first.
    [[nodiscard]] std::vector<NamedTimes> times() const;
    // What the mode counts: messages or deliveries answered, clients finished, or connections that were held, and how
    // many a second.
    [[nodiscard]] std::uint64_t done() const noexcept;
    [[nodiscard]] double rate() const noexcept;
    // Errors for each hundred messages or clients that were due.
    [[nodiscard]] double error_percent() const noexcept;

    // CPU time of the loops while it was measured, and the share of a core that the busiest one used.
    [[nodiscard]] double cpu_seconds() const noexcept { return cpu_seconds_; }
    [[nodiscard]] double busiest_loop() const noexcept { return busiest_loop_; }
    // For a message that was sent, or a client that finished; empty if there was none.
    [[nodiscard]] std::optional<double> cpu_us_each() const noexcept;
    // Why the figures say more about the client than about the server; empty if they do not.
    [[nodiscard]] std::vector<std::string> warnings() const;

private:
    const Plan& plan_;
    Tally tally_;
    double measured_seconds_;
    bool is_interrupted_;
    std::uint64_t peak_;
    double cpu_seconds_ = 0;
    double busiest_loop_ = 0;
};

}  // namespace c10k::load
