#pragma once

#include "web/reload_status.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// What a line of a build tool says of its progress: "[2/3] Building CXX object ..." of Ninja, "[ 66%] ..." of Make.
struct BuildProgress {
    unsigned done = 0;
    unsigned total = 0;
    std::string file = {};  // that is compiled, "chat/chat.cpp"; "" if the line names none
};

// Nothing if the line says nothing of it.
[[nodiscard]] std::optional<BuildProgress> read_progress(std::string_view line);

// How far a build is, and how long builds usually take: the median of the last that succeeded.
class BuildMeter {
public:
    void begin();
    // Returns whether what the build has printed tells of progress.
    bool add(std::string_view printed);
    enum class End { kSucceeded, kFailed };
    void end(End how);

    // Nothing unless a build runs.
    [[nodiscard]] const std::optional<RunningBuild>& now() const noexcept { return now_; }

private:
    [[nodiscard]] std::int64_t usual_ms() const;

    std::optional<RunningBuild> now_;
    std::chrono::steady_clock::time_point began_;
    std::vector<std::int64_t> took_ms_;  // the last builds
};

}  // namespace c10k
