#pragma once

#include "base/memory.hpp"
#include "c10k/timer.hpp"

#include <chrono>

namespace c10k {

// Gives free memory back to the system soon after much has become free; otherwise the allocator would keep the memory
// that ten thousand connections needed.
class MemoryTrimmer final : private Timer {
public:
    // To be told that a connection has ended, or one that was far behind has taken all.
    void soon() {
        constexpr std::chrono::seconds kDelay{1};
        if (!is_running()) {
            start(kDelay);
        }
    }

private:
    void on_time() override { release_free_memory(); }
};

}  // namespace c10k
