#include "connection/close_handshake.hpp"

#include "connection/websocket_connection.hpp"
#include "loop/loop.hpp"

#include <new>
#include <optional>
#include <string>

namespace c10k {

class CloseHandshake::Details final : public Timer, public EndOfTurn {
public:
    explicit Details(WebSocketConnection& connection) noexcept : connection_(connection) {}

    [[nodiscard]] Loop& loop() const noexcept { return connection_.services().loop; }

    std::optional<CloseInfo> info;
    std::string frame;

private:
    void on_time() override { connection_.on_close_time(); }
    void end_turn() override { connection_.on_turn_ended(); }

    WebSocketConnection& connection_;
};

CloseHandshake::CloseHandshake() noexcept = default;

CloseHandshake::~CloseHandshake() = default;

CloseHandshake::Details& CloseHandshake::details(WebSocketConnection& connection) {
    if (!details_) {
        details_ = std::make_unique<Details>(connection);
    }
    return *details_;
}

const CloseInfo& CloseHandshake::info() const noexcept {
    static const CloseInfo kLost;
    return details_ && details_->info ? *details_->info : kLost;
}

void CloseHandshake::note(WebSocketConnection& connection, std::uint16_t code, std::string_view reason) noexcept {
    try {
        if (!details(connection).info) {
            details_->info = CloseInfo{code, std::string{reason}};
        }
    } catch (const std::bad_alloc&) {  // it is closed all the same
    }
}

void CloseHandshake::hold_frame(WebSocketConnection& connection, std::string_view frame) {
    details(connection).frame = frame;
}

std::string_view CloseHandshake::held_frame() const noexcept {
    return details_ ? std::string_view{details_->frame} : std::string_view{};
}

void CloseHandshake::start_timer(WebSocketConnection& connection, std::chrono::milliseconds time) {
    details(connection).start(time);
}

void CloseHandshake::wait_for_turn_end() { details_->loop().at_end_of_turn(*details_); }

void CloseHandshake::stop_timer() noexcept {
    if (details_) {
        details_->cancel();
    }
}

}  // namespace c10k
