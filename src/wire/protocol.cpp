#include "wire/protocol.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k::wire {
namespace {

// Ten thousand connections hold ten thousand of these.
static_assert(sizeof(Protocol) <= 72);

constexpr WebSocketLimits kDefaultLimits;

constexpr std::size_t kCodeBytes = 2;

std::string_view text_of(std::span<char> bytes) { return {bytes.data(), bytes.size()}; }

// A close frame's payload (RFC 6455, 5.5.1). Requires: at most 123 bytes of reason.
ControlFrame close_frame(Role sender, std::uint16_t code, std::string_view reason) {
    std::array<char, kMaxControlBytes> payload;
    payload[0] = static_cast<char>(code >> 8);
    payload[1] = static_cast<char>(code);
    reason.copy(payload.data() + kCodeBytes, reason.size());
    return {sender, Opcode::kClose, {payload.data(), kCodeBytes + reason.size()}};
}

}  // namespace

Protocol::Protocol(Role role) : Protocol(role, kDefaultLimits) {}

Protocol::Protocol(Role role, const WebSocketLimits& limits) : limits_(limits), role_(role) {
    if (limits.max_message_bytes > Message::kMaxSize) {
        throw std::invalid_argument("max_message_bytes is larger than a message can be");
    }
    if (limits.max_fragments > kMaxFragments) {
        throw std::invalid_argument("max_fragments is more than can be counted");
    }
}

void Protocol::receive(std::span<char> bytes, Events& events) {
    while (!bytes.empty() && (state_ == State::kOpen || state_ == State::kClosing)) {
        if (is_paused_) {
            kept().unread.append(bytes.data(), bytes.size());
            return;
        }
        bytes = left_bytes_ == 0 ? receive_header(bytes, events) : receive_payload(bytes, events);
    }
}

std::span<char> Protocol::receive_header(std::span<char> bytes, Events& events) {
    const std::size_t kept = header_bytes_;
    std::string_view arrived = text_of(bytes.first(std::min(bytes.size(), header_.size() - kept)));
    if (kept > 0) {
        arrived.copy(header_.data() + kept, arrived.size());
        arrived = {header_.data(), kept + arrived.size()};
    }

    const FrameHeader header(arrived);
    if (const Violation violation = find_violation(header); violation) {
        fail(violation, events);
        return {};
    }
    if (!header.is_whole()) {
        if (kept == 0) {
            arrived.copy(header_.data(), arrived.size());
        }
        header_bytes_ = static_cast<std::uint8_t>(arrived.size());
        return {};
    }
    header_bytes_ = 0;
    begin_frame(header);
    if (left_bytes_ == 0) {
        if (is_control(opcode_)) {
            end_control({}, events);
        } else {
            end_data(events);
        }
    }
    return bytes.subspan(header.size() - kept);
}

// Checks each byte as soon as it is there, in order: the result must not depend on how the bytes were cut.
Violation Protocol::find_violation(const FrameHeader& header) const noexcept {
    if (!header.has_first()) {
        return Violation::kNone;
    }
    const Opcode opcode = header.opcode();
    const bool may_be_compressed = deflate_ && (opcode == Opcode::kText || opcode == Opcode::kBinary);
    if (header.has_reserved_bits() && !(header.is_compressed() && may_be_compressed)) {  // RFC 6455, 5.2; RFC 7692, 6
        return Violation::kReservedBits;
    }
    if (is_reserved(opcode)) {
        return Violation::kReservedOpcode;
    }
    if (is_control(opcode) && !header.is_final()) {
        return Violation::kFragmentedControl;
    }
    const bool is_inside_message = message_opcode_ != Opcode::kContinuation;
    if (!is_control(opcode) && (opcode == Opcode::kContinuation) != is_inside_message) {
        return is_inside_message ? Violation::kUnexpectedMessage : Violation::kUnexpectedContinuation;
    }
    if (opcode == Opcode::kContinuation && fragments_ >= limits_.max_fragments) {
        return Violation::kTooManyFragments;  // they may be empty: bytes are not all that is counted
    }

    if (!header.has_second()) {
        return Violation::kNone;
    }
    if (header.is_masked() != (role_ == Role::kServer)) {
        return role_ == Role::kServer ? Violation::kUnmaskedFrame : Violation::kMaskedFrame;
    }
    if (is_control(opcode) && header.short_length() > kMaxControlBytes) {
        return Violation::kLongControl;
    }

    if (!header.has_length()) {
        return Violation::kNone;
    }
    if (header.length() >> 63 != 0) {
        return Violation::kLongLength;
    }
    if (header.is_length_padded()) {
        return Violation::kPaddedLength;
    }
    if (!is_control(opcode) && header.length() > most_payload(header)) {
        return Violation::kMessageTooBig;
    }
    const bool is_fragment = !is_control(opcode) && (is_inside_message || !header.is_final());
    if (is_fragment && limits_.max_fragment_bytes != 0 && header.length() > limits_.max_fragment_bytes) {
        return Violation::kFragmentTooBig;
    }
    return Violation::kNone;
}

std::uint64_t Protocol::most_payload(const FrameHeader& header) const noexcept {
    const std::uint64_t most = limits_.max_message_bytes;
    const bool is_compressed = header.opcode() == Opcode::kContinuation ? is_compressed_ : header.is_compressed();
    // Compressed, a message may be larger than it was, but by that much only if it was done badly.
    constexpr std::uint64_t kMaxOverhead = 1024;
    return is_compressed ? most + most / 8 + kMaxOverhead : most - message_.size();
}

void Protocol::begin_frame(const FrameHeader& header) noexcept {
    opcode_ = header.opcode();
    final_ = header.is_final();
    key_ = header.key();
    left_bytes_ = static_cast<std::uint32_t>(header.length());
    if (opcode_ == Opcode::kContinuation) {
        ++fragments_;
    } else if (!is_control(opcode_)) {
        message_opcode_ = opcode_;
        is_compressed_ = header.is_compressed();
        fragments_ = 1;
    }
}

std::span<char> Protocol::receive_payload(std::span<char> bytes, Events& events) {
    const std::span<char> part = bytes.first(std::min<std::size_t>(bytes.size(), left_bytes_));
    if (is_control(opcode_)) {
        receive_control(part, events);
    } else {
        receive_data(part, events);
    }
    return bytes.subspan(part.size());
}

void Protocol::receive_data(std::span<char> part, Events& events) {
    if (state_ == State::kOpen) {
        const std::size_t before = message_.size();
        auto result = Inflater::Result::kGood;
        if (is_compressed_) {
            key_.apply(text_of(part), part.data());
            result = deflate_->inflate(text_of(part), message_, limits_.max_message_bytes);
        } else {
            message_.append(text_of(part), key_, final_ ? message_.size() + left_bytes_ : limits_.max_message_bytes);
        }
        if (const Violation violation = check_message(result, before); violation) {
            return fail(violation, events);
        }
    }
    key_ = key_.after(part.size());
    left_bytes_ -= static_cast<std::uint32_t>(part.size());
    if (left_bytes_ == 0) {
        end_data(events);
    }
}

// Checks inflated bytes in the order in which they were sent: a fault of the text comes before one behind it.
Violation Protocol::check_message(Inflater::Result result, std::size_t before) {
    if (message_opcode_ == Opcode::kText) {
        const std::string_view unchecked = message_.view().substr(before - unchecked_bytes_);
        const auto checked = whole_utf8(unchecked);
        if (!checked) {
            return Violation::kTextNotUtf8;
        }
        unchecked_bytes_ = static_cast<std::uint8_t>(unchecked.size() - *checked);
    }
    switch (result) {
        case Inflater::Result::kCorrupt: return Violation::kCorruptCompression;
        case Inflater::Result::kTooBig: return Violation::kMessageTooBig;
        default: return Violation::kNone;
    }
}

void Protocol::end_data(Events& events) {
    if (!final_) {
        return;
    }
    if (is_compressed_ && state_ == State::kOpen) {
        const std::size_t before = message_.size();
        const Violation violation = check_message(deflate_->end_message(message_, limits_.max_message_bytes), before);
        if (violation) {
            return fail(violation, events);
        }
    }
    const Opcode opcode = std::exchange(message_opcode_, Opcode::kContinuation);
    if (state_ != State::kOpen) {
        return;
    }
    if (opcode == Opcode::kText && unchecked_bytes_ != 0) {
        return fail(Violation::kTextCut, events);
    }
    events.on_message(message_.finish(opcode == Opcode::kText ? Message::Kind::kText : Message::Kind::kBinary));
}

void Protocol::receive_control(std::span<char> part, Events& events) {
    key_.apply(text_of(part), part.data());
    key_ = key_.after(part.size());
    left_bytes_ -= static_cast<std::uint32_t>(part.size());
    if (left_bytes_ == 0 && control_bytes_ == 0) {
        return end_control(text_of(part), events);
    }

    text_of(part).copy(kept().control.data() + control_bytes_, part.size());
    control_bytes_ += static_cast<std::uint8_t>(part.size());
    if (left_bytes_ == 0) {
        const auto payload = std::move(kept_);
        end_control({payload->control.data(), std::exchange(control_bytes_, std::uint8_t{0})}, events);
    }
}

void Protocol::end_control(std::string_view payload, Events& events) {
    if (opcode_ == Opcode::kClose) {
        receive_close(payload, events);
    } else if (state_ != State::kOpen) {
        // After our close frame we may send nothing, and the peer waits for no pong.
    } else if (opcode_ == Opcode::kPing) {
        events.on_reply(ControlFrame(role_, Opcode::kPong, payload).view());
    } else {
        events.on_pong(payload);
    }
}

void Protocol::receive_close(std::string_view payload, Events& events) {
    CloseInfo info{.code = CloseCode::kNoStatus, .reason = {}};
    if (!payload.empty()) {
        if (payload.size() < kCodeBytes) {
            return fail(Violation::kHalfCloseCode, events);
        }
        info.code = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[0]) << 8 |
                                               static_cast<std::uint8_t>(payload[1]));
        info.reason = payload.substr(kCodeBytes);
        if (!CloseCode::is_sendable(info.code)) {
            return fail(Violation::kInvalidCloseCode, events);
        }
        if (!is_utf8(info.reason)) {
            return fail(Violation::kReasonNotUtf8, events);
        }
    }
    forget_message();
    if (std::exchange(state_, State::kClosed) == State::kOpen) {
        // The answer repeats the code, or its absence (RFC 6455, 5.5.1).
        events.on_reply(ControlFrame(role_, Opcode::kClose, payload.substr(0, kCodeBytes)).view());
    }
    events.on_close(info, Violation::kNone);
}

void Protocol::fail(Violation violation, Events& events) {
    forget_message();
    if (std::exchange(state_, State::kFailed) == State::kOpen) {
        events.on_reply(close_frame(role_, violation.code(), violation.text()).view());
    }
    events.on_close({.code = violation.code(), .reason = std::string{violation.text()}}, violation);
}

void Protocol::resume(Events& events) {
    is_paused_ = false;
    if (!kept_) {
        return;
    }
    std::string unread = std::move(kept_->unread);
    if (control_bytes_ == 0) {
        kept_.reset();
    }
    receive(unread, events);
}

Protocol::Kept& Protocol::kept() {
    if (!kept_) {
        kept_ = std::make_unique<Kept>();
    }
    return *kept_;
}

void check_close(std::uint16_t code, std::string_view reason) {
    if (!CloseCode::is_sendable(code)) {
        throw std::invalid_argument("close(): a close frame may not carry the code " + std::to_string(code));
    }
    if (!is_utf8(reason)) {
        throw std::invalid_argument("close(): a close reason must be UTF-8");
    }
}

ControlFrame Protocol::close(std::uint16_t code, std::string_view reason) {
    check_close(code, reason);
    if (state_ != State::kOpen) {
        return {};
    }
    state_ = State::kClosing;
    forget_message();
    return close_frame(role_, code, cut_utf8(reason, kMaxControlBytes - kCodeBytes));
}

ControlFrame Protocol::ping(std::string_view payload) const {
    return state_ == State::kOpen ? ControlFrame(role_, Opcode::kPing, payload) : ControlFrame{};
}

std::size_t Protocol::held_bytes() const noexcept {
    return message_.held_bytes() + (kept_ == nullptr ? 0 : sizeof(Kept));
}

// Keeps its opcode: while we are closing, the peer may go on with it.
void Protocol::forget_message() noexcept {
    message_.clear();
    unchecked_bytes_ = 0;
    if (deflate_) {
        deflate_->forget_message();
    }
}

}  // namespace c10k::wire
