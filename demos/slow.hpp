#pragma once

#include <c10k/task.hpp>

#include <chrono>
#include <functional>
#include <string>

// How long the user of a program waits in silence before it says for what.
inline constexpr std::chrono::seconds kQuiet{3};
// And after which it says so again, each time.
inline constexpr std::chrono::seconds kQuietAgain{30};

// Awaits `task`, and while that takes longer than kQuiet, says what it waits for: a line on standard output, which is
// `text()` then. Stops. Throws what the task throws.
c10k::Task<> say_if_slow(c10k::Task<> task, std::function<std::string()> text);
