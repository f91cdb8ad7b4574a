// The session reads: bytes of its socket, cut anywhere, and their end; and the clock, for a peer that is silent.

#include "base/prefetch.hpp"
#include "http2/http2_session.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace c10k {

using wire::Http2Error;
using wire::Http2FrameHeader;
using wire::Http2FrameType;

namespace {

// How long a peer that is told of the end has for its own FIN.
constexpr std::chrono::seconds kLingerTime{1};
// Bytes of answers that a client has not taken: the server reads no more of it.
constexpr std::size_t kPauseAt = std::size_t{1024} * 1024;
// More of them end the connection: the peer asks and does not listen.
constexpr std::size_t kMaxUnsent = 16 * kPauseAt;

constexpr std::size_t kPrefetchedOwner = 384;  // bytes of a stream's owner that an event touches

}  // namespace

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

// Asks for the records of the streams that frames in these bytes are for, then for the owners of these streams, and
// then has these ask for what they will touch.
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
    if (count < 2) {
        return;
    }
    std::array<SocketEvents*, kMost> owners;
    std::size_t found = 0;
    for (const std::uint32_t id : std::span{ids}.first(count)) {
        if (const Http2Stream* const stream = ids_.find(id); stream != nullptr && stream->events != nullptr) {
            prefetch(stream->events, kPrefetchedOwner);
            owners[found++] = stream->events;
        }
    }
    for (const SocketEvents* const owner : std::span{owners}.first(found)) {
        owner->prepare();
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

}  // namespace c10k
