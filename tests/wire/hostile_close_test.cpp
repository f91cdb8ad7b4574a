// Row 68 (docs/reference/hostile-input.md): no byte of a close frame is old memory.

#include "wire/protocol.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>

namespace c10k::wire {
namespace {

constexpr std::size_t kMaxReason = 123;  // bytes (RFC 6455, 5.5)

// The bytes that a server must send, written without the code under test.
std::string expected_close(std::uint16_t code, std::string_view reason) {
    reason = reason.substr(0, kMaxReason);
    std::string frame{'\x88', static_cast<char>(2 + reason.size())};
    frame += static_cast<char>(code >> 8);
    frame += static_cast<char>(code & 0xff);
    return frame.append(reason);
}

// The same, with a client's mask taken off. Requires: it is masked.
std::string unmasked(std::string_view frame) {
    std::string bytes{frame.substr(0, 2)};
    bytes[1] = static_cast<char>(bytes[1] & 0x7f);
    for (std::size_t i = 6; i < frame.size(); ++i) {
        bytes += static_cast<char>(frame[i] ^ frame[2 + (i - 6) % 4]);
    }
    return bytes;
}

// A protocol in memory that was full of something else.
class InUsedMemory {
public:
    explicit InUsedMemory(Role role) {
        std::fill(memory_.begin(), memory_.end(), '\xa5');
        protocol_ = std::construct_at(reinterpret_cast<Protocol*>(memory_.data()), role);
    }
    InUsedMemory(const InUsedMemory&) = delete;
    InUsedMemory& operator=(const InUsedMemory&) = delete;
    ~InUsedMemory() { std::destroy_at(protocol_); }

    Protocol* operator->() noexcept { return protocol_; }

private:
    alignas(Protocol) std::array<char, sizeof(Protocol)> memory_;
    Protocol* protocol_ = nullptr;
};

// Keeps what must be sent to the peer.
class Replies final : public Protocol::Events {
public:
    void on_message(Message /*message*/) override {}
    void on_pong(std::string_view /*payload*/) override {}
    void on_reply(std::string_view frame) override { bytes += frame; }
    void on_close(const CloseInfo& close, Violation /*violation*/) override { info = close; }

    std::string bytes;
    CloseInfo info;
};

std::string reply_to(std::string frame) {
    InUsedMemory server{Role::kServer};
    Replies replies;
    server->receive(frame, replies);
    return replies.bytes;
}

std::string masked_frame(int first, std::string_view payload) {
    constexpr std::string_view kMask = "\x11\x22\x33\x44";
    std::string frame{static_cast<char>(first), static_cast<char>(0x80 | payload.size())};
    frame += kMask;
    for (std::size_t i = 0; i < payload.size(); ++i) {
        frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
    }
    return frame;
}

TEST(HostileClose, Row68OurCloseFramesHaveTheirCodeAndReasonAndNothingElse) {
    for (const std::uint16_t code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 3000, 4999}) {
        for (std::size_t size = 0; size <= kMaxReason + 5; ++size) {
            const std::string reason(size, 'r');
            InUsedMemory server{Role::kServer};
            EXPECT_EQ(server->close(code, reason).view(), expected_close(code, reason)) << code << ' ' << size;
            InUsedMemory client{Role::kClient};
            EXPECT_EQ(unmasked(client->close(code, reason).view()), expected_close(code, reason))
                << code << ' ' << size;
        }
    }
}

TEST(HostileClose, Row68AnswersToACloseHaveItsCodeAndNothingElse) {
    EXPECT_EQ(reply_to(masked_frame(0x88, "")), std::string("\x88\x00", 2));
    for (const std::uint16_t code : {1000, 1001, 1011, 3000, 4999}) {
        for (std::size_t size = 0; size <= kMaxReason; ++size) {
            const std::string payload = expected_close(code, std::string(size, 'r')).substr(2);
            EXPECT_EQ(reply_to(masked_frame(0x88, payload)), expected_close(code, ""));
        }
    }
}

TEST(HostileClose, Row68TheCloseFrameOfAnErrorIsWhatTheViewIsTold) {
    for (const std::string& error :
         {masked_frame(0x83, "x"), masked_frame(0x80, "x"), masked_frame(0x81, "\xff"), masked_frame(0x09, ""),
          masked_frame(0xc1, "x"), masked_frame(0x88, "\x03"), masked_frame(0x88, "\x03\xed"), std::string("\x81\x01x"),
          std::string("\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff", 10)}) {
        InUsedMemory server{Role::kServer};
        Replies replies;
        std::string bytes = error;
        server->receive(bytes, replies);
        EXPECT_EQ(server->state(), Protocol::State::kFailed);
        EXPECT_EQ(replies.bytes, expected_close(replies.info.code, replies.info.reason));
        EXPECT_FALSE(replies.info.reason.empty());
    }
}

}  // namespace
}  // namespace c10k::wire
