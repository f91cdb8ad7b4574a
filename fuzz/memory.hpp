#pragma once

#include <cstddef>
#include <sanitizer/allocator_interface.h>
#include <utility>

namespace c10k::fuzz {

// This thread's memory from malloc() and new, in bytes as they were asked for, since the first call. The fuzzer has a
// thread of its own, which allocates when it likes.
inline std::ptrdiff_t allocated_bytes() {
    static thread_local std::ptrdiff_t bytes = 0;
    [[maybe_unused]] static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t size) { bytes += static_cast<std::ptrdiff_t>(size); },
        [](const volatile void* memory) {
            bytes -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(memory)));
        });
    return bytes;
}

// Counts what an object holds by watching all that is done to it.
class MemoryMeter {
public:
    template <class Step>
    auto watch(Step&& step) {
        const Watch watch{held_};
        return std::forward<Step>(step)();
    }

    [[nodiscard]] std::size_t held() const { return static_cast<std::size_t>(held_); }

private:
    struct Watch {
        std::ptrdiff_t& held;
        std::ptrdiff_t before = allocated_bytes();
        ~Watch() { held += allocated_bytes() - before; }
    };

    std::ptrdiff_t held_ = 0;
};

}  // namespace c10k::fuzz
