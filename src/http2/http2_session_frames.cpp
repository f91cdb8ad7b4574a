// The frames that a session reads: each is checked, and does what RFC 9113, 6 says.

#include "http2/http2_session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace c10k {

using wire::Http2Error;
using wire::Http2FrameHeader;
using wire::Http2FrameType;
using wire::Http2Setting;
namespace flag = wire::http2_flag;

namespace {

constexpr std::size_t kGoawayBytes = 8;
constexpr std::size_t kSettingBytes = 6;
constexpr std::size_t kU32Bytes = 4;
// Smaller pieces of a head are no way to send one.
constexpr std::size_t kLeastFragment = 1024;

}  // namespace

// ---- Any frame

bool Http2Session::on_frame_begin(const Http2FrameHeader& header) {
    if (!peer_.has_said_settings && (header.type != Http2FrameType::kSettings || header.has(flag::kAck))) {
        return fail(Http2Error::kProtocolError, "another frame before SETTINGS");
    }
    if (block_ ? header.type != Http2FrameType::kContinuation || header.stream != block_->stream
               : header.type == Http2FrameType::kContinuation) {
        return fail(Http2Error::kProtocolError, block_ ? "another frame inside a head" : "a CONTINUATION of nothing");
    }
    return header.type != Http2FrameType::kData || begin_data(header);
}

bool Http2Session::on_frame(const Http2FrameHeader& header, std::string_view payload) {
    switch (header.type) {
        case Http2FrameType::kData: return true;
        case Http2FrameType::kHeaders: return receive_headers(header, payload);
        case Http2FrameType::kContinuation:
            return (payload.size() >= kLeastFragment || spend_control()) && receive_fragment(header, payload);
        case Http2FrameType::kRstStream: return receive_reset(header, payload);
        case Http2FrameType::kSettings: return receive_settings(header, payload);
        case Http2FrameType::kPing: return receive_ping(header, payload);
        case Http2FrameType::kGoaway: return receive_goaway(header, payload);
        case Http2FrameType::kWindowUpdate: return receive_window_update(header, payload);
        case Http2FrameType::kPushPromise:
            return fail(Http2Error::kProtocolError, "a PUSH_PROMISE that is not allowed");
        case Http2FrameType::kPriority: return receive_priority(header, payload);
    }
    return spend_control();  // RFC 9113, 5.5
}

bool Http2Session::is_idle(std::uint32_t id) const noexcept {
    return is_ours(id) ? id >= next_id_ : id > last_peer_id_;
}

// ---- DATA

bool Http2Session::begin_data(const Http2FrameHeader& header) {
    data_stream_ = {};
    if (header.stream == 0 || is_idle(header.stream)) {
        return fail(Http2Error::kProtocolError, "DATA on a stream that is not open");
    }
    if (header.length > connection_window() - std::min(connection_window(), unreturned_)) {
        return fail(Http2Error::kFlowControlError, "more DATA than the connection's window");
    }
    unreturned_ += header.length;
    if (header.length == 0 && !header.has(flag::kEndStream) && !spend_control()) {
        return false;
    }
    Http2Stream* const stream = ids_.find(header.stream);
    if (stream == nullptr) {
        return receive_data_on_closed(header.stream, how_closed(header.stream));
    }
    const std::uint32_t slot = ids_.found();
    if (has_failed(stream->state)) {
        return receive_data_on_closed(header.stream, stream->error == Http2StreamError::kBroken
                                                         ? Closed::How::kResetByUs
                                                         : Closed::How::kResetByPeer);
    }
    if (!can_receive(stream->state)) {
        return break_stream(slot, Http2Error::kStreamClosed);
    }
    if (stream->is_client && !stream->is_answered) {
        return break_stream(slot, Http2Error::kProtocolError);
    }
    if (header.length > stream_window() - std::min(stream_window(), stream->unreturned)) {
        return break_stream(slot, Http2Error::kFlowControlError);
    }
    stream->unreturned += header.length;
    data_stream_ = services_.streams.id_of(slot);
    return true;
}

// RFC 9113, 5.1: what was on its way when we reset the stream is ignored.
bool Http2Session::receive_data_on_closed(std::uint32_t id, Closed::How how) {
    return how == Closed::How::kResetByUs || reject_stream(id, Http2Error::kStreamClosed);
}

bool Http2Session::on_data(std::span<char> piece, wire::Http2FrameReader& reader) {
    Http2Stream* stream = data_stream_.generation != 0 ? services_.streams.find(data_stream_) : nullptr;
    if (stream == nullptr || !can_receive(stream->state)) {
        return true;  // it has ended meanwhile: the connection's window is given back
    }
    const std::uint32_t slot = data_stream_.slot;
    if (!missing_bytes_.empty() && !count_body(slot, piece.size())) {
        return break_stream(slot, Http2Error::kProtocolError);
    }
    if (!stream->is_receiving || stream->held != nullptr) {
        if (!hold(*stream, piece)) {
            return false;
        }
    } else if (!piece.empty()) {
        stream->events->on_received(piece);
        stream = services_.streams.find(data_stream_);
    }
    if (stream == nullptr || !can_receive(stream->state) || !reads()) {
        return reads();
    }
    if (reader.is_at_end() && reader.header().has(flag::kEndStream)) {
        return end_by_peer(slot);
    }
    give_back(*stream);
    return true;
}

// Returns whether the body is not longer than its Content-Length.
bool Http2Session::count_body(std::uint32_t slot, std::size_t bytes) {
    const auto found = missing_bytes_.find(slot);
    if (found == missing_bytes_.end()) {
        return true;
    }
    if (bytes > found->second) {
        return false;
    }
    found->second -= bytes;
    return true;
}

bool Http2Session::end_by_peer(std::uint32_t slot) {
    if (const auto missing = missing_bytes_.find(slot); missing != missing_bytes_.end()) {
        const bool is_whole = missing->second == 0;
        missing_bytes_.erase(missing);
        if (!is_whole) {  // RFC 9113, 8.1.1
            return break_stream(slot, Http2Error::kProtocolError);
        }
    }
    advance(slot, Http2StreamEvent::kPeerEnd);
    if (services_.streams.at(slot).is_receiving && services_.streams.at(slot).held == nullptr) {
        deliver_held(slot);
    }
    return reads();
}

// ---- The end of a stream

// One that we have no record of, or shall have none.
bool Http2Session::reject_stream(std::uint32_t id, Http2Error error) {
    if (!spend_reset()) {
        return false;
    }
    send_reset(id, error);
    record_closed(id, Closed::How::kResetByUs);
    return true;
}

bool Http2Session::break_stream(std::uint32_t slot, Http2Error error) {
    fail_stream(slot, Http2StreamError::kBroken);
    if (!spend_reset()) {
        return false;
    }
    send_reset(services_.streams.at(slot).id, error);
    return true;
}

bool Http2Session::receive_reset(const Http2FrameHeader& header, std::string_view payload) {
    if (payload.size() != kU32Bytes) {
        return fail(Http2Error::kFrameSizeError, "a RST_STREAM that has not 4 bytes");
    }
    if (header.stream == 0 || is_idle(header.stream)) {
        return fail(Http2Error::kProtocolError, "RST_STREAM on a stream that is not open");
    }
    Http2Stream* const stream = ids_.find(header.stream);
    if (stream == nullptr || has_failed(stream->state)) {
        return spend_control();
    }
    const std::uint32_t slot = ids_.found();
    const bool is_answered = stream->is_answered || stream->is_client;
    const Http2Error code = wire::http2_error(wire::read_u32(payload.data()));
    if (code == Http2Error::kNoError && stream->is_client && stream->state == Http2StreamState::kHalfClosedRemote) {
        sender_.forget(slot);  // the answer is whole, and the server wants no more of the request (RFC 9113, 8.1)
        advance(slot, Http2StreamEvent::kEnd);
        stream->was_woken = true;
        services_.streams.note_news(slot);
        return spend_control();
    }
    if (stream->state != Http2StreamState::kDone) {
        fail_stream(slot, code == Http2Error::kRefusedStream                            ? Http2StreamError::kRefused
                          : code == Http2Error::kNoError || code == Http2Error::kCancel ? Http2StreamError::kReset
                                                                                        : Http2StreamError::kFailed);
    }
    // To break off what is answered is how a WebSocket or a download ends: only the others are a way to make us work.
    return is_answered ? spend_control() : spend_reset();
}

bool Http2Session::receive_priority(const Http2FrameHeader& header, std::string_view payload) {
    if (header.stream == 0) {
        return fail(Http2Error::kProtocolError, "PRIORITY of the connection");
    }
    if (payload.size() != kPriorityBytes) {
        return reject_frame(header.stream, Http2Error::kFrameSizeError, "a PRIORITY that has not 5 bytes");
    }
    return spend_control();  // nobody keeps a tree of them (RFC 9113, 5.3.2)
}

// A stream error by a frame that may name any stream; one that is idle cannot be reset.
bool Http2Session::reject_frame(std::uint32_t id, Http2Error error, std::string_view reason) {
    if (is_idle(id)) {
        return fail(error, reason);
    }
    const Http2Stream* const stream = ids_.find(id);
    if (stream == nullptr || has_failed(stream->state)) {
        return spend_control();
    }
    return break_stream(ids_.found(), error);
}

// ---- SETTINGS, PING, GOAWAY, WINDOW_UPDATE

bool Http2Session::receive_settings(const Http2FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) {
        return fail(Http2Error::kProtocolError, "SETTINGS of a stream");
    }
    if (header.has(flag::kAck)) {
        if (!payload.empty()) {
            return fail(Http2Error::kFrameSizeError, "an acknowledgement of SETTINGS that says more");
        }
        peer_.has_acknowledged = true;
        return spend_control();
    }
    if (payload.size() % kSettingBytes != 0) {
        return fail(Http2Error::kFrameSizeError, "SETTINGS that end within a setting");
    }
    if (!spend_control()) {
        return false;
    }
    for (; !payload.empty(); payload.remove_prefix(kSettingBytes)) {
        const auto name = static_cast<Http2Setting>(wire::read_u32(payload.data()) >> 16U);
        if (!receive_setting(name, wire::read_u32(payload.data() + 2))) {
            return false;
        }
    }
    sender_.append({0, Http2FrameType::kSettings, flag::kAck, 0});
    if (!std::exchange(peer_.has_said_settings, true)) {
        owner_.on_ready();
    }
    return reads();
}

bool Http2Session::receive_setting(Http2Setting name, std::uint32_t value) {
    switch (name) {
        case Http2Setting::kHeaderTableSize: encoder_.set_table_size(value); return true;
        case Http2Setting::kEnablePush:
            return value <= (role_ == wire::Role::kServer ? 1U : 0U) ||
                   fail(Http2Error::kProtocolError, "bad SETTINGS_ENABLE_PUSH");
        case Http2Setting::kMaxConcurrentStreams: peer_.max_streams = value; return true;
        case Http2Setting::kInitialWindowSize: return receive_window_size(value);
        case Http2Setting::kMaxFrameSize: {
            constexpr std::uint32_t kLargest = (1U << 24U) - 1;
            return (value >= wire::kHttp2MaxPayload && value <= kLargest) ||
                   fail(Http2Error::kProtocolError, "bad SETTINGS_MAX_FRAME_SIZE");
        }
        case Http2Setting::kMaxHeaderListSize: return true;
        case Http2Setting::kEnableConnectProtocol:
            if (value > 1 || (peer_.allows_connect && value == 0)) {  // RFC 8441, 3
                return fail(Http2Error::kProtocolError, "bad SETTINGS_ENABLE_CONNECT_PROTOCOL");
            }
            peer_.allows_connect = value == 1;
            return true;
    }
    return true;  // RFC 9113, 6.5.2
}

// RFC 9113, 6.9.2: it changes the windows of all streams.
bool Http2Session::receive_window_size(std::uint32_t value) {
    constexpr std::int64_t kStreamsPerFrame = 64;  // they cost as much as a frame
    if (value > static_cast<std::uint32_t>(wire::kHttp2MaxWindow)) {
        return fail(Http2Error::kFlowControlError, "bad SETTINGS_INITIAL_WINDOW_SIZE");
    }
    const std::int64_t change = std::int64_t{value} - peer_.stream_window;
    peer_.stream_window = static_cast<std::int32_t>(value);
    if (change == 0) {
        return true;
    }
    if (peer_.has_said_settings && !spend_control(static_cast<std::int64_t>(ids_.size()) / kStreamsPerFrame)) {
        return false;
    }
    for (const std::uint32_t slot : ids_.slots()) {
        if (slot != Http2Stream::kNone && !sender_.widen(slot, change)) {
            return fail(Http2Error::kFlowControlError, "SETTINGS_INITIAL_WINDOW_SIZE makes a window too large");
        }
    }
    return true;
}

bool Http2Session::receive_ping(const Http2FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) {
        return fail(Http2Error::kProtocolError, "PING of a stream");
    }
    if (payload.size() != kPingBytes) {
        return fail(Http2Error::kFrameSizeError, "a PING that has not 8 bytes");
    }
    if (!spend_control()) {
        return false;
    }
    if (!header.has(flag::kAck)) {
        std::memcpy(sender_.append({kPingBytes, Http2FrameType::kPing, flag::kAck, 0}), payload.data(), kPingBytes);
    } else if (payload == kLeavingPing && state_ == Http2SessionState::kLeaving) {
        note_left();
    }
    return true;
}

bool Http2Session::receive_goaway(const Http2FrameHeader& header, std::string_view payload) {
    if (header.stream != 0) {
        return fail(Http2Error::kProtocolError, "GOAWAY of a stream");
    }
    if (payload.size() < kGoawayBytes) {
        return fail(Http2Error::kFrameSizeError, "a GOAWAY that has not 8 bytes");
    }
    const std::uint32_t last = wire::read_u32(payload.data()) & wire::kHttp2MaxStreamId;
    const Http2Error code = wire::http2_error(wire::read_u32(payload.data() + kU32Bytes));
    if (code != Http2Error::kNoError) {
        ending_ = {.kind = Http2Ending::Kind::kOurFault, .code = code, .reason = wire::name_of(code)};
    }
    for (const std::uint32_t slot : ids_.slots()) {
        if (slot != Http2Stream::kNone && services_.streams.at(slot).is_client &&
            services_.streams.at(slot).id > last) {
            fail_stream(slot, Http2StreamError::kRefused);
        }
    }
    if (!spend_control()) {
        return false;
    }
    if (!std::exchange(peer_.says_goaway, true)) {
        owner_.on_goaway();
    }
    return reads();
}

bool Http2Session::receive_window_update(const Http2FrameHeader& header, std::string_view payload) {
    if (payload.size() != kU32Bytes) {
        return fail(Http2Error::kFrameSizeError, "a WINDOW_UPDATE that has not 4 bytes");
    }
    const std::uint32_t bytes = wire::read_u32(payload.data()) & wire::kHttp2MaxStreamId;
    if (!spend_control()) {
        return false;
    }
    if (header.stream == 0) {
        if (bytes == 0) {
            return fail(Http2Error::kProtocolError, "a WINDOW_UPDATE of 0");
        }
        return sender_.widen(bytes) || fail(Http2Error::kFlowControlError, "the connection's window is too large");
    }
    if (is_idle(header.stream)) {
        return fail(Http2Error::kProtocolError, "WINDOW_UPDATE on a stream that is not open");
    }
    Http2Stream* const stream = ids_.find(header.stream);
    if (stream == nullptr || has_failed(stream->state)) {
        return true;  // it was on its way when the stream ended
    }
    const std::uint32_t slot = ids_.found();
    if (bytes == 0) {
        return break_stream(slot, Http2Error::kProtocolError);
    }
    return sender_.widen(slot, bytes) || break_stream(slot, Http2Error::kFlowControlError);
}

}  // namespace c10k
