#pragma once

#include "web/recording.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace c10k {

// A recording, read and checked: its events are in the order in which the server had them, and each belongs to a
// WebSocket that was opened before.
struct Recording {
    std::string file;
    std::vector<RecordedEvent> events;  // until the server was told to end
    std::string cut;                    // why the rest is missing, or ""
    std::uint64_t sockets = 0;
    std::uint64_t most_open = 0;  // WebSockets at a time

    // "FILE:LINE" of an event.
    [[nodiscard]] std::string place(std::size_t event) const { return file + ':' + std::to_string(event + 2); }
};

// Reads a file, or the latest one of a folder. Throws CommandError with the file and the line of what is wrong.
[[nodiscard]] Recording read_recording(const std::filesystem::path& path);

}  // namespace c10k
