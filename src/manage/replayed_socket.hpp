#pragma once

#include "c10k/message.hpp"
#include "web/recording.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace c10k {

// The first thing that a WebSocket got which the recording does not have.
struct Difference {
    std::size_t event;  // of the recording, where it became apparent
    std::string text;   // `expected "1", got "2"`
};

// What one WebSocket of a recording got from its server, against what it gets now.
//
// Messages of the view have to come in the recorded order. Groups and handles send whenever they want, so what they
// have relayed may come in any order, and also earlier than in the recording.
class ReplayedSocket {
public:
    // Requires: `events` outlive it.
    explicit ReplayedSocket(std::span<const RecordedEvent> events) noexcept : events_(events) {}

    // The next event of the recording that is this WebSocket's.
    void add(std::size_t event);

    // What it gets now. Each returns the event that this settles, if there is one.
    std::optional<std::size_t> on_message(const Message& message);
    std::optional<std::size_t> on_closed(std::uint16_t code, std::string_view reason);
    // The event has not come in time.
    void note_missing(std::size_t event);
    void note_difference(std::size_t event, std::string text);

    // Whether the replay waits for that event, as one of the server's that is compared.
    [[nodiscard]] static bool is_of_server(const RecordedEvent& event) noexcept;
    [[nodiscard]] const std::optional<Difference>& difference() const noexcept { return difference_; }
    // Nothing more is expected: what still comes does not matter.
    void leave() noexcept { has_left_ = true; }
    [[nodiscard]] bool has_left() const noexcept { return has_left_; }
    // Why it is not compared, or not to its end; or "".
    [[nodiscard]] const std::string& excuse() const noexcept { return excuse_; }
    [[nodiscard]] std::size_t opened_at() const noexcept { return opened_at_; }

private:
    std::optional<std::size_t> take_own(const Message& message);
    std::optional<std::size_t> take_relayed(const Message& message);
    // The first that is expected; empty if none is.
    std::optional<std::size_t> take_first();

    std::span<const RecordedEvent> events_;
    std::size_t opened_at_ = 0;
    std::deque<std::size_t> own_;                                            // in order
    std::unordered_map<std::string_view, std::deque<std::size_t>> relayed_;  // by payload
    std::set<std::size_t> relayed_in_order_;                                 // the same
    std::deque<std::size_t> unclear_;  // relayed, with a part that was redacted or left out
    std::optional<std::size_t> close_;
    std::optional<Difference> difference_;
    std::string excuse_;
    bool has_left_ = false;
};

}  // namespace c10k
