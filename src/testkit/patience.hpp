#pragma once

#include <chrono>

namespace c10k::testkit {

// How long a test waits for the kernel or another thread, in real time. A test that waits longer hangs; one that passes
// never measures it.
inline constexpr std::chrono::milliseconds kPatience{30'000};

}  // namespace c10k::testkit
