#include "wire/mask.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace c10k::wire {
namespace {

std::string masked(MaskKey key, std::string_view text) {
    std::string result(text.size(), '\0');
    key.apply(text, result.data());
    return result;
}

// The definition (RFC 6455, 5.3): byte i is combined with byte i modulo 4 of the key.
std::string masked_by_definition(std::string_view key, std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        result += static_cast<char>(text[i] ^ key[i % 4]);
    }
    return result;
}

std::string counting(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += static_cast<char>(i * 7);
    }
    return text;
}

TEST(MaskKey, MasksTheExampleOfTheRfc) {  // RFC 6455, 5.7
    EXPECT_EQ(masked(MaskKey::read("\x37\xfa\x21\x3d"), "Hello"), "\x7f\x9f\x4d\x51\x58");
}

TEST(MaskKey, MasksEverySizeAtEveryAlignment) {
    const std::string_view key = "\x81\x02\xfe\x47";
    const std::string text = counting(80);
    for (std::size_t start = 0; start < 8; ++start) {
        for (std::size_t size = 0; size + start <= text.size(); ++size) {
            const std::string part = text.substr(start, size);
            ASSERT_EQ(masked(MaskKey::read(key.data()), part), masked_by_definition(key, part)) << start << ' ' << size;
        }
    }
}

TEST(MaskKey, MasksInPlaceAndBack) {
    const MaskKey key = MaskKey::read("\x81\x02\xfe\x47");
    std::string text = counting(77);
    key.apply(text, text.data());
    EXPECT_EQ(text, masked(key, counting(77)));
    key.apply(text, text.data());
    EXPECT_EQ(text, counting(77));
}

TEST(MaskKey, GoesOnAfterAnyPart) {
    const MaskKey key = MaskKey::read("\x81\x02\xfe\x47");
    const std::string text = counting(40);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        ASSERT_EQ(masked(key, text.substr(0, cut)) + masked(key.after(cut), text.substr(cut)), masked(key, text))
            << cut;
    }
}

TEST(MaskKey, WithoutAKeyChangesNothing) {
    EXPECT_EQ(masked(MaskKey{}, counting(19)), counting(19));
    EXPECT_EQ(masked(MaskKey{}.after(3), counting(19)), counting(19));
}

TEST(MaskKey, IsWrittenAsItWasRead) {
    std::string bytes(4, '\0');
    MaskKey::read("\x01\x02\x03\x04").write(bytes.data());
    EXPECT_EQ(bytes, "\x01\x02\x03\x04");
}

TEST(MaskKey, IsNewEachTime) {  // RFC 6455, 10.3
    std::set<std::string> keys;
    for (int i = 0; i < 1000; ++i) {
        std::string bytes(4, '\0');
        MaskKey::random().write(bytes.data());
        keys.insert(bytes);
    }
    EXPECT_GE(keys.size(), 995u);
}

}  // namespace
}  // namespace c10k::wire
