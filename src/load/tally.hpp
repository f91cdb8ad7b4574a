#pragma once

#include "c10k/load.hpp"
#include "load/pacer.hpp"

#include <cstdint>

namespace c10k::load {

// How long one kind of thing took: corrected, from the moment it was due, and raw, from the moment the client began.
//
// Raw times alone leave out how long a client that is held up by its server has waited before it could begin
// (coordinated omission).
struct Times {
    Histogram corrected;
    Histogram raw;

    void record(Clock::time_point due, Clock::time_point begun, Clock::time_point done);
    void merge(const Times& other);
    void clear() noexcept;
};

// What has happened in a while, on one loop or on all.
struct Tally {
    // All of it, for the live view.
    std::uint64_t all_sent = 0;
    std::uint64_t all_received = 0;
    Histogram recent;  // corrected times of replies, or of handshakes if nothing is sent

    std::uint64_t opened = 0;
    std::uint64_t failed = 0;  // handshakes
    std::uint64_t lost = 0;    // connections, before their client closed them
    Causes errors;

    // What was due in the time that is measured.
    std::uint64_t due = 0;  // messages, or clients
    std::uint64_t sent = 0;
    std::uint64_t expected = 0;  // answers, or deliveries
    std::uint64_t answered = 0;
    std::uint64_t finished = 0;  // clients
    std::uint64_t unasked = 0;   // messages that nothing waited for
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
    Times handshake;
    Times reply;
    Times session;   // of a client, from its handshake to its close
    Histogram late;  // how long after it was due the client came to an event, through its own fault

    void merge(const Tally& other);
    void clear();
};

// What is so at a moment.
struct Gauges {
    std::int64_t open = 0;
    std::int64_t in_flight = 0;  // messages without an answer, or clients
    std::int64_t waiting = 0;    // due, and not begun
};

}  // namespace c10k::load
