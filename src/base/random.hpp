#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace c10k {

// Fills `bytes` from the kernel's cryptographic generator.
//
// Bytes are drawn in advance for each thread, so that a few of them cost nanoseconds; no byte is given out twice,
// not even after fork(). Throws std::system_error if the kernel has no generator.
// Thread: any.
void fill_random(std::span<char> bytes);

// 32 bits of the same.
[[nodiscard]] std::uint32_t random_u32();

// Another generator in the kernel's place, on the thread where it is made and for as long as it lives: for simulations,
// which have to be the same when they are repeated. Several on one thread end in the reverse order.
class ScopedRandomSource {
public:
    explicit ScopedRandomSource(std::function<void(std::span<char>)> fill);
    ~ScopedRandomSource();
    ScopedRandomSource(const ScopedRandomSource&) = delete;
    ScopedRandomSource& operator=(const ScopedRandomSource&) = delete;

    void fill(std::span<char> bytes) const { fill_(bytes); }

private:
    std::function<void(std::span<char>)> fill_;
    const ScopedRandomSource* outer_;
};

}  // namespace c10k
