#pragma once

#include "base/transitions.hpp"

#include <array>
#include <cstdint>

namespace c10k {

// The life of a connection that speaks HTTP/1 (RFC 9112, 9).

enum class Http1State : std::uint8_t {
    kReading,   // a request is awaited or arriving
    kServing,   // its view or stream runs, or it is a handshake and earlier answers have to go out first
    kSkipping,  // its answer is queued, and the rest of its body is read and thrown away
    kDraining,  // the last answer goes out, then FIN; bytes that still come are thrown away
    kClosed,    // there is no socket any more; the view or stream may still run
};

enum class Http1Event : std::uint8_t {
    kRequest,        // a request has come whole, or as far as its view wants it
    kAnswered,       // its answer is queued, all of it has come, and another request may follow
    kAnsweredEarly,  // its answer is queued, and some of its body is still to come
    kLastAnswered,   // its answer is queued, and no request may follow
    kUpgraded,       // a WebSocket has taken the socket over, or HTTP/2
    kLastUnsent,     // the peer or the server wants no more requests, and there is something to send
    kLastIdle,       // the same, and there is nothing to send
    kAllSent,        // the kernel has taken all that was queued
    kAllSentAndFin,  // the same, and the peer's FIN has come
    kAbort,          // a deadline is over, the connection is lost, or the server cuts it
};

enum class Http1Action : std::uint8_t {
    kNone,
    kDrain,    // no request is read any more
    kSendFin,  // and the peer has a while for its own (RFC 9112, 9.6)
    kEnd,      // the socket is closed, and the view asked to stop
};

struct Http1Transition {
    Http1State from;
    Http1Event event;
    Http1State to;
    Http1Action action;
};

// Everything that can change the state. An event that has no row here for a state changes nothing.
inline constexpr std::array kHttp1Transitions{
    Http1Transition{Http1State::kReading, Http1Event::kRequest, Http1State::kServing, Http1Action::kNone},
    Http1Transition{Http1State::kReading, Http1Event::kUpgraded, Http1State::kClosed, Http1Action::kNone},
    Http1Transition{Http1State::kReading, Http1Event::kLastAnswered, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kReading, Http1Event::kLastUnsent, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kReading, Http1Event::kLastIdle, Http1State::kClosed, Http1Action::kEnd},
    Http1Transition{Http1State::kReading, Http1Event::kAbort, Http1State::kClosed, Http1Action::kEnd},

    Http1Transition{Http1State::kServing, Http1Event::kAnswered, Http1State::kReading, Http1Action::kNone},
    Http1Transition{Http1State::kServing, Http1Event::kAnsweredEarly, Http1State::kSkipping, Http1Action::kNone},
    Http1Transition{Http1State::kServing, Http1Event::kLastAnswered, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kServing, Http1Event::kUpgraded, Http1State::kClosed, Http1Action::kNone},
    Http1Transition{Http1State::kServing, Http1Event::kLastUnsent, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kServing, Http1Event::kLastIdle, Http1State::kClosed, Http1Action::kEnd},
    Http1Transition{Http1State::kServing, Http1Event::kAbort, Http1State::kClosed, Http1Action::kEnd},

    Http1Transition{Http1State::kSkipping, Http1Event::kAnswered, Http1State::kReading, Http1Action::kNone},
    Http1Transition{Http1State::kSkipping, Http1Event::kLastAnswered, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kSkipping, Http1Event::kLastUnsent, Http1State::kDraining, Http1Action::kDrain},
    Http1Transition{Http1State::kSkipping, Http1Event::kLastIdle, Http1State::kClosed, Http1Action::kEnd},
    Http1Transition{Http1State::kSkipping, Http1Event::kAbort, Http1State::kClosed, Http1Action::kEnd},

    Http1Transition{Http1State::kDraining, Http1Event::kAllSent, Http1State::kDraining, Http1Action::kSendFin},
    Http1Transition{Http1State::kDraining, Http1Event::kAllSentAndFin, Http1State::kClosed, Http1Action::kEnd},
    Http1Transition{Http1State::kDraining, Http1Event::kAbort, Http1State::kClosed, Http1Action::kEnd},
};

// The row for `event` in `state`; null if nothing happens.
[[nodiscard]] constexpr const Http1Transition* find_transition(Http1State state, Http1Event event) noexcept {
    return find_row(kHttp1Transitions, state, event);
}

}  // namespace c10k
