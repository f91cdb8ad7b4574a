#pragma once

#include "c10k/load.hpp"
#include "c10k/message.hpp"
#include "load/pacer.hpp"
#include "load/sizes.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace c10k::load {

enum class Mode {
    kConnect,    // handshakes, each closed at once
    kEcho,       // messages, each of which comes back on its own connection
    kBroadcast,  // messages of one connection, which reach all others
    kHold,       // connections that stay
    kScript,     // clients that each run a script
};

// What a run does, as the user wants it.
struct Plan {
    Mode mode = Mode::kEcho;
    std::string url = {};
    std::size_t connections = 100;  // that stay, or are open at once
    double rate = 1000;             // messages or arrivals per second of all loops; 0: a closed model
    Duration ramp = std::chrono::seconds{1};
    Duration warm_up = std::chrono::seconds{1};
    Duration duration = std::chrono::seconds{10};
    Duration timeout = std::chrono::seconds{5};  // of the answers that are missing at the end
    Sizes sizes = Sizes::parse("64");
    Message::Kind kind = Message::Kind::kText;
    std::size_t in_flight = 64;  // messages of a connection without an answer
    std::size_t loops = 1;
    Script script = {};

    // Whether clients come and go, instead of staying.
    [[nodiscard]] bool has_arrivals() const noexcept { return mode == Mode::kConnect || mode == Mode::kScript; }
    [[nodiscard]] bool is_open_model() const noexcept { return rate > 0; }
};

// The time that is measured: events that are due in it count.
struct Window {
    Clock::time_point begin{};
    Clock::time_point end{};

    [[nodiscard]] bool contains(Clock::time_point moment) const noexcept { return moment >= begin && moment < end; }
};

}  // namespace c10k::load
