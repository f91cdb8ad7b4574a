#include "base/block_pool.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

namespace c10k {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPoolsBlocks = false;
#elif defined(__has_feature)
// NOLINTNEXTLINE(misc-redundant-expression): without a sanitizer both sides are 1
constexpr bool kPoolsBlocks = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kPoolsBlocks = true;
#endif

void* allocate(std::size_t bytes) {
    void* const block = std::malloc(bytes);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

// A pointer to the pool of the thread, which needs neither a constructor nor a destructor: objects that the thread
// destroys after its pool give blocks back, too.
constinit thread_local BlockPool* pool = nullptr;
constinit thread_local bool has_ended = false;

struct ThreadPool {
    BlockPool blocks;

    ThreadPool() noexcept { pool = &blocks; }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool() {
        pool = nullptr;
        has_ended = true;
    }
};

// Null after the end of the thread's pool.
BlockPool* open_pool() noexcept {
    if (kPoolsBlocks && !has_ended) {
        static thread_local ThreadPool opened;
        static_cast<void>(opened);
    }
    return pool;
}

BlockPool* pool_of_thread() noexcept { return pool != nullptr ? pool : open_pool(); }

}  // namespace

void* BlockPool::take(std::size_t bytes) {
    static_assert(shelf_of(kLargest) + 1 == kShelves);
    if (bytes > kLargest) {
        return allocate(bytes);
    }
    Shelf& shelf = shelves_[shelf_of(bytes)];
    const std::size_t size = rounded(bytes);
    if (shelf.first == nullptr) {
        return allocate(size);
    }
    shelf.bytes -= size;
    void* const block = std::exchange(shelf.first, shelf.first->next);
    // A batch of messages fills more blocks than the cache holds: the next one is fetched while this one is filled.
    __builtin_prefetch(shelf.first, 1);
    return block;
}

void BlockPool::give(void* block, std::size_t bytes) noexcept {
    if (bytes > kLargest) {
        std::free(block);
        return;
    }
    Shelf& shelf = shelves_[shelf_of(bytes)];
    const std::size_t size = rounded(bytes);
    if (shelf.bytes + size > kMostKept) {
        std::free(block);
        return;
    }
    shelf.bytes += size;
    shelf.first = new (block) Free{shelf.first};
}

void BlockPool::release() noexcept {
    for (Shelf& shelf : shelves_) {
        while (shelf.first != nullptr) {
            std::free(std::exchange(shelf.first, shelf.first->next));
        }
        shelf.bytes = 0;
    }
}

std::size_t BlockPool::kept_bytes() const noexcept {
    return std::accumulate(shelves_.begin(), shelves_.end(), std::size_t{0},
                           [](std::size_t bytes, const Shelf& shelf) { return bytes + shelf.bytes; });
}

void* take_block(std::size_t bytes) {
    BlockPool* const blocks = pool_of_thread();
    return blocks != nullptr ? blocks->take(bytes) : allocate(BlockPool::rounded(bytes));
}

void give_block(void* block, std::size_t bytes) noexcept {
    if (BlockPool* const blocks = pool_of_thread()) {
        blocks->give(block, bytes);
    } else {
        std::free(block);
    }
}

void* resize_block(void* block, std::size_t bytes, std::size_t used, std::size_t wanted) {
    if (block == nullptr) {
        return take_block(wanted);
    }
    if (bytes > BlockPool::kLargest && wanted > BlockPool::kLargest) {
        void* const moved = std::realloc(block, wanted);
        if (moved == nullptr) {
            throw std::bad_alloc();
        }
        return moved;
    }
    if (BlockPool::rounded(bytes) == BlockPool::rounded(wanted)) {
        return block;
    }
    void* const moved = take_block(wanted);
    std::memcpy(moved, block, used);
    give_block(block, bytes);
    return moved;
}

void release_free_blocks() noexcept {
    if (pool != nullptr) {
        pool->release();
    }
}

std::size_t free_block_bytes() noexcept { return pool != nullptr ? pool->kept_bytes() : 0; }

}  // namespace c10k
