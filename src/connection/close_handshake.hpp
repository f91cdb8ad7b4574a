#pragma once

#include "base/transitions.hpp"
#include "c10k/message.hpp"
#include "c10k/timer.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace c10k {

class WebSocketConnection;

// ---- The life of a WebSocket, from its opening handshake to the end of its TCP connection (RFC 6455, 7)

enum class CloseState : std::uint8_t {
    kOpening,    // the view has not answered the opening handshake
    kOpen,       // messages go both ways
    kAnswering,  // the peer has closed; the answer waits until the view has had its say
    kClosing,    // our close frame is sent or queued; the peer's is still to come
    kDraining,   // the last bytes go out, then FIN; bytes that still come are thrown away
    kClosed,     // there is no socket any more; wire::Protocol::State::kClosed, both close frames, comes before it
};

enum class CloseEvent : std::uint8_t {
    kAccepted,         // the opening handshake is answered with 101
    kRefused,          // it is answered with an HTTP status
    kClose,            // we close
    kPeerClose,        // the peer's close frame has come, or its fault
    kPeerCloseUnread,  // the same, while the view has messages to receive
    kViewHeard,        // the turn ends, and the view has had its chance to answer
    kPeerFin,          // the peer has finished sending
    kAllSent,          // the kernel has taken all that was queued
    kAllSentAndFin,    // the same, and the peer's FIN has come
    kTimeUp,           // the close time is over
    kAbort,            // abort() was called, or the connection is lost
};

enum class CloseAction : std::uint8_t {
    kNone,
    kDropFrames,   // frames that waited for the 101 are not sent
    kSendClose,    // our close frame goes out
    kDefer,        // our answer waits for the end of the turn
    kSendFin,      // unless it is the peer's duty to end the TCP connection first (RFC 6455, 7.1.1)
    kEnd,          // the socket is closed
    kSendLastFin,  // the socket is closed behind a FIN of our own, which a stream of HTTP/2 needs (RFC 8441, 5)
};

struct CloseTransition {
    CloseState from;
    CloseEvent event;
    CloseState to;
    CloseAction action;
};

// Everything that can change the state. An event that has no row here for a state changes nothing.
//
// The peer's FIN can bring two events: kPeerFin when it comes, and kAllSentAndFin at once or later, when nothing is
// left to send; so it ends kDraining, and kAnswering in the end, without a row for kPeerFin. The table "What a FIN does
// in each state" of docs/internals/architecture.md has all of it.
inline constexpr std::array kCloseTransitions{
    CloseTransition{CloseState::kOpening, CloseEvent::kAccepted, CloseState::kOpen, CloseAction::kNone},
    CloseTransition{CloseState::kOpening, CloseEvent::kRefused, CloseState::kDraining, CloseAction::kNone},
    CloseTransition{CloseState::kOpening, CloseEvent::kPeerFin, CloseState::kDraining, CloseAction::kDropFrames},
    CloseTransition{CloseState::kOpening, CloseEvent::kAbort, CloseState::kClosed, CloseAction::kEnd},

    CloseTransition{CloseState::kOpen, CloseEvent::kClose, CloseState::kClosing, CloseAction::kSendClose},
    CloseTransition{CloseState::kOpen, CloseEvent::kPeerClose, CloseState::kDraining, CloseAction::kSendClose},
    CloseTransition{CloseState::kOpen, CloseEvent::kPeerCloseUnread, CloseState::kAnswering, CloseAction::kDefer},
    CloseTransition{CloseState::kOpen, CloseEvent::kPeerFin, CloseState::kDraining, CloseAction::kNone},
    CloseTransition{CloseState::kOpen, CloseEvent::kAbort, CloseState::kClosed, CloseAction::kEnd},

    CloseTransition{CloseState::kAnswering, CloseEvent::kClose, CloseState::kDraining, CloseAction::kSendClose},
    CloseTransition{CloseState::kAnswering, CloseEvent::kViewHeard, CloseState::kDraining, CloseAction::kSendClose},
    CloseTransition{CloseState::kAnswering, CloseEvent::kTimeUp, CloseState::kClosed, CloseAction::kEnd},
    CloseTransition{CloseState::kAnswering, CloseEvent::kAbort, CloseState::kClosed, CloseAction::kEnd},

    CloseTransition{CloseState::kClosing, CloseEvent::kPeerClose, CloseState::kDraining, CloseAction::kNone},
    CloseTransition{CloseState::kClosing, CloseEvent::kPeerCloseUnread, CloseState::kDraining, CloseAction::kNone},
    CloseTransition{CloseState::kClosing, CloseEvent::kPeerFin, CloseState::kDraining, CloseAction::kNone},
    CloseTransition{CloseState::kClosing, CloseEvent::kTimeUp, CloseState::kClosed, CloseAction::kEnd},
    CloseTransition{CloseState::kClosing, CloseEvent::kAbort, CloseState::kClosed, CloseAction::kEnd},

    CloseTransition{CloseState::kDraining, CloseEvent::kAllSent, CloseState::kDraining, CloseAction::kSendFin},
    CloseTransition{CloseState::kDraining, CloseEvent::kAllSentAndFin, CloseState::kClosed, CloseAction::kSendLastFin},
    CloseTransition{CloseState::kDraining, CloseEvent::kTimeUp, CloseState::kClosed, CloseAction::kEnd},
    CloseTransition{CloseState::kDraining, CloseEvent::kAbort, CloseState::kClosed, CloseAction::kEnd},
};

// The row for `event` in `state`; null if nothing happens.
[[nodiscard]] constexpr const CloseTransition* find_transition(CloseState state, CloseEvent event) noexcept {
    return find_row(kCloseTransitions, state, event);
}

// Where one WebSocket is in its life, and all that exists only while it closes.
class CloseHandshake {
public:
    CloseHandshake() noexcept;
    ~CloseHandshake();
    CloseHandshake(const CloseHandshake&) = delete;
    CloseHandshake& operator=(const CloseHandshake&) = delete;

    [[nodiscard]] CloseState state() const noexcept { return state_; }
    void enter(CloseState state) noexcept { state_ = state; }

    // Why the WebSocket was closed; until note() that of a connection that is lost.
    [[nodiscard]] const CloseInfo& info() const noexcept;
    // The first reason stays. Without memory, the connection counts as lost.
    void note(WebSocketConnection& connection, std::uint16_t code, std::string_view reason) noexcept;

    // Keeps our close frame until it may go out. Throws std::bad_alloc.
    void hold_frame(WebSocketConnection& connection, std::string_view frame);
    [[nodiscard]] std::string_view held_frame() const noexcept;

    // Starts the close time again: WebSocketConnection::on_close_time() follows. Throws std::bad_alloc.
    void start_timer(WebSocketConnection& connection, std::chrono::milliseconds time);
    // Has WebSocketConnection::on_turn_ended() called. Requires: start_timer() was called.
    void wait_for_turn_end();
    // Cancels the close time: on_close_time() does not follow.
    void stop_timer() noexcept;

private:
    class Details;

    // Made when it is needed first. Throws std::bad_alloc.
    Details& details(WebSocketConnection& connection);

    std::unique_ptr<Details> details_;
    CloseState state_ = CloseState::kOpening;
};

}  // namespace c10k
