#pragma once

#include "base/transitions.hpp"
#include "http2/http2_streams.hpp"

#include <array>
#include <cstdint>

namespace c10k {

// The life of an HTTP/2 connection, and that of its streams (RFC 9113, 5.1 and 6.8).

enum class Http2SessionState : std::uint8_t {
    kOpen,
    kLeaving,    // the peer has been told to open no more streams; those that it had opened by then still come
    kFinishing,  // no more streams come; when the last one is done, the connection is
    kLingering,  // FIN goes out behind what is queued, and the peer has a while for its own
    kEnded,      // nothing more is read or sent
};

enum class Http2SessionEvent : std::uint8_t {
    kFinish,  // a server's owner wants no more streams
    kLeft,    // the peer has heard of it, or is a server and need not
    kDone,    // there is no stream any more
    kFault,   // the peer broke a rule
    kEnd,     // the connection is lost, its FIN has come, or the owner has closed it
};

struct Http2SessionTransition {
    Http2SessionState from;
    Http2SessionEvent event;
    Http2SessionState to;
};

// Everything that can change the state. An event that has no row here for a state changes nothing.
inline constexpr std::array kHttp2SessionTransitions{
    Http2SessionTransition{Http2SessionState::kOpen, Http2SessionEvent::kFinish, Http2SessionState::kLeaving},
    Http2SessionTransition{Http2SessionState::kOpen, Http2SessionEvent::kLeft, Http2SessionState::kFinishing},
    Http2SessionTransition{Http2SessionState::kOpen, Http2SessionEvent::kFault, Http2SessionState::kLingering},
    Http2SessionTransition{Http2SessionState::kOpen, Http2SessionEvent::kEnd, Http2SessionState::kEnded},

    Http2SessionTransition{Http2SessionState::kLeaving, Http2SessionEvent::kLeft, Http2SessionState::kFinishing},
    Http2SessionTransition{Http2SessionState::kLeaving, Http2SessionEvent::kFault, Http2SessionState::kLingering},
    Http2SessionTransition{Http2SessionState::kLeaving, Http2SessionEvent::kEnd, Http2SessionState::kEnded},

    Http2SessionTransition{Http2SessionState::kFinishing, Http2SessionEvent::kDone, Http2SessionState::kLingering},
    Http2SessionTransition{Http2SessionState::kFinishing, Http2SessionEvent::kFault, Http2SessionState::kLingering},
    Http2SessionTransition{Http2SessionState::kFinishing, Http2SessionEvent::kEnd, Http2SessionState::kEnded},

    Http2SessionTransition{Http2SessionState::kLingering, Http2SessionEvent::kEnd, Http2SessionState::kEnded},
};

[[nodiscard]] constexpr const Http2SessionTransition* find_transition(Http2SessionState state,
                                                                      Http2SessionEvent event) noexcept {
    return find_row(kHttp2SessionTransitions, state, event);
}

// Whether frames of the peer are still read.
[[nodiscard]] constexpr bool can_read(Http2SessionState state) noexcept {
    return state <= Http2SessionState::kFinishing;
}

enum class Http2StreamEvent : std::uint8_t {
    kEnd,      // we send END_STREAM
    kPeerEnd,  // the peer does
    kFail,     // RST_STREAM, either way, or the connection has ended
    kTold,     // the owner has heard of that
};

struct Http2StreamTransition {
    Http2StreamState from;
    Http2StreamEvent event;
    Http2StreamState to;
};

inline constexpr std::array kHttp2StreamTransitions{
    Http2StreamTransition{Http2StreamState::kOpen, Http2StreamEvent::kEnd, Http2StreamState::kHalfClosedLocal},
    Http2StreamTransition{Http2StreamState::kOpen, Http2StreamEvent::kPeerEnd, Http2StreamState::kHalfClosedRemote},
    Http2StreamTransition{Http2StreamState::kOpen, Http2StreamEvent::kFail, Http2StreamState::kFailed},

    Http2StreamTransition{Http2StreamState::kHalfClosedLocal, Http2StreamEvent::kPeerEnd, Http2StreamState::kDone},
    Http2StreamTransition{Http2StreamState::kHalfClosedLocal, Http2StreamEvent::kFail, Http2StreamState::kFailed},

    Http2StreamTransition{Http2StreamState::kHalfClosedRemote, Http2StreamEvent::kEnd, Http2StreamState::kDone},
    Http2StreamTransition{Http2StreamState::kHalfClosedRemote, Http2StreamEvent::kFail, Http2StreamState::kFailed},

    Http2StreamTransition{Http2StreamState::kDone, Http2StreamEvent::kFail, Http2StreamState::kFailed},

    Http2StreamTransition{Http2StreamState::kFailed, Http2StreamEvent::kTold, Http2StreamState::kGone},
};

[[nodiscard]] constexpr const Http2StreamTransition* find_transition(Http2StreamState state,
                                                                     Http2StreamEvent event) noexcept {
    return find_row(kHttp2StreamTransitions, state, event);
}

}  // namespace c10k
