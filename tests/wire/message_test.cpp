#include "c10k/message.hpp"

#include "base/block_pool.hpp"
#include "wire/message_builder.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <malloc.h>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using namespace std::string_literals;
using wire::MaskKey;
using wire::MessageBuilder;

TEST(Message, IsAnEmptyTextByDefault) {
    const Message message;
    EXPECT_TRUE(message.is_text());
    EXPECT_TRUE(message.empty());
    EXPECT_EQ(message.frame(), "\x81\x00"s);
    EXPECT_EQ(message, Message(""));
}

TEST(Message, KeepsItsKindAndPayload) {
    EXPECT_EQ(Message("text"), "text");
    EXPECT_TRUE(Message("text").is_text());
    EXPECT_EQ(Message::binary("\0\xFF"s), "\0\xFF"s);
    EXPECT_EQ(Message::binary("").kind(), Message::Kind::kBinary);
}

TEST(Message, HasItsFrameInFrontOfThePayload) {  // RFC 6455, 5.2
    EXPECT_EQ(Message("Hello").frame(), "\x81\x05Hello");
    EXPECT_EQ(Message::binary("").frame(), "\x82\x00"s);
    EXPECT_EQ(Message(std::string(125, 'x')).frame(), "\x81\x7D" + std::string(125, 'x'));
    EXPECT_EQ(Message(std::string(126, 'x')).frame(), "\x81\x7E\x00\x7E"s + std::string(126, 'x'));
    EXPECT_EQ(Message::binary(std::string(65536, 'x')).frame(),
              "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s + std::string(65536, 'x'));
}

TEST(Message, CopiesShareTheirBytes) {
    Message first("shared by all");
    Message copy = first;
    EXPECT_EQ(copy.view().data(), first.view().data());
    Message moved = std::move(first);
    first = copy;
    copy = Message("other");
    EXPECT_EQ(moved, "shared by all");
    EXPECT_EQ(first, moved);
    EXPECT_EQ(copy, "other");
    moved = std::as_const(moved);
    EXPECT_EQ(moved, "shared by all");
}

TEST(Message, CopiesMayEndOnAnyThread) {
    std::vector<std::thread> threads;
    {
        const Message message("shared by all");
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([message] {
                for (int round = 0; round < 1000; ++round) {
                    const Message copy = message;  // NOLINT(performance-unnecessary-copy-initialization)
                    ASSERT_EQ(copy, "shared by all");
                }
            });
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST(Message, RefusesMoreThanItsLargestSize) {
    EXPECT_THROW(Message(Message::Kind::kBinary, std::string_view("", Message::kMaxSize + 1)), std::length_error);
}

TEST(MessageBuilder, JoinsWhatIsAppended) {
    MessageBuilder builder;
    builder.append("Hel", MaskKey{}, 100);
    builder.append("lo", MaskKey{}, 100);
    EXPECT_EQ(builder.view(), "Hello");
    const Message message = builder.finish(Message::Kind::kText);
    EXPECT_EQ(message, "Hello");
    EXPECT_EQ(message.frame(), "\x81\x05Hello");
}

TEST(MessageBuilder, Unmasks) {  // RFC 6455, 5.7
    MessageBuilder builder;
    builder.append("\x7f\x9f\x4d\x51\x58", MaskKey::read("\x37\xfa\x21\x3d"), 5);
    EXPECT_EQ(builder.finish(Message::Kind::kBinary), Message::binary("Hello"));
}

TEST(MessageBuilder, OwnsNothingBetweenMessages) {
    MessageBuilder builder;
    EXPECT_EQ(builder.held_bytes(), 0u);
    builder.append("Hello", MaskKey{}, 100);
    EXPECT_GT(builder.held_bytes(), 5u);
    static_cast<void>(builder.finish(Message::Kind::kText));
    EXPECT_EQ(builder.held_bytes(), 0u);
    EXPECT_EQ(builder.view(), "");
    builder.append("Hello", MaskKey{}, 100);
    builder.clear();
    EXPECT_EQ(builder.held_bytes(), 0u);
    EXPECT_EQ(builder.size(), 0u);
}

TEST(MessageBuilder, MakesAnEmptyMessageOfNothing) {
    EXPECT_EQ(MessageBuilder{}.finish(Message::Kind::kText).frame(), "\x81\x00"s);
    EXPECT_EQ(MessageBuilder{}.finish(Message::Kind::kBinary).frame(), "\x82\x00"s);
}

constexpr std::size_t kBlockBytes = 32;  // in front of a payload

TEST(MessageBuilder, GrowsWithWhatArrivesAndNeverBeyondTheLimit) {
    constexpr std::size_t kLimit = 1'000'000;
    MessageBuilder builder;
    std::string expected;
    std::set<std::size_t> steps;
    for (std::size_t part = 1; expected.size() + part <= kLimit; part += 7) {
        expected.append(part, static_cast<char>('a' + part % 26));
        builder.append(std::string_view(expected).substr(expected.size() - part), MaskKey{}, kLimit);
        ASSERT_LE(builder.held_bytes(), BlockPool::rounded(kBlockBytes + std::min(2 * expected.size(), kLimit)));
        steps.insert(builder.held_bytes());
    }
    EXPECT_LE(steps.size(), 20u);  // each at least doubles
    EXPECT_EQ(builder.finish(Message::Kind::kBinary), expected);
}

TEST(MessageBuilder, GivesBackWhatAMessageDoesNotNeed) {
    MessageBuilder builder;
    builder.append(std::string(10'000, 'x'), MaskKey{}, 1'000'000);
    EXPECT_EQ(builder.held_bytes(), kBlockBytes + 20'000);
    const Message message = builder.finish(Message::Kind::kText);
    const std::string_view payload = message.view();
    EXPECT_LT(malloc_usable_size(const_cast<char*>(payload.data()) - kBlockBytes), 11'000u);
}

TEST(Message, IsNoTextThatIsNotUtf8WhereBuildsCheckIt) {
    EXPECT_EQ(Message::binary("\xFF").size(), 1U);
#ifdef NDEBUG
    GTEST_SKIP() << "a build with NDEBUG does not check it";
#else
    EXPECT_THROW(Message("\xFF"), std::logic_error);
#endif
}

}  // namespace
}  // namespace c10k
