#include "base/digest.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 0xf];
    }
    return text;
}

// RFC 3174, 7.3.
TEST(Digest, Sha1GivesTheStandardsExamples) {
    const auto digest = [](std::string_view text) {
        const auto bytes = sha1(text);
        return hex({bytes.data(), bytes.size()});
    };
    EXPECT_EQ(digest("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(digest(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

// RFC 4648, 10.
TEST(Digest, Base64GivesTheStandardsExamplesBothWays) {
    const std::pair<std::string, std::string> examples[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : examples) {
        EXPECT_EQ(base64_encode(bytes), text);
        EXPECT_EQ(base64_decode(text), bytes);
    }
    EXPECT_EQ(base64_decode(base64_encode(std::string("\0\xff\0", 3))), std::string("\0\xff\0", 3));
}

// RFC 4648, 3.2 and 3.3.
TEST(Digest, Base64DecodeRefusesAllElse) {
    for (const std::string_view text :
         {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm9 ", " Zm9v", "Zm9v\n", "Zm-_", "Zm9v="}) {
        EXPECT_EQ(base64_decode(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace c10k
