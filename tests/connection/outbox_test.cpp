#include "connection/outbox.hpp"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace c10k {
namespace {

std::string text_of(const Outbox& outbox, std::size_t most_pieces = 1024) {
    std::vector<iovec> pieces(most_pieces);
    std::string text;
    for (const iovec& piece : outbox.gather(pieces)) {
        text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return text;
}

std::size_t pieces_of(const Outbox& outbox) {
    std::array<iovec, 1024> pieces{};
    return outbox.gather(pieces).size();
}

TEST(Outbox, IsEmptyAtFirstAndWhenAllIsConsumed) {
    Outbox outbox;
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(pieces_of(outbox), 0U);
    outbox.append("abc");
    EXPECT_EQ(outbox.bytes(), 3U);
    outbox.consume(3);
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(pieces_of(outbox), 0U);
    outbox.append("");
    EXPECT_EQ(pieces_of(outbox), 0U);
}

TEST(Outbox, CopiesSmallFramesTogether) {
    Outbox outbox;
    outbox.append_frame("one");
    outbox.append_frame("two");
    EXPECT_EQ(text_of(outbox), "\x81\x03one\x81\x03two");
    EXPECT_EQ(pieces_of(outbox), 1U);
}

TEST(Outbox, SharesLargeFrames) {
    const Message message{std::string(5000, 'x')};
    Outbox one;
    Outbox two;
    one.append("head");
    one.append_frame(message);
    one.append("tail");
    two.append_frame(message);
    std::array<iovec, 8> pieces{};
    EXPECT_EQ(one.gather(pieces).size(), 3U);
    EXPECT_EQ(pieces[1].iov_base, message.frame().data());
    EXPECT_EQ(two.gather(pieces).size(), 1U);
    EXPECT_EQ(pieces[0].iov_base, message.frame().data());
    EXPECT_EQ(text_of(one), "head" + std::string{message.frame()} + "tail");
}

TEST(Outbox, KeepsASharedMessageAliveUntilItIsConsumed) {
    Outbox outbox;
    std::string expected;
    {
        const Message message{std::string(5000, 'x')};
        outbox.append_frame(message);
        expected = message.frame();
    }
    outbox.consume(1);
    EXPECT_EQ(text_of(outbox), expected.substr(1));
}

TEST(Outbox, PutsTheHeadBeforeAllElse) {
    Outbox outbox;
    outbox.prepend("nothing waits: ");
    outbox.append("frames");
    outbox.prepend("HTTP ");
    outbox.append("!");
    EXPECT_EQ(text_of(outbox), "HTTP nothing waits: frames!");
    outbox.consume(3);
    EXPECT_EQ(text_of(outbox), "P nothing waits: frames!");
}

TEST(Outbox, LeavesWhatItHasShownWhereItIs) {
    Outbox outbox;
    outbox.append("abc");
    std::array<iovec, 1> pieces{};
    const void* place = outbox.gather(pieces)[0].iov_base;
    for (int i = 0; i < 1000; ++i) {
        outbox.append("more and more and more");
    }
    EXPECT_EQ(outbox.gather(pieces)[0].iov_base, place);
    EXPECT_EQ(std::memcmp(place, "abc", 3), 0);
}

TEST(Outbox, GrowsInFewPieces) {
    Outbox outbox;
    for (int i = 0; i < 100'000; ++i) {
        outbox.append("0123456789");
    }
    EXPECT_LT(pieces_of(outbox), 100U);
}

TEST(Outbox, GathersNoMoreThanFits) {
    Outbox outbox;
    const Message message{std::string(5000, 'x')};
    for (int i = 0; i < 5; ++i) {
        outbox.append_frame(message);
    }
    EXPECT_EQ(text_of(outbox, 2).size(), 2 * message.frame().size());
}

TEST(Outbox, BehavesLikeAString) {
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        const auto below = [&](std::size_t limit) { return random() % limit; };
        Outbox outbox;
        std::string model;
        for (int step = 0; step < 100; ++step) {
            const std::string text(below(4) == 0 ? below(9000) : below(40), static_cast<char>('a' + below(26)));
            switch (below(5)) {
                case 0:
                    outbox.append(text);
                    model += text;
                    break;
                case 1: {
                    const Message message{text};
                    outbox.append_frame(message);
                    model += message.frame();
                    break;
                }
                case 2:
                    outbox.prepend(text);
                    model.insert(0, text);
                    break;
                case 3:
                    if (!text.empty()) {
                        std::memcpy(outbox.extend(text.size()), text.data(), text.size());
                        model += text;
                    }
                    break;
                default: {
                    const std::size_t size = below(3) == 0 ? model.size() : below(model.size() + 1);
                    outbox.consume(size);
                    model.erase(0, size);
                }
            }
            ASSERT_EQ(outbox.bytes(), model.size());
            ASSERT_EQ(outbox.empty(), model.empty());
            ASSERT_EQ(text_of(outbox), model);
        }
    }
}

}  // namespace
}  // namespace c10k
