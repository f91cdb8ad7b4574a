#pragma once

#include "loop/backend.hpp"

#include <memory>
#include <string_view>

namespace c10k {

// The backends of this build. Auto takes the best that works here.
enum class BackendChoice { kAuto, kEpoll };

// "auto" or "epoll". Throws std::invalid_argument with a text for a user.
[[nodiscard]] BackendChoice parse_backend(std::string_view name);

// Throws std::system_error.
[[nodiscard]] std::unique_ptr<Backend> make_backend(BackendChoice choice);

}  // namespace c10k
