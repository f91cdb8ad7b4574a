#include "wire/utf8.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace c10k::wire {
namespace {

// RFC 3629, 3.
std::string encoded(std::uint32_t code_point) {
    const auto byte = [&](std::uint32_t mark, int shift, std::uint32_t bits) {
        return static_cast<char>(mark | (code_point >> shift & bits));
    };
    if (code_point < 0x80) {
        return {byte(0, 0, 0x7F)};
    }
    if (code_point < 0x800) {
        return {byte(0xC0, 6, 0x1F), byte(0x80, 0, 0x3F)};
    }
    if (code_point < 0x10000) {
        return {byte(0xE0, 12, 0x0F), byte(0x80, 6, 0x3F), byte(0x80, 0, 0x3F)};
    }
    return {byte(0xF0, 18, 0x07), byte(0x80, 12, 0x3F), byte(0x80, 6, 0x3F), byte(0x80, 0, 0x3F)};
}

// Every cut encoding of a code point: 1 to 3 bytes, the last missing.
std::unordered_set<std::string> all_cut_code_points() {
    std::unordered_set<std::string> beginnings;
    for (std::uint32_t code_point = 0x80; code_point <= 0x10FFFF; ++code_point) {
        if (code_point >= 0xD800 && code_point <= 0xDFFF) {
            continue;
        }
        const std::string bytes = encoded(code_point);
        for (std::size_t size = bytes.size() - 1; size > 0 && beginnings.insert(bytes.substr(0, size)).second; --size) {
        }
    }
    return beginnings;
}

std::string byte_string(std::uint32_t number, std::size_t size) {
    std::string bytes;
    for (std::size_t i = size; i > 0; --i) {
        bytes += static_cast<char>(number >> (8 * (i - 1)));
    }
    return bytes;
}

TEST(Utf8, TakesEveryCutCodePointForABeginningAndNothingElse) {
    const auto cut_code_points = all_cut_code_points();
    const auto expected = [&](const std::string& bytes) -> std::optional<std::size_t> {
        for (std::size_t tail = 0; tail <= bytes.size(); ++tail) {
            const std::string_view whole = std::string_view(bytes).substr(0, bytes.size() - tail);
            if (is_utf8(whole) && (tail == 0 || cut_code_points.contains(bytes.substr(whole.size())))) {
                return whole.size();
            }
        }
        return std::nullopt;
    };
    for (std::uint32_t number = 0; number < 0x10000; ++number) {
        const std::string bytes = byte_string(number, 2);
        ASSERT_EQ(whole_utf8(bytes), expected(bytes)) << std::hex << number;
    }
    for (std::uint32_t number = 0xE00000; number < 0x1000000; number += 3) {  // 3 shares no factor with the bytes
        const std::string bytes = byte_string(number, 3);
        ASSERT_EQ(whole_utf8(bytes), expected(bytes)) << std::hex << number;
    }
}

TEST(Utf8, CountsWholeCodePointsOfATextCutAnywhere) {
    const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";  // a, e acute, euro, a face, z
    const std::vector<std::size_t> whole = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    ASSERT_EQ(whole.size(), text.size() + 1);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(whole_utf8(std::string_view(text).substr(0, cut)), whole[cut]) << cut;
    }
}

TEST(Utf8, RefusesWhatNothingCanMend) {  // RFC 3629, 4
    for (const std::string_view bytes :
         {"\x80", "\xC0", "\xC1", "\xF5", "\xFF", "\xE0\x80", "\xE0\x9F", "\xED\xA0", "\xF0\x8F", "\xF4\x90", "\xC3(",
          "\xE2\x82(", "\xF0\x9F(", "\xF8\x88\x80", "\xC3\xA9\xA9", "good until here\xFF", "\xFFnot from here"}) {
        EXPECT_EQ(whole_utf8(bytes), std::nullopt) << testing::PrintToString(bytes);
        EXPECT_FALSE(is_utf8(bytes));
    }
}

TEST(Utf8, SeesABadByteAnywhere) {
    for (std::size_t size = 1; size <= 130; ++size) {
        std::string text(size, 'a');
        ASSERT_EQ(whole_utf8(text), size);
        for (char& c : text) {
            c = '\xFF';
            ASSERT_EQ(whole_utf8(text), std::nullopt) << size;
            c = 'a';
        }
    }
}

TEST(Utf8, DoesNotTakeACutTextForAWholeOne) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("\xE2\x82\xAC"));
    EXPECT_FALSE(is_utf8("\xE2\x82"));
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, CutsBetweenCodePoints) {
    const std::string_view text = "a\xC3\xA9\xF0\x9F\x98\x80";
    EXPECT_EQ(cut_utf8(text, 100), text);
    EXPECT_EQ(cut_utf8(text, 7), text);
    EXPECT_EQ(cut_utf8(text, 6), "a\xC3\xA9");
    EXPECT_EQ(cut_utf8(text, 3), "a\xC3\xA9");
    EXPECT_EQ(cut_utf8(text, 2), "a");
    EXPECT_EQ(cut_utf8(text, 0), "");
}

}  // namespace
}  // namespace c10k::wire
