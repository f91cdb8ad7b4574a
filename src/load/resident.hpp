#pragma once

#include "c10k/websocket.hpp"
#include "load/residents.hpp"

#include <cstddef>
#include <vector>

namespace c10k::load {

// One connection that stays: the messages that are due on it, in their order, of which the first have been sent.
class Residents::Resident {
public:
    Resident(Residents& residents, WebSocket& socket);
    ~Resident();
    Resident(const Resident&) = delete;
    Resident& operator=(const Resident&) = delete;

    [[nodiscard]] WebSocket& socket() noexcept { return socket_; }

    // A message is due. It is sent now, or when enough others have been answered and sent.
    void add(Clock::time_point due);
    // A message has come.
    void take(const Message& message);
    // No more will come: messages without an answer are errors.
    void note_unanswered();

private:
    struct Slot {
        Clock::time_point due{};
        Clock::time_point sent{};
        const Message* message = nullptr;
    };

    void send_more();
    void take_answer(const Message& message);
    void take_delivery(const Message& message);
    [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - first_; }
    void drop_first();

    Residents& all_;
    WebSocket& socket_;
    std::vector<Slot> slots_;  // from first_ on
    std::size_t first_ = 0;
    std::size_t in_flight_ = 0;  // of them
};

}  // namespace c10k::load
