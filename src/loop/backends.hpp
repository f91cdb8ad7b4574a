#pragma once

#include "loop/backend.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace c10k {

// The backends of this build. Auto takes io_uring where the kernel allows it, else epoll.
enum class BackendChoice { kAuto, kEpoll, kUring };

struct NamedBackend {
    std::string_view name;
    BackendChoice choice;
};
// The names that a user gives them.
inline constexpr std::array kBackends{
    NamedBackend{"auto", BackendChoice::kAuto},
    NamedBackend{"epoll", BackendChoice::kEpoll},
    NamedBackend{"io_uring", BackendChoice::kUring},
};

[[nodiscard]] constexpr std::string_view name_of(BackendChoice choice) noexcept {
    return std::find_if(kBackends.begin(), kBackends.end(),
                        [choice](const NamedBackend& one) { return one.choice == choice; })
        ->name;
}

// One of these names. Throws std::invalid_argument with a text for a user.
[[nodiscard]] BackendChoice parse_backend(std::string_view name);

// Throws std::system_error with a text for a user; auto only if there is no backend at all.
[[nodiscard]] std::unique_ptr<Backend> make_backend(BackendChoice choice);

// The features of this kernel's io_uring.
struct UringReport {
    std::string refusal;  // why there is none; empty if there is
    bool incremental_buffers = false;
};
[[nodiscard]] UringReport probe_uring();

}  // namespace c10k
