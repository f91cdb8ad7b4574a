#include "http2/http2_session.hpp"

#include "c10k/internal/require.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace c10k {

using wire::Http2Body;
using wire::Http2Error;
using wire::Http2FrameHeader;
using wire::Http2FrameType;
using wire::Http2Head;
using wire::Http2Setting;
namespace flag = wire::http2_flag;

namespace {

// How long a peer that is told of the end has for its own FIN.
constexpr std::chrono::seconds kLingerTime{1};
// Bytes of answers that a client has not taken: the server reads no more of it.
constexpr std::size_t kPauseAt = std::size_t{1024} * 1024;
// More of them end the connection: the peer asks and does not listen.
constexpr std::size_t kMaxUnsent = 16 * kPauseAt;
constexpr std::size_t kPingBytes = 8;
constexpr std::size_t kClosedKept = 128;
constexpr std::uint32_t kLastClientId = wire::kHttp2MaxStreamId;

// Asks for as much of an object behind an address as an event touches.
void prefetch_object(const void* object) noexcept {
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kLines = 6;
    for (std::size_t i = 0; i < kLines; ++i) {
        __builtin_prefetch(static_cast<const char*>(object) + i * kLine, 1);
    }
}

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
    if (can_send(stream.state)) {
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
    if (stream.was_woken) {
        sender_.note_woken();
    }
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

// What the owner has taken, once it is half of the window: few frames, and no peer waits for them.
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

// ---- Events of the socket and the clock

void Http2Session::on_received(std::span<char> bytes) try {
    has_heard_ = true;
    if (unread_.empty()) {
        bytes = read(bytes);
    }
    if (!bytes.empty()) {
        keep_unread(bytes);
    }
} catch (const std::bad_alloc&) {
    lose_memory();
}

void Http2Session::keep_unread(std::span<const char> bytes) {
    const bool is_first = unread_.empty();
    if (unread_.capacity() == 0) {
        unread_ = services_.buffers.lend();
    }
    std::memcpy(unread_.extend(bytes.size()), bytes.data(), bytes.size());
    if (is_first) {
        queue_unread();
    }
}

void Http2Session::queue_unread() noexcept {
    next_unread_ = nullptr;
    (services_.last_unread != nullptr ? services_.last_unread->next_unread_ : services_.first_unread) = this;
    services_.last_unread = this;
}

void Http2Session::drop_unread() noexcept {
    if (unread_.empty()) {
        return;
    }
    Http2Session* before = nullptr;
    for (Http2Session* one = services_.first_unread; one != this; one = one->next_unread_) {
        before = one;
    }
    (before != nullptr ? before->next_unread_ : services_.first_unread) = next_unread_;
    services_.last_unread = services_.last_unread == this ? before : services_.last_unread;
    services_.buffers.take_back(std::exchange(unread_, {}));
}

void Http2Session::read_first(Http2Services& services) {
    Http2Session& session = *services.first_unread;
    services.first_unread = session.next_unread_;
    services.last_unread = services.first_unread != nullptr ? services.last_unread : nullptr;
    session.read_on();
}

void Http2Session::read_on() {
    Http2Buffer bytes = std::exchange(unread_, {});
    const std::span<char> left = read({bytes.begin(), bytes.size()});
    if (!left.empty()) {
        bytes.consume(bytes.size() - left.size());
        unread_ = std::move(bytes);
        queue_unread();
        return;
    }
    services_.buffers.take_back(std::move(bytes));
    if (ended_behind_unread_) {
        hear_end(*ended_behind_unread_);
    }
}

std::span<char> Http2Session::read(std::span<char> bytes) {
    const std::span<char> now = bytes.first(std::min(bytes.size(), services_.may_read));
    services_.may_read -= now.size();
    read_frames(now);
    return reads() ? bytes.subspan(now.size()) : std::span<char>{};
}

// Asks for the records of the streams that frames in these bytes are for, and then for the owners of these streams.
// None of many streams is in the processor's caches, and it fetches several at a time.
void Http2Session::prefetch_streams(std::span<const char> bytes) {
    constexpr std::size_t kMost = 256;
    std::array<std::uint32_t, kMost> ids;
    std::size_t count = 0;
    for (std::size_t at = reader_.missing(); at + Http2FrameHeader::kBytes <= bytes.size() && count < kMost;) {
        const Http2FrameHeader header = Http2FrameHeader::read(bytes.data() + at);
        if (header.type == Http2FrameType::kData && header.length > 0) {
            ids_.prefetch(header.stream);
            ids[count++] = header.stream;
        }
        at += Http2FrameHeader::kBytes + header.length;
    }
    if (count > 1) {
        std::for_each(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), [this](std::uint32_t id) {
            if (const Http2Stream* const stream = ids_.find(id)) {
                prefetch_object(stream->events);
            }
        });
    }
}

void Http2Session::read_frames(std::span<char> bytes) try {
    if (!reads() || !read_preface(bytes)) {
        return;
    }
    prefetch_streams(bytes);
    reader_.receive(bytes, *this);
    if (!reads()) {
        return;
    }
    give_back();
    end_if_done();
    update_reading();
    if (reader_.is_inside() || block_) {
        if (owed_since_ == 0) {
            owed_since_ = services_.inner.now();
            update_timer();
        }
    } else if (peer_.has_said_settings) {
        owed_since_ = 0;
    }
} catch (const std::bad_alloc&) {
    lose_memory();
}

// One that has come and is right is forgotten.
bool Http2Session::read_preface(std::span<char>& bytes) {
    if (preface_left_ == 0) {
        return true;
    }
    const std::size_t taken = std::min<std::size_t>(preface_left_, bytes.size());
    if (wire::kHttp2Preface.substr(wire::kHttp2Preface.size() - preface_left_, taken) !=
        std::string_view{bytes.data(), taken}) {
        return fail(Http2Error::kProtocolError, "no HTTP/2 preface");
    }
    preface_left_ = static_cast<std::uint8_t>(preface_left_ - taken);
    bytes = bytes.subspan(taken);
    return true;
}

void Http2Session::on_sent(std::size_t bytes) {
    sender_.on_sent(bytes);
    update_reading();
}

void Http2Session::on_end() {
    if (unread_.empty()) {
        hear_end({});
    } else {
        ended_behind_unread_.emplace();
    }
}

void Http2Session::on_failed(std::error_code error) {
    if (unread_.empty()) {
        hear_end(error);
    } else {
        ended_behind_unread_ = error;
    }
}

void Http2Session::hear_end(std::error_code error) {
    if (error) {
        end(reads() ? Http2Ending{.kind = Http2Ending::Kind::kLost, .error = error} : ending_);
        return;
    }
    if (reads()) {
        const bool was_announced = state_ == Http2SessionState::kFinishing || peer_.says_goaway;
        if (!was_announced || ids_.size() > 0) {
            ending_.kind = ending_.kind == Http2Ending::Kind::kOurFault ? ending_.kind : Http2Ending::Kind::kLost;
        }
    }
    end(ending_);
}

// A peer that does not take what it has asked for is asked for nothing more. Only a server waits: if both sides did,
// both could wait for ever.
void Http2Session::update_reading() {
    const std::size_t unsent = sender_.bytes();
    if (unsent > kMaxUnsent && reads()) {
        fail(Http2Error::kEnhanceYourCalm, "it does not take the answers that it asks for");
    }
    const bool pauses = role_ == wire::Role::kServer && unsent > (is_paused_ ? kPauseAt / 2 : kPauseAt);
    if (pauses != is_paused_ && state_ != Http2SessionState::kEnded) {
        is_paused_ = pauses;
        pauses ? services_.inner.stop_receiving(tcp_) : services_.inner.start_receiving(tcp_);
    }
}

void Http2Session::update_timer() {
    const std::int64_t now = services_.inner.now();
    std::int64_t due = 0;
    if (state_ == Http2SessionState::kLingering) {
        due = quiet_since_ + std::chrono::milliseconds{kLingerTime}.count();
    } else {
        const auto quiet = has_pinged_ ? options_.ping_timeout : options_.ping_interval;
        due = quiet_since_ + std::chrono::milliseconds{quiet}.count();
        if (owed_since_ > 0) {
            due = std::min(due, owed_since_ + options_.head_time.count());
        }
        if (state_ == Http2SessionState::kLeaving) {
            due = std::min(due, leaving_since_ + std::chrono::milliseconds{options_.ping_timeout}.count());
        }
    }
    Timer::start(std::chrono::milliseconds{std::max<std::int64_t>(due - now, 0)});
}

void Http2Session::on_time() try {
    const std::int64_t now = services_.loop.now();
    if (state_ == Http2SessionState::kLingering) {
        end(ending_);
        return;
    }
    if (owed_since_ > 0 && now - owed_since_ >= options_.head_time.count()) {
        owner_.on_limit(Limit::kHeadTime);
        fail(peer_.has_said_settings ? Http2Error::kEnhanceYourCalm : Http2Error::kSettingsTimeout,
             "a head, or the first SETTINGS, took longer than head_time");
        return;
    }
    if (state_ == Http2SessionState::kLeaving &&
        now - leaving_since_ >= std::chrono::milliseconds{options_.ping_timeout}.count()) {
        note_left();  // a peer that does not say that it has heard of the end cannot put it off
        end_if_done();
    }
    if (has_heard_) {
        has_heard_ = has_pinged_ = false;
        quiet_since_ = now;
    } else if (const auto quiet = has_pinged_ ? options_.ping_timeout : options_.ping_interval;
               now - quiet_since_ < std::chrono::milliseconds{quiet}.count()) {
    } else if (has_pinged_) {
        owner_.on_limit(Limit::kPingTimeout);
        end({.kind = Http2Ending::Kind::kLost, .error = {ETIMEDOUT, std::system_category()}});
        return;
    } else {
        has_pinged_ = true;
        quiet_since_ = now;
        send_ping(kAlivePing);
    }
    update_timer();
} catch (const std::bad_alloc&) {
    lose_memory();
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
