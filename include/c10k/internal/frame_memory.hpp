#pragma once

#include <cstddef>

namespace c10k::internal {

// Memory for the frame of a coroutine. Frames come and go with each call, so the thread keeps some that are free.
// Throws std::bad_alloc. Thread: any may give back what another has taken.
[[nodiscard]] void* take_frame(std::size_t bytes);
void give_frame(void* frame, std::size_t bytes) noexcept;

}  // namespace c10k::internal
