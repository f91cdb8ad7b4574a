#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a recording consists of, and how it stands in a file: docs/reference/recordings.md.
namespace c10k {

struct RecordedEvent {
    enum class Kind : std::uint8_t {
        kOpened,    // text: the target of the handshake's request
        kReceived,  // text: the payload of a message of the client
        kSent,      // text: that of a message of the view
        kRelayed,   // text: that of a message of a group or a handle
        kLeft,      // the client has closed it (1006: or was lost). text: the reason
        kClosed,    // the server has. text: the reason
        kDropped,   // bytes: how many messages the client has not got, since it was too slow
        kCut,       // the rest of it is not in the recording. text: why
        kStopping,  // the server was told to end
    };

    Kind kind = Kind::kOpened;
    std::uint64_t socket = 0;  // counted from 1; 0: of all
    std::chrono::microseconds at{0};
    std::string text = {};
    bool is_binary = false;
    bool is_redacted = false;                           // "[redacted]" stands for something in its text
    std::optional<std::uint64_t> bytes = std::nullopt;  // instead of a payload that was left out
    std::uint16_t code = 0;                             // of kLeft and kClosed
    std::string route = {};                             // of kOpened
    std::string subprotocol = {};                       // the one agreed on
    std::vector<std::string> offered = {};              // subprotocols
};

// What a line takes besides its text, about.
inline constexpr std::uint64_t kLineBytes = 64;

inline constexpr std::string_view kRedacted = "[redacted]";

// The first line of a file.
[[nodiscard]] std::string recording_head(std::string_view began);
// Throws std::runtime_error if `line` is not the first line of a recording that this version reads.
void check_recording_head(std::string_view line);

// An event as a line, with its end.
[[nodiscard]] std::string to_line(const RecordedEvent& event);
// Throws std::runtime_error with what is wrong with the line.
[[nodiscard]] RecordedEvent parse_event(std::string_view line);

}  // namespace c10k
