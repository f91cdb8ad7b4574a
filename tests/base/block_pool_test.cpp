#include "base/block_pool.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <malloc.h>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace c10k {
namespace {

// Gives `blocks` to the pool, and returns how many of them it then has for blocks of `bytes`.
std::size_t kept(BlockPool& pool, const std::vector<void*>& blocks, std::size_t bytes) {
    const std::set<void*> known(blocks.begin(), blocks.end());
    for (void* block : blocks) {
        pool.give(block, bytes);
    }
    std::vector<void*> again(blocks.size());
    std::generate(again.begin(), again.end(), [&] { return pool.take(bytes); });
    // malloc() may hand out a block that the pool has freed, but not before those that it has kept.
    const std::size_t count = std::min(blocks.size(), BlockPool::kMostKept / BlockPool::rounded(bytes));
    const auto end = again.begin() + static_cast<std::ptrdiff_t>(count);
    const auto found = std::count_if(again.begin(), end, [&](void* block) { return known.contains(block); });
    for (void* block : again) {
        pool.give(block, bytes);
    }
    return static_cast<std::size_t>(found);
}

TEST(BlockPool, HandsOutTheBlockOfASizeThatCameBackLast) {
    BlockPool pool;
    for (std::size_t bytes = 1; bytes <= BlockPool::kLargest; bytes += 7) {
        void* const first = pool.take(bytes);
        void* const second = pool.take(bytes);
        pool.give(first, bytes);
        pool.give(second, bytes);
        EXPECT_EQ(pool.take(bytes), second) << bytes;
        EXPECT_EQ(pool.take(BlockPool::rounded(bytes)), first) << bytes;
        pool.give(first, bytes);
        pool.give(second, bytes);
    }
}

TEST(BlockPool, TakesNoBlockForALargerOne) {
    BlockPool pool;
    for (std::size_t bytes = 1; bytes < BlockPool::kLargest; ++bytes) {
        void* const block = pool.take(bytes);
        std::memset(block, 1, BlockPool::rounded(bytes));  // all of it is there, and address sanitizers know
        pool.give(block, bytes);
        if (BlockPool::rounded(bytes + 1) == BlockPool::rounded(bytes)) {
            continue;
        }
        EXPECT_EQ(BlockPool::rounded(bytes), bytes);
        void* const larger = pool.take(bytes + 1);
        EXPECT_NE(larger, block) << bytes;
        pool.give(larger, bytes + 1);
    }
}

TEST(BlockPool, RoundsSizesUpByASixteenthOr15BytesAtMost) {
    for (std::size_t bytes = 1; bytes <= BlockPool::kLargest; ++bytes) {
        const std::size_t rounded = BlockPool::rounded(bytes);
        EXPECT_GE(rounded, bytes);
        EXPECT_LE(rounded - bytes, std::max<std::size_t>(bytes / 16, 15)) << bytes;
        EXPECT_EQ(BlockPool::rounded(rounded), rounded) << bytes;
        void* const block = std::malloc(rounded);
        EXPECT_LE(::malloc_usable_size(block), rounded + 16);
        std::free(block);
    }
}

TEST(BlockPool, AlignsBlocksForAnyType) {
    BlockPool pool;
    for (const std::size_t bytes : {1, 17, 300, 4096, 5000}) {
        void* const block = pool.take(bytes);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
        pool.give(block, bytes);
    }
}

TEST(BlockPool, KeepsSoManyBytesOfEachSizeAndNoMore) {
    BlockPool pool;
    constexpr std::size_t kBytes = BlockPool::kLargest;
    const std::size_t most = BlockPool::kMostKept / kBytes;
    std::vector<void*> blocks(most + 100);
    std::generate(blocks.begin(), blocks.end(), [&] { return pool.take(kBytes); });
    EXPECT_EQ(kept(pool, blocks, kBytes), most);
    EXPECT_EQ(pool.kept_bytes(), most * kBytes);
    pool.release();
    EXPECT_EQ(pool.kept_bytes(), 0u);
}

TEST(BlockPool, LeavesLargeBlocksToTheCLibrary) {
    BlockPool pool;
    pool.give(pool.take(BlockPool::kLargest + 1), BlockPool::kLargest + 1);
    EXPECT_EQ(pool.kept_bytes(), 0u);
}

TEST(Blocks, KeepTheirBytesWhenResized) {
    constexpr std::string_view kText = "0123456789";
    const std::vector<std::size_t> sizes{10, 16, 17, 300, 4096, 4097, 10'000, 4096, 20, 5000, 11};
    std::size_t bytes = sizes.front();
    void* block = resize_block(nullptr, 0, 0, bytes);
    std::memcpy(block, kText.data(), kText.size());
    for (const std::size_t size : sizes) {
        block = resize_block(block, bytes, kText.size(), size);
        bytes = size;
        EXPECT_EQ(std::string_view(static_cast<char*>(block), kText.size()), kText) << size;
    }
    give_block(block, bytes);
}

TEST(Blocks, StayWithTheThreadThatGivesThemBack) {
    void* const block = take_block(200);
    std::thread([&] {
        const std::size_t before = free_block_bytes();
        give_block(block, 200);
        const bool is_pooled = free_block_bytes() > before;
        EXPECT_EQ(free_block_bytes(), is_pooled ? before + BlockPool::rounded(200) : 0);
        if (is_pooled) {  // not under a sanitizer
            void* const again = take_block(200);
            EXPECT_EQ(again, block);
            give_block(again, 200);
        }
    }).join();
}

// Gives a block back after the thread's pool has gone: it was made, and is destroyed, the other way round.
struct GivesLate {
    void* block = nullptr;
    ~GivesLate() {
        give_block(block, 64);
        EXPECT_EQ(free_block_bytes(), 0u);
    }
};

TEST(Blocks, GoBackToTheCLibraryWhenTheThreadEnds) {
    const auto used = [] { return ::mallinfo2().uordblks; };
    const auto give_many = [] {
        static thread_local GivesLate late;
        late.block = take_block(64);
        std::vector<void*> blocks(1000);
        std::generate(blocks.begin(), blocks.end(), [] { return take_block(1000); });
        for (void* block : blocks) {
            give_block(block, 1000);
        }
    };
    std::thread(give_many).join();  // the C library's own first allocations for threads
    const std::size_t before = used();
    std::thread(give_many).join();
    EXPECT_LT(used(), before + 100'000);
}

TEST(Blocks, AreReleasedOnDemand) {
    give_block(take_block(500), 500);
    release_free_blocks();
    EXPECT_EQ(free_block_bytes(), 0u);
}

}  // namespace
}  // namespace c10k
