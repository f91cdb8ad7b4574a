#pragma once

#include <c10k/task.hpp>

#include <chrono>
#include <functional>
#include <string>

// How long a program waits in silence before it tells its user what it waits for.
inline constexpr std::chrono::seconds kFirstNotice{3};
// How long after that it says so again, each time.
inline constexpr std::chrono::seconds kNextNotice{30};

// Awaits `task`. While that takes longer than kFirstNotice, prints what it waits for on standard output: the line that
// `text()` returns then. Stops. Throws what the task throws.
c10k::Task<> say_if_slow(c10k::Task<> task, std::function<std::string()> text);
