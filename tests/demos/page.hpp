#pragma once

#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <string_view>
#include <utility>

// The picture of a page: frames, read by a decoder that knows docs/reference/life-protocols.md alone.
namespace life {

using Place = std::pair<int, int>;

// A block as a page knows it.
struct Seen {
    std::uint64_t step = 0;
    std::uint64_t shade = 0;  // without zoom, the state
    std::uint64_t age = 0;

    friend bool operator==(const Seen&, const Seen&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << seen.step << ' ' << seen.shade << ' ' << seen.age;
}

// A page: what it makes of the messages that it gets.
class Page {
public:
    void take(std::string_view message) {
        at_ = message;
        EXPECT_EQ(number(1), 1U);
        const std::uint64_t flags = number(1);
        const std::uint64_t zoom = number(1);
        width = number(1);
        const std::uint64_t next = number(4);
        EXPECT_EQ(next, is_whole ? frame + 1 : frame) << "the parts of a frame have its number";
        const bool is_first = is_whole;
        frame = next;
        base = number(8);
        for (std::uint64_t* value : {&size, &left, &top, &columns, &rows}) {
            *value = number(2);
        }
        if ((flags & 1U) != 0) {
            EXPECT_TRUE(is_first);
            blocks.clear();
        }
        is_whole = (flags & 4U) != 0;
        while (!at_.empty()) {
            take_run(zoom == 0 ? 2 : 16, (flags & 2U) != 0);
        }
        ++messages;
    }

    std::uint64_t frame = 0;
    std::map<Place, Seen> blocks;
    std::uint64_t size = 0;
    std::uint64_t left = 0;
    std::uint64_t top = 0;
    std::uint64_t columns = 0;
    std::uint64_t rows = 0;
    std::uint64_t width = 0;
    std::uint64_t base = 0;
    bool is_whole = true;  // no part of the last frame is missing
    std::size_t messages = 0;
    std::size_t values = 0;

private:
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        if (at_.size() < bytes) {
            ADD_FAILURE() << "the message ends too early";
            at_ = {};
            return 0;
        }
        for (std::size_t byte = bytes; byte > 0; --byte) {
            value = value << 8U | static_cast<unsigned char>(at_[byte - 1]);
        }
        at_.remove_prefix(bytes);
        return value;
    }

    void take_run(std::uint64_t levels, bool with_ages) {
        const int row = static_cast<int>(number(2));
        const int first = static_cast<int>(number(2));
        const int count = static_cast<int>(number(2));
        EXPECT_GT(count, 0);
        EXPECT_TRUE(row >= static_cast<int>(top) && row < static_cast<int>(top + rows)) << row;
        EXPECT_TRUE(first >= static_cast<int>(left) && first + count <= static_cast<int>(left + columns)) << first;
        for (int column = first; column < first + count; ++column) {
            if (const std::uint64_t value = number(width); value != 0) {
                blocks[{row, column}] = {.step = base + (value - 1) / levels, .shade = (value - 1) % levels};
            } else {
                EXPECT_FALSE(blocks.contains({row, column})) << "a cell cannot take back what it has said";
            }
            ++values;
        }
        for (int column = first; with_ages && column < first + count; ++column) {
            const std::uint64_t age = number(1);
            if (const auto block = blocks.find({row, column}); block != blocks.end()) {
                block->second.age = age;
            }
        }
    }

    std::string_view at_;
};

}  // namespace life
