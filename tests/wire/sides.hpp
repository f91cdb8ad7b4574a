#pragma once

#include "wire/protocol.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Both ends of a conversation, for the tests of the protocol.
namespace c10k::wire {

using Lines = std::vector<std::string>;

constexpr std::uint32_t kMaxMessage = 1000;

inline std::string code_and_reason(std::string_view payload) {
    if (payload.empty()) {
        return "1005";
    }
    const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    return std::to_string(code) + (payload.size() > 2 ? " " + std::string(payload.substr(2)) : "");
}

// A control frame of ours, read without the code under test. Requires: from a client it is masked, else not.
inline std::string described(std::string_view frame, Role sender) {
    const std::size_t header = sender == Role::kClient ? 6 : 2;
    const auto second = frame.size() < header ? -1 : static_cast<unsigned char>(frame[1]);
    if (second != static_cast<int>((sender == Role::kClient ? 0x80 : 0) | (frame.size() - header))) {
        return "malformed frame";
    }
    std::string payload(frame.substr(header));
    for (std::size_t i = 0; sender == Role::kClient && i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ frame[2 + i % 4]);
    }
    switch (static_cast<unsigned char>(frame[0])) {
        case 0x88: return "close " + code_and_reason(payload);
        case 0x89: return "ping " + payload;
        case 0x8A: return "pong " + payload;
        default: return "unexpected frame";
    }
}

// One side and a transcript of what came out of it.
class Side : public Protocol::Events {
public:
    explicit Side(Role role, WebSocketLimits its_limits = {.max_message_bytes = kMaxMessage})
        : limits(its_limits), protocol(role, limits) {}

    // Each part lies in memory of its exact size, so that a sanitizer sees a step beyond it.
    void receive(std::string_view bytes) {
        std::vector<char> part(bytes.begin(), bytes.end());
        protocol.receive(part, *this);
    }

    void on_message(Message message) override {
        lines.push_back((message.is_text() ? "text " : "binary ") + std::string(message.view()));
        messages.push_back(std::move(message));
    }
    void on_pong(std::string_view payload) override { lines.push_back("pong " + std::string(payload)); }
    void on_reply(std::string_view frame) override {
        lines.push_back("reply " + described(frame, protocol.role()));
        replies += frame;
    }
    void on_close(const CloseInfo& info, Violation its_violation) override {
        const bool failed = protocol.state() == Protocol::State::kFailed;
        violation = its_violation;
        lines.push_back((failed ? "failed " : "closed ") + std::to_string(info.code) +
                        (info.reason.empty() ? "" : " " + info.reason));
    }

    const WebSocketLimits limits;
    Protocol protocol;
    Lines lines;
    std::vector<Message> messages;
    std::string replies;
    Violation violation;
};

// Makes the frames that the peer of one side sends, without the code under test.
class FrameMaker {
public:
    explicit FrameMaker(Role of) : masks_(of == Role::kServer) {}
    [[nodiscard]] FrameMaker of_other_side() const { return FrameMaker(masks_ ? Role::kClient : Role::kServer); }

    // A whole frame: the first byte as it is on the wire, and the shortest length.
    [[nodiscard]] std::string frame(int first, std::string_view payload) const {
        const auto size = static_cast<unsigned>(payload.size());
        const std::string length =
            size < 126 ? std::string{char(size)} : std::string{"\x7E"} + char(size >> 8) + char(size);
        return header(first, length) + masked(payload);
    }
    [[nodiscard]] std::string header(int first, std::string_view length) const {
        std::string bytes = char(first) + std::string(length);
        bytes[1] = static_cast<char>(bytes[1] | (masks_ ? 0x80 : 0));
        return bytes + std::string(masks_ ? kKey : "");
    }
    [[nodiscard]] std::string masked(std::string_view payload) const {
        std::string bytes;
        for (std::size_t i = 0; i < payload.size(); ++i) {
            bytes += static_cast<char>(payload[i] ^ (masks_ ? kKey[i % 4] : 0));
        }
        return bytes;
    }
    [[nodiscard]] std::string text(std::string_view payload) const { return frame(0x81, payload); }
    [[nodiscard]] std::string ping(std::string_view payload) const { return frame(0x89, payload); }
    [[nodiscard]] std::string close(int code, std::string_view reason = {}) const {
        return frame(0x88, std::string{char(code >> 8), char(code)} + std::string(reason));
    }

private:
    static constexpr std::string_view kKey = "\x37\xfa\x21\x3d";
    bool masks_;
};

// Joins what a failure makes of both sides into one line.
inline Lines with_failures(const Lines& lines) {
    Lines joined;
    for (const std::string& line : lines) {
        if (line.starts_with("failed ") && !joined.empty() && joined.back() == "reply close " + line.substr(7) &&
            line.size() > std::string_view("failed 1002 ").size()) {
            joined.back() = "fails " + line.substr(7, 4);
        } else {
            joined.push_back(line);
        }
    }
    return joined;
}

// The same bytes in parts.
inline std::vector<std::string_view> cut(std::string_view bytes, const std::function<std::size_t()>& next_size) {
    std::vector<std::string_view> parts;
    while (!bytes.empty()) {
        parts.push_back(bytes.substr(0, next_size()));
        bytes.remove_prefix(parts.back().size());
    }
    return parts;
}

}  // namespace c10k::wire
