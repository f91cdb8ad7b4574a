#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace c10k {

// The state of a program under development, as its open pages have to know it.
struct ReloadState {
    // A mistake, and its place in a source file, "src/chat.cpp:12:5" or "".
    struct Problem {
        std::string place;
        std::string text;
    };

    std::uint64_t program = 0;  // the number of the program that serves, counted up with each new one
    std::uint64_t pages = 0;    // counted up with each change of a template or script
    std::uint64_t styles = 0;   // and of a style sheet
    std::string heading = {};   // why the last change is not in force; "" if it is
    std::vector<Problem> problems = {};

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

private:
    int descriptor_;
    std::uint64_t edition_ = 0;
};

}  // namespace c10k
