#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k::fuzz {

// One side of a conversation.
struct Setting {
    bool is_server = true;
    std::size_t max_message = 0;
    // Our side begins the closing handshake after so many lines of the transcript.
    std::optional<std::size_t> closes_after;
};

// What must come out of one side when these bytes come in, byte by byte and as simply as RFC 6455 can be read:
//
//     text ..., binary ..., pong ...    a whole message, a pong
//     reply pong ...                    a frame that goes to the peer
//     reply close CODE
//     closed CODE ..., failed CODE      the last line
class ProtocolModel {
public:
    explicit ProtocolModel(const Setting& setting) : setting_(setting) { close_if_time(); }

    void read(std::string_view bytes) {
        size_ = bytes.size();
        bytes_ = bytes;
        while (!ended_ && !bytes_.empty()) {
            read_frame();
        }
    }

    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    // How many of the lines must be there when so many bytes have arrived.
    [[nodiscard]] std::size_t lines_after(std::size_t arrived) const {
        return std::upper_bound(needed_.begin(), needed_.end(), arrived) - needed_.begin();
    }

private:
    using Byte = unsigned char;

    // The next byte; none at the end of the stream.
    std::optional<Byte> next() {
        if (bytes_.empty()) {
            return std::nullopt;
        }
        const auto byte = static_cast<Byte>(bytes_.front());
        bytes_.remove_prefix(1);
        return byte;
    }

    void read_frame() {
        const auto first = next();
        const int opcode = *first % 16;
        const bool is_final = *first >= 128;
        const bool is_control = opcode >= 8;
        if (*first / 16 % 8 != 0 || (opcode > 2 && opcode < 8) || opcode > 10 || (is_control && !is_final)) {
            return fail(1002);
        }
        if (!is_control && (opcode == 0) == message_opcode_.empty()) {
            return fail(1002);
        }

        const auto second = next();
        if (!second) {
            return;
        }
        const bool is_masked = *second >= 128;
        std::uint64_t length = *second % 128;
        if (is_masked != setting_.is_server || (is_control && length > 125)) {
            return fail(1002);
        }
        if (length > 125) {
            const bool is_long = length == 127;
            length = 0;
            for (int i = 0; i < (is_long ? 8 : 2); ++i) {
                const auto byte = next();
                if (!byte) {
                    return;
                }
                length = length * 256 + *byte;
            }
            if (length < (is_long ? 65536 : 126) || length >= std::uint64_t{1} << 63) {
                return fail(1002);
            }
        }
        if (!is_control && length > setting_.max_message - message_.size()) {
            return fail(1009);
        }

        Byte key[4] = {};
        for (int i = 0; is_masked && i < 4; ++i) {
            const auto byte = next();
            if (!byte) {
                return;
            }
            key[i] = *byte;
        }
        if (opcode == 1 || opcode == 2) {
            message_opcode_ = opcode == 1 ? "text" : "binary";
        }

        std::string control;
        for (std::uint64_t i = 0; i < length; ++i) {
            const auto byte = next();
            if (!byte) {
                return;
            }
            const auto unmasked = static_cast<Byte>(*byte ^ key[i % 4]);
            if (is_control) {
                control += static_cast<char>(unmasked);
            } else if (!closing_) {
                message_ += static_cast<char>(unmasked);
                if (message_opcode_ == "text" && !text_.take(unmasked)) {
                    return fail(1007);
                }
            }
        }
        if (is_control) {
            end_control(opcode, control);
        } else if (is_final) {
            end_message();
        }
    }

    void end_message() {
        if (!closing_) {
            if (!text_.is_whole()) {
                return fail(1007);
            }
            const std::string line = message_opcode_ + ' ' + message_;
            message_opcode_.clear();
            message_.clear();
            return add(line);
        }
        message_opcode_.clear();
    }

    void end_control(int opcode, const std::string& payload) {
        if (opcode == 8) {
            return end_close(payload);
        }
        if (!closing_) {
            add((opcode == 9 ? "reply pong " : "pong ") + payload);
        }
    }

    void end_close(const std::string& payload) {
        int code = 1005;
        if (!payload.empty()) {
            code = payload.size() == 1 ? 0 : static_cast<Byte>(payload[0]) * 256 + static_cast<Byte>(payload[1]);
            // RFC 6455, 7.4, and the IANA registry.
            if (!((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000))) {
                return fail(1002);
            }
            Text reason;
            for (std::size_t i = 2; i < payload.size(); ++i) {
                if (!reason.take(static_cast<Byte>(payload[i]))) {
                    return fail(1007);
                }
            }
            if (!reason.is_whole()) {
                return fail(1007);
            }
        }
        send_close(code);
        ended_ = true;
        add("closed " + std::to_string(code) + ' ' + payload.substr(payload.empty() ? 0 : 2));
    }

    void fail(int code) {
        send_close(code);
        ended_ = true;
        add("failed " + std::to_string(code));
    }

    // Unless our close frame has gone already.
    void send_close(int code) {
        if (!closing_) {
            closing_ = true;
            message_.clear();
            text_ = {};
            add("reply close " + std::to_string(code));
        }
    }

    void add(std::string line) {
        lines_.push_back(std::move(line));
        needed_.push_back(size_ - bytes_.size());
        close_if_time();
    }

    void close_if_time() {
        if (lines_.size() == setting_.closes_after) {
            send_close(1001);
        }
    }

    // UTF-8, one byte after the other (RFC 3629, 4).
    class Text {
    public:
        bool take(Byte byte) {
            if (missing_ > 0) {
                const bool continues = byte >= lowest_ && byte <= highest_;
                lowest_ = 0x80;
                highest_ = 0xBF;
                --missing_;
                return continues;
            }
            missing_ = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
            lowest_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
            highest_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
            return byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4);
        }
        [[nodiscard]] bool is_whole() const { return missing_ == 0; }

    private:
        int missing_ = 0;
        Byte lowest_ = 0x80;
        Byte highest_ = 0xBF;
    };

    const Setting setting_;
    std::size_t size_ = 0;
    std::string_view bytes_;  // those that are left of `size_`
    std::vector<std::string> lines_;
    std::vector<std::size_t> needed_;  // bytes before each line
    std::string message_opcode_;       // of the message that is arriving: "text", "binary" or none
    std::string message_;
    Text text_;
    bool closing_ = false;  // our close frame has gone
    bool ended_ = false;
};

}  // namespace c10k::fuzz
