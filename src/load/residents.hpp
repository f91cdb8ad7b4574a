#pragma once

#include "c10k/client.hpp"
#include "load/recorder.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

namespace c10k::load {

// The connections of one loop that stay open for a whole run, and what goes over them: messages that come back,
// messages to all, or nothing.
class Residents {
public:
    Residents(Collector& collector, Recorder& recorder, Endpoint server, std::size_t loop);
    ~Residents();
    Residents(const Residents&) = delete;
    Residents& operator=(const Residents&) = delete;

    // Opens all of them during the ramp, does what the plan says, and closes them. Stops.
    Task<> run();

private:
    class Resident;

    Task<> open_all(TaskGroup& group);
    // A connection from its handshake to its close.
    Task<> live(Clock::time_point due);
    Task<> converse(WebSocket& socket, Clock::time_point due);
    void note_failure(const std::exception_ptr& failure);

    // What the plan's mode does until the end of the window.
    Task<> work();
    Task<> echo_on_schedule();
    Task<> echo_without_pause();
    Task<> broadcast();
    // A message is due on the next connection. Returns whether the run goes on.
    bool begin_message(Clock::time_point due, Clock::time_point now);
    // Sends a message to all, over the first connection.
    void say_to_all(Clock::time_point due);
    // Whether no connection is left on any loop, which ends the run.
    bool has_nobody();
    // Waits for answers that are missing at the end, as long as the plan says.
    Task<> drain();
    void close_all();

    [[nodiscard]] const Plan& plan() const noexcept { return collector_.plan(); }
    const Message& next_message();

    Collector& collector_;
    Recorder& recorder_;
    Endpoint server_;
    std::size_t loop_;
    Pacer pacer_;
    Window window_;
    std::vector<Message> messages_;
    std::size_t next_message_ = 0;
    std::vector<Resident*> residents_;  // that are open
    std::size_t next_resident_ = 0;
    const Resident* speaker_ = nullptr;  // of a broadcast
    std::size_t opening_ = 0;
    bool is_over_ = false;
};

}  // namespace c10k::load
