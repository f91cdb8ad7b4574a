#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace c10k::testkit {

// The faults of a simulated network. Numbers without a unit are probabilities, from 0 (never) to 1 (always).
struct Faults {
    // ---- Faults of any network, which no program may notice

    // How long bytes travel, at most. Each piece takes a time of its own, but pieces of one direction keep their order.
    std::chrono::milliseconds delay{0};
    double cut_read = 0;     // of a read: it brings only part of the bytes
    double cut_write = 0;    // of a write: the kernel takes only part of the bytes
    double full = 0;         // of a write: the kernel has no room for a moment (EAGAIN)
    double late_answer = 0;  // of a request to the kernel: it happens in a later turn of the loop, as with io_uring
    double held_back = 0;    // of an event: the loop hears of it in a later turn
    // Of a turn: the loop stands still, mostly for a millisecond or two, at most for `longest_pause`.
    double pause = 0;
    std::chrono::milliseconds longest_pause{0};
    double failed_accept = 0;            // of an accept: no descriptor is free
    std::size_t read_bytes = SIZE_MAX;   // the most that one read brings
    std::size_t write_bytes = SIZE_MAX;  // the most that one write takes
    // The most bytes in transit that the network holds; beyond it, writes wait until the peer reads. Each direction of
    // a connection has a bound of its own, between a 128th of this and this.
    std::size_t kernel_bytes = 1024 * 1024;

    // ---- Faults that end connections

    double refused = 0;        // of a connect: nobody listens
    double reset = 0;          // of a piece of bytes: somewhere in it the connection breaks, and both sides notice
    double half_close = 0;     // of a piece: somewhere in it this direction ends, and swallows later bytes
    double silence = 0;        // of a piece: somewhere in it both directions fall silent, and nobody notices
    double failed_send = 0;    // of a send(): the connection is broken, and both sides notice
    double failed_finish = 0;  // of a shutdown_write(): the same
    double failed_close = 0;   // of a close(): the same, but only the peer notices

    // Nothing goes wrong, and nothing takes time. Simultaneous events still come in a random order.
    [[nodiscard]] static Faults none() { return {}; }
    // The faults of any network, and many of them. A program that loses, reorders or duplicates something has a bug.
    [[nodiscard]] static Faults benign();
    // The same, and some connections break.
    [[nodiscard]] static Faults harsh();

    // The same for a network that ends no connection.
    [[nodiscard]] Faults without_losses() const;
};

// How often each of them has happened.
struct FaultCounts {
    std::uint64_t cut_reads = 0;
    std::uint64_t cut_writes = 0;
    std::uint64_t full = 0;
    std::uint64_t late_answers = 0;
    std::uint64_t held_back = 0;
    std::uint64_t pauses = 0;
    std::uint64_t failed_accepts = 0;
    std::uint64_t refused = 0;
    std::uint64_t resets = 0;
    std::uint64_t half_closes = 0;
    std::uint64_t silences = 0;
    std::uint64_t failed_sends = 0;
    std::uint64_t failed_finishes = 0;
    std::uint64_t failed_closes = 0;

    FaultCounts& operator+=(const FaultCounts& other) noexcept;
};

}  // namespace c10k::testkit
