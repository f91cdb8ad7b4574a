#include "load/outcome.hpp"

#include "load/format.hpp"

#include <algorithm>

namespace c10k::load {
namespace {

// A loop that uses more of a core has no time to spare for the next message.
constexpr double kBusy = 0.9;
// A client that comes later to its own events is a part of what it measures, if it is a part of this size.
constexpr std::chrono::milliseconds kLate{1};
constexpr double kLateShare = 0.1;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Outcome::Outcome(const Plan& plan, const Collector& collector, bool is_interrupted)
    : plan_(plan), measured_seconds_(seconds(collector.measured())), is_interrupted_(is_interrupted),
      peak_(static_cast<std::uint64_t>(collector.peak)) {
    const Collector::Snapshot total = collector.total();
    tally_ = total.tally;
    for (const Collector::OfLoop& loop : total.loops) {
        cpu_seconds_ += seconds(loop.busy);
        busiest_loop_ = std::max(busiest_loop_, loop.wall.count() > 0 ? seconds(loop.busy) / seconds(loop.wall) : 0);
    }
    if (plan_.mode == Mode::kBroadcast && !is_interrupted) {
        const std::uint64_t come = std::min(tally_.answered, tally_.expected);
        tally_.errors.add("a delivery that did not come", tally_.expected - come);
        tally_.errors.add("a delivery too many", tally_.answered - come);
    }
}

std::vector<NamedTimes> Outcome::times() const {
    switch (plan_.mode) {
        case Mode::kConnect: return {{"handshake", tally_.handshake}, {"session", tally_.session}};
        case Mode::kHold: return {{"handshake", tally_.handshake}};
        case Mode::kScript:
            return {{"reply", tally_.reply}, {"handshake", tally_.handshake}, {"session", tally_.session}};
        default: return {{"reply", tally_.reply}, {"handshake", tally_.handshake}};
    }
}

std::uint64_t Outcome::done() const noexcept {
    return plan_.has_arrivals() ? tally_.finished : plan_.mode == Mode::kHold ? tally_.opened : tally_.answered;
}

double Outcome::rate() const noexcept {
    return measured_seconds_ > 0 ? static_cast<double>(done()) / measured_seconds_ : 0;
}

double Outcome::error_percent() const noexcept {
    const auto all =
        std::max({tally_.due, tally_.sent, tally_.expected, tally_.opened + tally_.failed, std::uint64_t{1}});
    return 100 * static_cast<double>(tally_.errors.total()) / static_cast<double>(all);
}

std::optional<double> Outcome::cpu_us_each() const noexcept {
    const std::uint64_t count = plan_.mode == Mode::kBroadcast ? tally_.answered
                                : plan_.has_arrivals()         ? tally_.finished
                                                               : tally_.sent;
    return count > 0 ? std::optional{cpu_seconds_ * 1e6 / static_cast<double>(count)} : std::nullopt;
}

std::vector<std::string> Outcome::warnings() const {
    std::vector<std::string> warnings;
    if (busiest_loop_ >= kBusy) {
        warnings.push_back("a loop of the client used " + decimal_text(100 * busiest_loop_, 0) +
                           " % of a core: the figures measure the client; take more --loops or a lower --rate");
    }
    const Duration late = tally_.late.percentile(99);
    const Histogram& corrected = times().front().times.corrected;
    if (!corrected.empty() && late > kLate && seconds(late) > kLateShare * seconds(corrected.percentile(99))) {
        warnings.push_back("the client was late by " + time_text(late) +
                           " (p99), through no fault of the server: the figures measure the client");
    }
    return warnings;
}

}  // namespace c10k::load
