#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace c10k {
namespace {

TEST(Random, DoesNotRepeatItself) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {  // more than is drawn in advance
        std::string bytes(16, '\0');
        fill_random(bytes);
        seen.insert(bytes);
    }
    EXPECT_EQ(seen.size(), 1000u);
}

TEST(Random, FillsEveryByteOfAnySize) {
    for (const std::size_t size : {0, 1, 3, 16, 1023, 1024, 1025, 100'000}) {
        std::string changed(size, '\0');
        for (int round = 0; round < 10; ++round) {
            std::string bytes(size, '\0');
            fill_random(bytes);
            for (std::size_t i = 0; i < size; ++i) {
                changed[i] = static_cast<char>(changed[i] | bytes[i]);
            }
        }
        EXPECT_EQ(changed.find('\0'), std::string::npos) << size;
    }
}

TEST(Random, UsesAllBitsAboutEquallyOften) {
    std::array<int, 32> ones{};
    for (int i = 0; i < 10'000; ++i) {
        const std::uint32_t number = random_u32();
        for (std::size_t bit = 0; bit < ones.size(); ++bit) {
            ones[bit] += static_cast<int>(number >> bit & 1);
        }
    }
    for (const int count : ones) {
        EXPECT_NEAR(count, 5000, 500);  // ten standard deviations
    }
}

TEST(Random, DiffersBetweenThreads) {
    static_cast<void>(random_u32());
    std::string here(16, '\0');
    std::string there(16, '\0');
    fill_random(here);
    std::thread([&] { fill_random(there); }).join();
    EXPECT_NE(here, there);
}

TEST(Random, DiffersBetweenAParentAndItsChild) {
    static_cast<void>(random_u32());
    std::array<int, 2> pipe_ends{};
    ASSERT_EQ(pipe(pipe_ends.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    std::string bytes(16, '\0');
    fill_random(bytes);
    if (child == 0) {
        _exit(write(pipe_ends[1], bytes.data(), bytes.size()) == 16 ? 0 : 1);
    }
    std::string of_child(16, '\0');
    EXPECT_EQ(read(pipe_ends[0], of_child.data(), of_child.size()), 16);
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    EXPECT_NE(bytes, of_child);
}

TEST(ScopedRandomSource, IsAskedInTheKernelsPlaceForAsLongAsItLives) {
    const auto fill = [](char with) {
        return [with](std::span<char> bytes) { std::fill(bytes.begin(), bytes.end(), with); };
    };
    std::array<char, 3> bytes{};
    {
        const ScopedRandomSource outer{fill('o')};
        {
            const ScopedRandomSource inner{fill('i')};
            fill_random(bytes);
            EXPECT_EQ(std::string_view(bytes.data(), 3), "iii");
        }
        EXPECT_EQ(random_u32(), 0x6F6F6F6FU);
        std::uint32_t elsewhere = 0;
        std::thread([&] { elsewhere = random_u32(); }).join();
        EXPECT_NE(elsewhere, 0x6F6F6F6FU);
    }
    EXPECT_NE(random_u32(), 0x6F6F6F6FU);
}

}  // namespace
}  // namespace c10k
