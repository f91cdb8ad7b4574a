#include "http2/http2_session.hpp"

#include "c10k/internal/require.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace c10k {

using wire::Http2Body;
using wire::Http2Error;
using wire::Http2FrameType;
using wire::Http2Head;
using wire::Http2Setting;
namespace flag = wire::http2_flag;

namespace {

constexpr std::size_t kClosedKept = 128;
constexpr std::uint32_t kLastClientId = wire::kHttp2MaxStreamId;

}  // namespace

Http2Session::Http2Session(Http2Services& services, SocketId tcp, wire::Role role, const Http2Options& options,
                           Http2Events& owner)
    : services_(services), tcp_(tcp), options_(options), owner_(owner),
      sender_(services.loop, services.inner, tcp, services.streams, services.buffers), ids_(services.streams),
      resets_(options.max_stream_resets), control_frames_(options.max_control_frames),
      preface_left_(role == wire::Role::kServer ? wire::kHttp2Preface.size() : 0), role_(role) {}

Http2Session::~Http2Session() {
    drop_news();
    drop_unread();
}

// ---- Calls of the connection's owner

void Http2Session::start(std::span<const char> early) {
    send_settings();
    if (!early.empty()) {
        keep_unread(early);
    }
    owed_since_ = services_.inner.now();
    quiet_since_ = owed_since_;
    update_timer();
    services_.inner.attach(tcp_, *this);
    services_.inner.start_receiving(tcp_);
}

void Http2Session::finish() try {
    if (state_ != Http2SessionState::kOpen) {
        return;
    }
    if (role_ == wire::Role::kServer) {  // RFC 9113, 6.8: the peer hears of it before the last stream is named
        send_goaway(kLastClientId, Http2Error::kNoError);
        send_ping(kLeavingPing);
        advance(Http2SessionEvent::kFinish);
        leaving_since_ = services_.inner.now();
        update_timer();
    } else {
        send_goaway(0, Http2Error::kNoError);
        advance(Http2SessionEvent::kLeft);
        end_if_done();
    }
} catch (const std::bad_alloc&) {
    lose_memory();
}

void Http2Session::note_left() {
    send_goaway(last_peer_id_, Http2Error::kNoError);
    advance(Http2SessionEvent::kLeft);
}

std::shared_ptr<const void> Http2Session::close() {
    advance(Http2SessionEvent::kEnd);
    cancel();
    drop_news();
    drop_unread();
    fail_streams();
    return sender_.close();
}

std::size_t Http2Session::free_streams() const noexcept {
    if (state_ != Http2SessionState::kOpen || !peer_.has_said_settings || peer_.says_goaway ||
        role_ == wire::Role::kServer) {
        return 0;
    }
    const std::size_t ids = next_id_ > kLastClientId ? 0 : (kLastClientId - next_id_) / 2 + 1;
    const std::size_t most = std::min<std::size_t>(peer_.max_streams, ids + ids_.size());
    return most - std::min(most, ids_.size());
}

std::size_t Http2Session::memory() const noexcept {
    return sizeof *this + sender_.memory() + ids_.memory() + reader_.held_bytes() + held_ + unread_.capacity() +
           (block_ ? block_->fragments.capacity() : 0) + closed_.capacity() * sizeof(Closed);
}

SocketId Http2Session::open(const Http2Head& request, Http2Body body, Http2StreamEvents& events) {
    internal::require(free_streams() > 0, "open(): the connection has no stream to spare");
    ids_.reserve_one();
    const SocketId socket = services_.streams.add(tcp_.slot, next_id_);
    try {
        send_block(next_id_, encoder_.encode(request), body);
    } catch (...) {
        services_.streams.remove(socket.slot);
        throw;
    }
    next_id_ += 2;
    Http2Stream& stream = services_.streams.at(socket.slot);
    stream.events = &events;
    stream.is_client = true;
    stream.send_window = peer_.stream_window;
    ids_.add(socket.slot);
    if (body == Http2Body::kNone) {
        advance(socket.slot, Http2StreamEvent::kEnd);
    }
    return socket;
}

// ---- Calls of a stream's owner

void Http2Session::respond(std::uint32_t slot, int status, const Headers& headers, Http2Body body) {
    constexpr int kFirstFinal = 200;
    Http2Stream& stream = services_.streams.at(slot);
    internal::require(!stream.is_answered && !stream.is_client, "respond(): the stream has an answer already");
    send_block(stream.id, encoder_.encode(status, headers), body);
    stream.is_answered = status >= kFirstFinal;
    if (body == Http2Body::kNone) {
        advance(slot, Http2StreamEvent::kEnd);
    }
}

bool Http2Session::respond_whole(std::uint32_t slot, int status, const Headers& headers, std::string_view body) {
    respond(slot, status, headers, Http2Body::kFollows);
    if (!can_send(services_.streams.at(slot).state) || !sender_.send_whole(slot, body)) {
        return false;
    }
    control_frames_.add(kWindowUpdates);
    advance(slot, Http2StreamEvent::kEnd);
    return true;
}

void Http2Session::send_block(std::uint32_t id, std::string_view block, Http2Body body) try {
    auto type = Http2FrameType::kHeaders;
    std::uint8_t flags = body == Http2Body::kNone ? flag::kEndStream : 0;
    do {
        const std::string_view fragment = block.substr(0, wire::kHttp2MaxPayload);
        block.remove_prefix(fragment.size());
        const auto size = static_cast<std::uint32_t>(fragment.size());
        const std::uint8_t end = block.empty() ? flag::kEndHeaders : std::uint8_t{0};
        std::memcpy(sender_.append({size, type, static_cast<std::uint8_t>(flags | end), id}), fragment.data(), size);
        type = Http2FrameType::kContinuation;
        flags = 0;
    } while (!block.empty());
} catch (const std::bad_alloc&) {
    lose_memory();  // the tables of the two sides differ from now on
    throw;
}

void Http2Session::shutdown_write(std::uint32_t slot) {
    Http2Stream& stream = services_.streams.at(slot);
    const bool has_head = stream.is_client || stream.is_answered;  // which comes before DATA (RFC 9113, 8.1)
    if (has_head && can_send(stream.state)) {
        sender_.append({0, Http2FrameType::kData, flag::kEndStream, stream.id});
        advance(slot, Http2StreamEvent::kEnd);
    }
}

void Http2Session::close_stream(std::uint32_t slot, std::optional<Http2Error> error) noexcept {
    Http2Stream& stream = services_.streams.at(slot);
    const std::uint32_t id = stream.id;
    auto how = stream.state == Http2StreamState::kDone ? Closed::How::kDone : Closed::How::kResetByUs;
    if (has_failed(stream.state)) {
        --failed_;
        how = stream.error == Http2StreamError::kBroken ? Closed::How::kResetByUs : Closed::How::kResetByPeer;
    } else if (stream.state != Http2StreamState::kDone && reads()) {
        const bool is_answer_sent = role_ == wire::Role::kServer && stream.state == Http2StreamState::kHalfClosedLocal;
        try {
            send_reset(id, error.value_or(is_answer_sent ? Http2Error::kNoError : Http2Error::kCancel));
        } catch (const std::bad_alloc&) {
            lose_memory();
        }
    }
    sender_.forget(slot);
    drop_held(stream);
    if (!missing_bytes_.empty()) {
        missing_bytes_.erase(slot);
    }
    record_closed(id, how);
    ids_.remove(slot);
    services_.streams.remove(slot);
    end_if_done();
}

void Http2Session::deliver_held(std::uint32_t slot) {
    const SocketId socket = services_.streams.id_of(slot);
    Http2Stream* stream = &services_.streams.at(slot);
    if (stream->held != nullptr && stream->is_receiving) {
        const std::unique_ptr<std::string> held = std::move(stream->held);
        held_ -= static_cast<std::uint32_t>(held->size());
        give_back(*stream);
        give_back();
        stream->events->on_received(*held);
        stream = services_.streams.find(socket);
    }
    if (stream != nullptr && stream->is_receiving && stream->held == nullptr && !stream->end_is_told &&
        !can_receive(stream->state) && !has_failed(stream->state)) {
        stream->end_is_told = true;
        stream->events->on_end();
    }
}

// ---- The life of a stream

void Http2Session::advance(std::uint32_t slot, Http2StreamEvent event) noexcept {
    Http2Stream& stream = services_.streams.at(slot);
    if (const Http2StreamTransition* const row = find_transition(stream.state, event)) {
        stream.state = row->to;
    }
}

bool Http2Session::hold(Http2Stream& stream, std::span<const char> bytes) {
    if (bytes.empty()) {
        return true;
    }
    if (stream.held == nullptr) {
        stream.held = std::make_unique<std::string>();
    }
    stream.held->append(bytes.data(), bytes.size());
    held_ += static_cast<std::uint32_t>(bytes.size());
    if (!window_struck_ && held_ > connection_window() / 2) {
        window_struck_ = true;  // until most of it is taken
        owner_.on_limit(Limit::kConnectionWindowBytes);
    }
    return reads();
}

void Http2Session::drop_held(Http2Stream& stream) noexcept {
    if (stream.held != nullptr) {
        held_ -= static_cast<std::uint32_t>(stream.held->size());
        stream.held.reset();
    }
}

void Http2Session::fail_stream(std::uint32_t slot, Http2StreamError error) noexcept {
    Http2Stream& stream = services_.streams.at(slot);
    const bool is_over = has_failed(stream.state) || (stream.state == Http2StreamState::kDone && stream.end_is_told);
    if (is_over) {
        return;
    }
    sender_.forget(slot);
    stream.waits = false;  // on_failed() is the last that its owner hears
    drop_held(stream);
    advance(slot, Http2StreamEvent::kFail);
    stream.error = error;
    ++failed_;
    services_.streams.note_news(slot);
}

void Http2Session::fail_streams() noexcept {
    for (const std::uint32_t slot : ids_.slots()) {
        if (slot != Http2Stream::kNone) {
            fail_stream(slot, Http2StreamError::kLost);
        }
    }
    if (state_ == Http2SessionState::kEnded) {
        for (const std::uint32_t slot : ids_.slots()) {
            if (slot != Http2Stream::kNone) {
                services_.streams.at(slot).session = Http2Stream::kNone;
            }
        }
        ids_.clear();
    }
}

void Http2Session::record_closed(std::uint32_t id, Closed::How how) noexcept {
    if (closed_.size() < kClosedKept) {
        try {
            closed_.push_back({id, how});
        } catch (const std::bad_alloc&) {
            closed_.clear();  // late frames on them are taken for mistakes
        }
        return;
    }
    closed_[next_closed_] = {id, how};
    next_closed_ = (next_closed_ + 1) % kClosedKept;
}

Http2Session::Closed::How Http2Session::how_closed(std::uint32_t id) const noexcept {
    const auto found = std::find_if(closed_.begin(), closed_.end(), [id](const Closed& one) { return one.id == id; });
    return found != closed_.end() ? found->how : Closed::How::kUnknown;
}

// ---- What the connection says

void Http2Session::send_settings() {
    constexpr std::size_t kSettingBytes = 6;
    struct Setting {
        Http2Setting name;
        std::uint32_t value;
    };
    const bool is_server = role_ == wire::Role::kServer;
    std::array<Setting, 4> settings{
        Setting{Http2Setting::kMaxConcurrentStreams, is_server ? options_.max_streams : 0},
        Setting{Http2Setting::kInitialWindowSize, options_.stream_window_bytes},
        Setting{Http2Setting::kMaxHeaderListSize, options_.max_head_bytes},
        is_server ? Setting{Http2Setting::kEnableConnectProtocol, options_.websockets ? 1U : 0U}
                  : Setting{Http2Setting::kEnablePush, 0},
    };
    if (!is_server) {
        std::memcpy(sender_.append(wire::kHttp2Preface.size()), wire::kHttp2Preface.data(), wire::kHttp2Preface.size());
    }
    char* payload = sender_.append({settings.size() * kSettingBytes, Http2FrameType::kSettings, 0, 0});
    for (const Setting& setting : settings) {
        *payload++ = 0;
        *payload++ = static_cast<char>(setting.name);
        wire::write_u32(payload, setting.value);
        payload += sizeof setting.value;
    }
    if (connection_window() > wire::kHttp2InitialWindow) {
        send_window_update(0, connection_window() - wire::kHttp2InitialWindow);
    }
}

void Http2Session::send_reset(std::uint32_t id, Http2Error error) {
    wire::write_u32(sender_.append({4, Http2FrameType::kRstStream, 0, id}), static_cast<std::uint32_t>(error));
}

void Http2Session::send_goaway(std::uint32_t last, Http2Error error) {
    char* const payload = sender_.append({8, Http2FrameType::kGoaway, 0, 0});
    wire::write_u32(payload, last);
    wire::write_u32(payload + sizeof last, static_cast<std::uint32_t>(error));
}

void Http2Session::send_window_update(std::uint32_t id, std::uint32_t bytes) {
    wire::write_u32(sender_.append({4, Http2FrameType::kWindowUpdate, 0, id}), bytes);
}

void Http2Session::send_ping(std::string_view payload) {
    std::memcpy(sender_.append({kPingBytes, Http2FrameType::kPing, 0, 0}), payload.data(), kPingBytes);
}

// ---- Windows

std::uint32_t Http2Session::connection_window() const noexcept {
    return std::max<std::uint32_t>(options_.connection_window_bytes, wire::kHttp2InitialWindow);
}

// A peer that has not heard of our SETTINGS uses the window that RFC 9113 gives it.
std::uint32_t Http2Session::stream_window() const noexcept {
    return peer_.has_acknowledged ? options_.stream_window_bytes
                                  : std::max<std::uint32_t>(options_.stream_window_bytes, wire::kHttp2InitialWindow);
}

// Gives the peer back the bytes that the owner has taken, once they are half of the window: the session sends few
// frames, and no peer waits for them.
void Http2Session::give_back(Http2Stream& stream) {
    const bool is_at_hand = data_stream_.generation == stream.generation;
    const std::size_t kept = (stream.held != nullptr ? stream.held->size() : 0) + (is_at_hand ? missing_data() : 0);
    const auto taken = static_cast<std::uint32_t>(stream.unreturned - std::min<std::size_t>(kept, stream.unreturned));
    if (taken > 0 && taken >= options_.stream_window_bytes / 2 && can_receive(stream.state)) {
        send_window_update(stream.id, taken);
        stream.unreturned -= taken;
    }
}

void Http2Session::give_back() {
    const std::uint32_t kept = held_ + missing_data();
    const std::uint32_t taken = unreturned_ - std::min(kept, unreturned_);
    const std::uint32_t usable = connection_window() - std::min(held_, connection_window());
    if (taken > 0 && taken >= usable / 2) {  // of what is not kept for slow views, so that these stop nobody else
        send_window_update(0, taken);
        unreturned_ -= taken;
    }
    if (window_struck_ && held_ < connection_window() / 4) {
        window_struck_ = false;
    }
}

// ---- The life of the connection

void Http2Session::advance(Http2SessionEvent event) noexcept {
    if (const Http2SessionTransition* const row = find_transition(state_, event)) {
        state_ = row->to;
    }
}

bool Http2Session::spend(Http2Budget& budget, Limit limit, std::int64_t count, std::string_view reason) {
    if (budget.take(count, services_.inner.now())) {
        return true;
    }
    owner_.on_limit(limit);
    return reads() && fail(Http2Error::kEnhanceYourCalm, reason);
}

bool Http2Session::spend_control(std::int64_t count) {
    return spend(control_frames_, Limit::kMaxControlFrames, count, "more control frames than max_control_frames");
}

bool Http2Session::spend_reset() {
    return spend(resets_, Limit::kMaxStreamResets, 1, "more broken streams than max_stream_resets");
}

bool Http2Session::fail(Http2Error error, std::string_view reason) {
    ending_ = {.kind = Http2Ending::Kind::kPeerFault, .code = error, .reason = reason};
    send_goaway(last_peer_id_, error);
    advance(Http2SessionEvent::kFault);
    block_.reset();
    fail_streams();
    sender_.finish();
    quiet_since_ = services_.inner.now();
    update_timer();
    return false;
}

void Http2Session::end_if_done() {
    if (ids_.size() > 0 || block_ || !reads()) {
        return;
    }
    if (peer_.says_goaway) {
        finish();
    }
    if (state_ == Http2SessionState::kFinishing) {
        advance(Http2SessionEvent::kDone);
        sender_.finish();
        quiet_since_ = services_.inner.now();
        update_timer();
    }
}

void Http2Session::end(const Http2Ending& ending) noexcept {
    if (state_ == Http2SessionState::kEnded) {
        return;
    }
    ending_ = ending;
    advance(Http2SessionEvent::kEnd);
    cancel();
    fail_streams();
    note_news();
}

void Http2Session::lose_memory() noexcept {
    end({.kind = Http2Ending::Kind::kLost, .error = {ENOMEM, std::system_category()}});
}

// ---- News

void Http2Session::note_news() noexcept {
    if (!std::exchange(has_news_, true)) {
        next_with_news_ = std::exchange(services_.with_news, this);
    }
}

void Http2Session::drop_news() noexcept {
    if (!std::exchange(has_news_, false)) {
        return;
    }
    Http2Session** link = &services_.with_news;
    while (*link != this) {
        link = &(*link)->next_with_news_;
    }
    *link = next_with_news_;
}

void Http2Session::deliver_news() {
    if (state_ == Http2SessionState::kEnded && !is_end_told_) {
        is_end_told_ = true;
        owner_.on_ended(ending_);
    }
}

}  // namespace c10k
