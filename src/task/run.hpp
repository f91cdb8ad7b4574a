#pragma once

#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"

namespace c10k {

// run() of task.hpp, on an existing loop. SIGUSR2 stops it, too: another program has taken its place.
void run(Loop& loop, Task<> main);

// The signal that has stopped such a run(): SIGINT, SIGTERM or SIGUSR2; 0 if none has. Thread: any.
[[nodiscard]] int stop_signal() noexcept;

// The same, but `scope` stops it, and no signal does.
void run(Loop& loop, Task<> main, StopScope& scope);

}  // namespace c10k
