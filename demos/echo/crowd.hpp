#pragma once

#include "patience.hpp"

#include <c10k/client.hpp>
#include <c10k/load.hpp>
#include <c10k/task.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <string>

namespace echo {

// Connects once to the echo test and waits for any greeting. When that takes long, prints what it waits for. Throws
// what connect() throws, and TimedOut, which names the server, if nothing comes for as long as a crowd has patience.
c10k::Task<> await_greeting(c10k::Endpoint server);

// Clients of the echo test: each connects at its moment, talks, and checks every answer.
class Crowd {
public:
    Crowd(int clients, std::chrono::milliseconds delay);

    // Spreads the clients over that many loops. Returns when all have ended, or nothing has moved for too long. Counts
    // failures, and does not throw them.
    c10k::Task<> meet(c10k::Endpoint server, std::size_t loops);
    // How long a handshake took. Thread: any.
    void note_handshake(c10k::Duration took);

    // Clients, peak, failures by cause, and times, as lines of text.
    [[nodiscard]] std::string summary() const;
    // Why the test failed: some client did not get its replies, or the clients were never all connected at once.
    [[nodiscard]] std::optional<std::string> failure() const;

private:
    class OnLoop;
    class Presence;
    using Clock = std::chrono::steady_clock;

    c10k::Task<> meet_on_loop(c10k::Endpoint server, std::size_t loop, std::size_t loops);
    void arrive();
    void leave();
    void note_success();
    void note_reply(c10k::Duration took);
    void note_failure(std::exception_ptr failure);
    // Prints what the crowd waits for, each time that nothing has moved for a while. Stops.
    c10k::Task<> say_if_quiet();
    [[nodiscard]] std::string awaited();

    int clients_;
    std::chrono::milliseconds delay_;
    Patience patience_;
    std::string url_;          // of the server
    Clock::time_point began_;  // all of it
    std::mutex mutex_;         // of what follows, which all loops share
    int present_ = 0;
    int peak_ = 0;
    int succeeded_ = 0;
    int failed_ = 0;
    Clock::duration dialling_{0};  // from the beginning to the last arrival
    c10k::load::Causes failures_;
    c10k::load::Histogram handshakes_;
    c10k::load::Histogram replies_;
};

}  // namespace echo
