#pragma once

#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"

namespace c10k {

// run() of task.hpp, on a loop that is already there.
void run(Loop& loop, Task<> main);

// The same, but it is `scope` that stops it, and no signal.
void run(Loop& loop, Task<> main, StopScope& scope);

}  // namespace c10k
