#pragma once

#include "web/explanation.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace c10k {

// A build that is running.
struct RunningBuild {
    std::string file = {};      // the last that was compiled, "chat/chat.cpp"; "" until there is one
    unsigned done = 0;          // steps of the build
    unsigned total = 0;         // 0 until the build tool says so
    std::int64_t began_ms = 0;  // by the steady clock, which all processes of this machine share
    std::int64_t usual_ms = 0;  // how long builds took; 0 if there was none
};

// The state of a program under development, as its open pages have to know it.
struct ReloadState {
    std::uint64_t program = 0;  // the number of the program that serves, counted up with each new one
    std::uint64_t pages = 0;    // counted up with each change of a template or script
    std::uint64_t styles = 0;   // and of a style sheet
    std::int64_t took_ms = 0;   // from the last change until it was in force
    std::optional<RunningBuild> building = {};
    Explanation explanation = {};  // why the last change is not in force

    // {"program": 3, ...}
    [[nodiscard]] std::string to_json() const;
    // Throws std::exception if it is none.
    static ReloadState from_json(const std::string& text);
};

// The state, where runserver writes it and the programs that it starts read it: a file in memory that they inherit.
class ReloadStatus {
public:
    // A new one. Throws std::system_error.
    ReloadStatus();
    // One that exists; `descriptor` remains the caller's. Throws std::system_error.
    explicit ReloadStatus(int descriptor);
    ~ReloadStatus();
    ReloadStatus(const ReloadStatus&) = delete;
    ReloadStatus& operator=(const ReloadStatus&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    void write(const ReloadState& state);
    // Nothing if it is just being written.
    [[nodiscard]] std::optional<ReloadState> read() const;
    // The same as to_json() has made it: for a reader that only wants to know whether it has changed.
    [[nodiscard]] std::optional<std::string> read_json() const;

private:
    int descriptor_;
    std::uint64_t edition_ = 0;
};

}  // namespace c10k
