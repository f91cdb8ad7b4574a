#include "tls/hello_watch.hpp"

#include <algorithm>

namespace c10k {
namespace {

constexpr std::uint8_t kRecordHeaderBytes = 5;   // a type, a version, and two of the length
constexpr std::uint8_t kMessageHeaderBytes = 4;  // a type, and three of the length

}  // namespace

std::size_t HelloWatch::look(std::span<const char> bytes) noexcept {
    if (stopped_) {
        return bytes.size();
    }
    std::size_t at = 0;
    while (at < bytes.size()) {
        const auto byte = static_cast<std::uint8_t>(bytes[at]);
        if (phase_ < kRecordHeaderBytes) {
            look_at_header(byte);
            ++at;
        } else if (type_ == kHandshake && message_phase_ < kMessageHeaderBytes) {
            if (announces_too_much(byte)) {
                finding_ = Finding::kTooLong;
                return at;
            }
            skip(1);
            ++at;
        } else {
            const auto here = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size() - at, record_left_));
            const std::uint32_t part = type_ == kHandshake ? std::min(here, message_left_) : here;
            message_left_ -= type_ == kHandshake ? part : 0;
            skip(part);
            at += part;
        }
        if (message_phase_ == kMessageHeaderBytes && message_left_ == 0) {
            message_phase_ = 0;
            has_hello_ = true;
        }
        if (phase_ == 0 || finding_ != Finding::kNothing) {
            return at;
        }
    }
    return at;
}

void HelloWatch::look_at_header(std::uint8_t byte) noexcept {
    if (phase_ == 0) {
        type_ = byte;
    } else if (phase_ >= kRecordHeaderBytes - 2) {
        record_left_ = static_cast<std::uint16_t>(record_left_ << 8 | byte);
    }
    if (++phase_ < kRecordHeaderBytes) {
        return;
    }
    const bool is_out_of_place = type_ == kHandshake ? record_left_ == 0 : !has_hello_ || message_phase_ > 0;
    if (is_out_of_place) {
        finding_ = Finding::kOutOfPlace;
    } else if (record_left_ == 0) {
        phase_ = 0;
    }
}

bool HelloWatch::announces_too_much(std::uint8_t byte) noexcept {
    message_left_ = message_phase_ == 0 ? 0 : message_left_ << 8 | byte;
    ++message_phase_;
    return message_left_ << 8 * (kMessageHeaderBytes - message_phase_) >= kMaxMessageBytes;
}

// Bytes of the record's body.
void HelloWatch::skip(std::uint32_t bytes) noexcept {
    record_left_ = static_cast<std::uint16_t>(record_left_ - bytes);
    if (record_left_ == 0) {
        phase_ = 0;
    }
}

}  // namespace c10k
