#pragma once

#include "bytes.hpp"
#include "program.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace benchmarks {

// A connection of a floor: all that has to be known of it.
struct Connection {
    enum class State : std::uint8_t { kFree, kNew, kOpen, kClosing };

    State state = State::kFree;
    bool is_sending = false;
    std::uint32_t partial = 0;  // bytes of a message that has not come whole
    Debt owed;                  // of Floor::answers()
};

// A floor's treatment of the bytes it reads, whatever interface it reads them by. It knows the size of a message, and
// that requests and close frames come in one piece: nothing is parsed.
//
// Each message is answered with `answers` frames of the same payload, or, to all, with one frame to each connection.
class Floor {
public:
    // Arguments: --port, --payload (bytes), --answers, --to (sender or all).
    explicit Floor(const Arguments& arguments);

    [[nodiscard]] int listen() const;
    // Notes a new connection.
    void add(int fd);
    void remove(int fd) { connections_[static_cast<std::size_t>(fd)] = {}; }
    [[nodiscard]] Connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    // Counts the messages that are whole with these bytes and owes their answers. A close frame changes the state to
    // kClosing. Requires: the connection is open.
    void receive(int fd, std::string_view bytes);
    // Calls `flush(fd)` for each connection that has come to owe something since the last call.
    template <typename Flush>
    void flush_all(Flush flush);

    [[nodiscard]] const Repeated& answers() const noexcept { return answers_; }

private:
    void owe(int fd, std::size_t bytes);

    std::uint16_t port_;
    std::size_t message_bytes_;
    Repeated answers_;
    bool to_all_;
    std::vector<Connection> connections_;  // by descriptor
    std::vector<int> owing_;
    std::size_t for_all_ = 0;  // messages that every connection is to get
};

template <typename Flush>
void Floor::flush_all(Flush flush) {
    if (for_all_ > 0) {
        for (std::size_t fd = 0; fd < connections_.size(); ++fd) {
            if (connections_[fd].state == Connection::State::kOpen) {
                owe(static_cast<int>(fd), for_all_ * answers_.period());
            }
        }
        for_all_ = 0;
    }
    for (const int fd : owing_) {
        flush(fd);
    }
    owing_.clear();
}

}  // namespace benchmarks
