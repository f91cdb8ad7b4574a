#pragma once

#include "c10k/timer.hpp"

#include <cstdint>
#include <string>

namespace c10k::load {

// "1,234,567"
[[nodiscard]] std::string count_text(std::uint64_t count);
// "85 us", "1.23 ms", "12.3 ms", "1.23 s"
[[nodiscard]] std::string time_text(Duration time);
// "640 B", "1.5 kB", "12.0 MB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
// With so many digits behind the point.
[[nodiscard]] std::string decimal_text(double number, int digits);

}  // namespace c10k::load
