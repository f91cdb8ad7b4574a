#pragma once

#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"

namespace c10k {

// run() of task.hpp, on a loop that is already there.
void run(Loop& loop, Task<> main);

}  // namespace c10k
