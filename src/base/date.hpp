#pragma once

#include <chrono>
#include <string>

namespace c10k {

// "Sun, 06 Nov 1994 08:49:37 GMT", for Date and Last-Modified (RFC 9110, 5.6.7).
[[nodiscard]] std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace c10k
