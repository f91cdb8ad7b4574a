#pragma once

#include <array>
#include <bit>
#include <cstddef>

namespace c10k {

// Free blocks of memory by size, for blocks that come and go with each message: the C library would search its bins for
// each. At most kMostKept bytes of each size stay here; the C library gets the others.
class BlockPool {
public:
    static constexpr std::size_t kLargest = 4088;            // bytes: larger blocks come from malloc() each time
    static constexpr std::size_t kMostKept = 1024UL * 1024;  // bytes

    BlockPool() = default;
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;
    ~BlockPool() { release(); }

    // The size of a block that is to hold `bytes`: at most 15 bytes or a sixteenth more, and such a size as malloc()
    // wastes nothing of. Requires: bytes > 0.
    static constexpr std::size_t rounded(std::size_t bytes) noexcept {
        const std::size_t step = std::size_t{1} << step_bits(bytes);
        return bytes > kLargest ? bytes : ((bytes + kHeader + step - 1) & ~(step - 1)) - kHeader;
    }

    // A block for `bytes`, aligned for any type. Requires: bytes > 0. Throws std::bad_alloc.
    [[nodiscard]] void* take(std::size_t bytes);
    // Requires: `block` is from a pool or from malloc(), and has at least rounded(bytes) bytes.
    void give(void* block, std::size_t bytes) noexcept;
    // Gives all free blocks back to the C library.
    void release() noexcept;
    // Of its free blocks.
    [[nodiscard]] std::size_t kept_bytes() const noexcept;

private:
    struct Free {
        Free* next;
    };
    struct Shelf {
        Free* first = nullptr;
        std::size_t bytes = 0;
    };

    static constexpr std::size_t kHeader = 8;  // that the C library puts before each block
    static constexpr int kStepBits = 4;        // it aligns blocks to 16 bytes
    // With their headers, blocks of up to 512 bytes are multiples of 16 bytes; beyond that there are sixteen sizes
    // between two powers of two.
    static constexpr int step_bits(std::size_t bytes) noexcept {
        const int bits = static_cast<int>(std::bit_width(bytes + kHeader - 1)) - kStepBits - 1;
        return bits < kStepBits ? kStepBits : bits;
    }
    static constexpr std::size_t shelf_of(std::size_t bytes) noexcept {
        const int bits = step_bits(bytes);
        return static_cast<std::size_t>(bits - kStepBits) * 16 + ((bytes + kHeader - 1) >> bits);
    }

    static constexpr std::size_t kShelves = 16 * (std::bit_width(kLargest) - 7);

    std::array<Shelf, kShelves> shelves_;
};

// Blocks from the pool of the calling thread, which returns its free blocks when the thread ends. Any thread may give a
// block back: it stays with that thread. Without a pool, so that sanitizers see each use of a freed block, where the
// compiler adds them.
//
// Requires and throws what BlockPool does.
[[nodiscard]] void* take_block(std::size_t bytes);
void give_block(void* block, std::size_t bytes) noexcept;
// Moves the first `used` bytes of a block that was taken for `bytes` to one for `wanted`, unless both have the same
// size. `block` may be null, with no bytes. If it throws std::bad_alloc, nothing has changed.
[[nodiscard]] void* resize_block(void* block, std::size_t bytes, std::size_t used, std::size_t wanted);
// Gives the free blocks of the calling thread's pool back to the C library.
void release_free_blocks() noexcept;
// The bytes of these.
[[nodiscard]] std::size_t free_block_bytes() noexcept;

}  // namespace c10k
