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
    double cut_read = 0;     // of a read: it brings a part of what has come
    double cut_write = 0;    // of a write: the kernel takes a part
    double full = 0;         // of a write: the kernel has no room for a moment (EAGAIN)
    double late_answer = 0;  // of what is asked of the kernel: it happens in a later turn of the loop, as with io_uring
    double held_back = 0;    // of an event: the loop hears of it in a later turn
    // Of a turn of the loop: it stands still, mostly for a millisecond or two, at most for `longest_pause`.
    double pause = 0;
    std::chrono::milliseconds longest_pause{0};
    double failed_accept = 0;            // of an accept: no descriptor is free
    std::size_t read_bytes = SIZE_MAX;   // the most that one read brings
    std::size_t write_bytes = SIZE_MAX;  // the most that one write takes
    // Bytes on their way that the network holds, at most; beyond that, writes wait until the peer reads. Each direction
    // of a connection holds a number of its own, from a 128th of this up.
    std::size_t kernel_bytes = 1024 * 1024;

    // ---- Faults that end connections

    double refused = 0;  // of a connection: nobody listens
    // Of a piece of bytes: somewhere in it,
    double reset = 0;       // the connection breaks, and both sides hear of it
    double half_close = 0;  // this direction ends as if the sender had finished, and swallows what is sent after that
    double silence = 0;     // both directions fall silent, and nobody hears of it
    // Of a call: the kernel finds the connection broken, and both sides hear of it.
    double failed_send = 0;
    double failed_finish = 0;  // where it was to send FIN
    double failed_close = 0;   // only the peer hears of it

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
