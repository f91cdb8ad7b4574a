#include "http2/http2_sender.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace c10k {

using wire::Http2FrameHeader;
using wire::Http2FrameType;

namespace {

// The first `size` of them.
void copy(char* to, std::span<const iovec> bytes, std::size_t size) noexcept {
    for (const iovec& piece : bytes) {
        const std::size_t taken = std::min(piece.iov_len, size);
        std::memcpy(to, piece.iov_base, taken);
        to += taken;
        size -= taken;
        if (size == 0) {
            return;
        }
    }
}

std::size_t total(std::span<const iovec> bytes, std::size_t most) noexcept {
    std::size_t sum = 0;
    for (const iovec& piece : bytes) {
        sum += piece.iov_len;
        if (sum >= most) {
            return most;
        }
    }
    return sum;
}

}  // namespace

Http2Sender::~Http2Sender() {
    buffers_.take_back(std::move(sending_));
    buffers_.take_back(std::move(filling_));
}

char* Http2Sender::append(const Http2FrameHeader& header) {
    char* const frame = append(Http2FrameHeader::kBytes + header.length);
    header.write(frame);
    return frame + Http2FrameHeader::kBytes;
}

char* Http2Sender::append(std::size_t size) {
    if (filling_.capacity() == 0) {
        filling_ = buffers_.lend();
    }
    char* const room = filling_.extend(size);
    if (!is_in_flight_) {
        loop_.flush_later(*this, size);
    }
    return room;
}

// ---- Streams

std::size_t Http2Sender::send(std::uint32_t slot, std::span<const iovec> bytes) {
    Http2Stream& stream = streams_.at(slot);
    const std::size_t wanted = total(bytes, kMaxTurn);
    const bool is_its_turn = stream.was_woken || first_ == kNone;
    if (stream.send_window <= 0 || window_ <= 0 || !is_its_turn || !has_room(wanted)) {
        stream.wanted = static_cast<std::uint16_t>(wanted);
        stream.waits = true;
        if (stream.send_window > 0) {
            wait(slot, stream);
        }
        return 0;
    }
    const auto size = static_cast<std::size_t>(
        std::min({static_cast<std::int64_t>(wanted), std::int64_t{stream.send_window}, window_}));
    copy(append({static_cast<std::uint32_t>(size), Http2FrameType::kData, 0, stream.id}), bytes, size);
    stream.was_woken = false;
    stream.send_window -= static_cast<std::int32_t>(size);
    window_ -= static_cast<std::int64_t>(size);
    if (filling_.size() >= kSendFrom && !is_in_flight_) {
        flush();
    }
    return size;
}

bool Http2Sender::send_whole(std::uint32_t slot, std::string_view body) {
    Http2Stream& stream = streams_.at(slot);
    const auto size = static_cast<std::int64_t>(body.size());
    if (body.size() > kMaxTurn || stream.send_window < size || window_ < size || first_ != kNone ||
        !has_room(body.size())) {
        return false;
    }
    const Http2FrameHeader header{static_cast<std::uint32_t>(size), Http2FrameType::kData, wire::http2_flag::kEndStream,
                                  stream.id};
    std::memcpy(append(header), body.data(), body.size());
    stream.send_window -= static_cast<std::int32_t>(size);
    window_ -= size;
    return true;
}

// One that had its turn and found no room is the next to have one.
void Http2Sender::wait(std::uint32_t slot, Http2Stream& stream) noexcept {
    const bool is_first = stream.was_woken;
    stream.was_woken = false;
    stream.waits_for_room = true;
    stream.previous = is_first ? kNone : last_;
    stream.next = is_first ? first_ : kNone;
    (stream.previous != kNone ? streams_.at(stream.previous).next : first_) = slot;
    (stream.next != kNone ? streams_.at(stream.next).previous : last_) = slot;
}

void Http2Sender::forget(std::uint32_t slot) {
    Http2Stream& stream = streams_.at(slot);
    leave_queue(stream);
    if (stream.was_woken) {
        stream.was_woken = false;
        note_woken();
    }
}

void Http2Sender::leave_queue(Http2Stream& stream) noexcept {
    if (stream.waits_for_room) {
        stream.waits_for_room = false;
        (stream.previous != kNone ? streams_.at(stream.previous).next : first_) = stream.next;
        (stream.next != kNone ? streams_.at(stream.next).previous : last_) = stream.previous;
    }
}

// As many of those that wait as have room for what they want to send.
void Http2Sender::wake() noexcept {
    std::size_t woken_bytes = 0;
    while (first_ != kNone && window_ > static_cast<std::int64_t>(woken_bytes)) {
        const std::uint32_t slot = first_;
        Http2Stream& stream = streams_.at(slot);
        if (!has_room(woken_bytes + stream.wanted)) {
            return;
        }
        woken_bytes += stream.wanted + Http2FrameHeader::kBytes;
        leave_queue(stream);
        stream.was_woken = true;
        streams_.note_news(slot);
    }
}

bool Http2Sender::widen(std::uint32_t slot, std::int64_t bytes) noexcept {
    Http2Stream& stream = streams_.at(slot);
    const std::int64_t window = stream.send_window + bytes;
    if (window > wire::kHttp2MaxWindow) {
        return false;
    }
    stream.send_window = static_cast<std::int32_t>(window);
    if (stream.waits && !stream.waits_for_room && !stream.was_woken && window > 0) {
        wait(slot, stream);
        wake();
    }
    return true;
}

bool Http2Sender::widen(std::int64_t bytes) noexcept {
    window_ += bytes;
    wake();
    return window_ <= wire::kHttp2MaxWindow;
}

// ---- The socket

void Http2Sender::flush() {
    if (!is_in_flight_ && !is_closed_) {
        if (sending_.empty()) {
            std::swap(sending_, filling_);
        }
        if (!sending_.empty()) {
            const iovec rest{sending_.begin(), sending_.size()};
            const std::size_t taken = inner_.send(tcp_, {&rest, 1});
            is_in_flight_ = taken == 0;
            count_sent(taken);
        }
    }
    wake();
}

void Http2Sender::on_sent(std::size_t bytes) {
    is_in_flight_ = false;
    count_sent(bytes);
}

void Http2Sender::count_sent(std::size_t bytes) {
    sending_.consume(bytes);
    if (sending_.empty()) {
        buffers_.take_back(std::exchange(sending_, {}));
    }
    if (is_in_flight_ || is_closed_) {
        return;
    }
    if (!sending_.empty() || !filling_.empty()) {
        loop_.flush_later(*this, this->bytes());
    } else if (is_finishing_) {
        is_closed_ = true;
        inner_.shutdown_write(tcp_);
    } else if (first_ != kNone) {
        loop_.flush_later(*this, 0);
    }
}

void Http2Sender::finish() {
    is_finishing_ = true;
    if (bytes() == 0) {
        count_sent(0);
    }
}

std::shared_ptr<const void> Http2Sender::close() {
    is_closed_ = true;
    if (!is_in_flight_) {
        return nullptr;
    }
    return std::make_shared<Http2Buffer>(std::exchange(sending_, {}));
}

}  // namespace c10k
