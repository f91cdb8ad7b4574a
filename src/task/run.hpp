#pragma once

#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"

namespace c10k {

// run() of task.hpp, on a loop that is already there. SIGUSR2 stops it, too: another program has taken its place.
void run(Loop& loop, Task<> main);

// The signal that has stopped such a run(): SIGINT, SIGTERM or SIGUSR2; 0 if none has. Thread: any.
[[nodiscard]] int stop_signal() noexcept;

// The same, but it is `scope` that stops it, and no signal.
void run(Loop& loop, Task<> main, StopScope& scope);

}  // namespace c10k
