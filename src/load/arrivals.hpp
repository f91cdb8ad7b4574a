#pragma once

#include "c10k/client.hpp"
#include "load/recorder.hpp"

#include <cstddef>
#include <cstdint>

namespace c10k::load {

// The clients of one loop that come as the schedule says, whatever has become of those before them: each connects, runs
// the script if there is one, and leaves.
class Arrivals {
public:
    Arrivals(Collector& collector, Recorder& recorder, Endpoint server, std::size_t loop);

    // Stops.
    Task<> run();

private:
    Task<> arrive_on_schedule(TaskGroup& group);
    Task<> arrive_without_pause(TaskGroup& group);
    bool begin(TaskGroup& group, Clock::time_point due, Clock::time_point now);
    // Starts clients that are due, as many as may be there at once.
    void start_waiting(TaskGroup& group);
    Task<> visit(TaskGroup& group, Clock::time_point due);
    Task<> converse(WebSocket& socket, Clock::time_point due);
    void note_failure(const std::exception_ptr& failure);
    Task<> drain();

    [[nodiscard]] const Plan& plan() const noexcept { return collector_.plan(); }
    [[nodiscard]] std::size_t most_at_once() const noexcept;

    Collector& collector_;
    Recorder& recorder_;
    Endpoint server_;
    std::size_t loop_;
    Pacer pacer_;
    Schedule schedule_;
    Window window_;
    Clock::time_point begin_{};
    std::uint64_t due_ = 0;      // clients of this loop so far
    std::uint64_t started_ = 0;  // of them
    std::size_t present_ = 0;
    bool is_over_ = false;
};

}  // namespace c10k::load
