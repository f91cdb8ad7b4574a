#pragma once

#include "load/collector.hpp"

#include <cstddef>
#include <exception>
#include <string_view>

namespace c10k::load {

// Notes what happens on one loop, and adds it to what the collector has of all loops, some times a second.
class Recorder {
public:
    Recorder(Collector& collector, std::size_t loop) : collector_(collector), loop_(loop) {}

    // Begins to measure: what is due in `window` counts.
    void measure(const Window& window) noexcept { window_ = window; }
    [[nodiscard]] bool is_measured(Clock::time_point due) const noexcept { return window_.contains(due); }

    // A client that was due then is connected; and how long its handshake took without the wait for its turn.
    void note_opened(Clock::time_point due);
    void note_handshake(Duration took);
    // An open connection has ended, and whether its client wanted it.
    enum class End { kWanted, kLost };
    void note_ended(End end);
    void note_failed_handshake() { ++tally_.failed; }

    void note_due(Clock::time_point due) { tally_.due += is_measured(due) ? 1 : 0; }
    // The client came to an event only now, and nothing but the client is to blame for that.
    void note_late(Clock::time_point due, Clock::time_point now);
    void note_sent(Clock::time_point due, std::size_t bytes, std::size_t expected);
    void note_received(std::size_t bytes);
    void note_reply(Clock::time_point due, Clock::time_point sent);
    void note_unasked() { ++tally_.unasked; }
    void note_session(Clock::time_point due, Clock::time_point begun);

    void note_error(std::string_view cause, std::size_t count = 1) { tally_.errors.add(cause, count); }

    Gauges gauges;

    // Adds to the collector what has come since the last time. Stops.
    Task<> flush_regularly();
    void flush();

private:
    void measure_cpu();

    Collector& collector_;
    std::size_t loop_;
    Window window_;
    Tally tally_;
    Collector::OfLoop state_;
    Duration cpu_at_begin_{-1};
    Clock::time_point began_{};
    bool has_measured_cpu_ = false;
};

}  // namespace c10k::load
