#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace c10k {

// What a program under development leaves when a signal ends it: the stack of the thread that got the signal. Addresses
// are those of the program's file where they lie in it, and 0 elsewhere, such as in libraries.
struct CrashNote {
    static constexpr std::size_t kMaxFrames = 48;

    int signal = 0;
    std::uint64_t address = 0;  // that the program could not access; 0 for other signals
    std::uint64_t count = 0;
    std::array<std::uint64_t, kMaxFrames> frames = {};  // innermost first
};

// The environment by which runserver passes the descriptor of a file for the note.
inline constexpr const char* kCrashVariable = "C10K_RELOAD_CRASH";

// From now on a signal that ends this process leaves a note there first. Signals that have a handler already keep it. A
// stack that overflows leaves a note on this thread only.
void note_crashes(int descriptor) noexcept;

// The note in a file; nothing if there is none.
[[nodiscard]] std::optional<CrashNote> read_crash_note(int descriptor);

}  // namespace c10k
