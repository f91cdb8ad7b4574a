#include "connection/outbox.hpp"

#include "c10k/message.hpp"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
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

internal::EncodedFrame frame_of(std::string_view text) { return {true, text}; }

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
    outbox.append_frame(frame_of("one"));
    outbox.append_frame(frame_of("two"));
    EXPECT_EQ(text_of(outbox), "\x81\x03one\x81\x03two");
    EXPECT_EQ(pieces_of(outbox), 1U);
}

TEST(Outbox, SharesLargeFrames) {
    const Message message{std::string(5000, 'x')};
    Outbox one;
    Outbox two;
    one.append("head");
    one.append_frame(message.encoded_frame());
    one.append("tail");
    two.append_frame(message.encoded_frame());
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
        outbox.append_frame(message.encoded_frame());
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
        outbox.append_frame(message.encoded_frame());
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
                    outbox.append_frame(message.encoded_frame());
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

// ---- Loose frames

TEST(Outbox, DropsTheOldestLooseFramesAndKeepsTheRest) {
    Outbox outbox;
    outbox.append("kept ");
    outbox.append_loose_frame(frame_of("one"));
    outbox.append_loose_frame(frame_of("two"));
    outbox.append_frame(frame_of("mine"));
    outbox.append_loose_frame(frame_of(std::string(5000, 'x')));
    outbox.append_loose_frame(frame_of("three"));
    EXPECT_EQ(outbox.drop_oldest(outbox.bytes()), 0U);
    EXPECT_EQ(outbox.drop_oldest(outbox.bytes() - 1), 2U);  // copied together, they go together
    EXPECT_EQ(outbox.drop_oldest(100), 1U);
    EXPECT_EQ(text_of(outbox), "kept \x81\x04mine\x81\x05three");
    outbox.consume(0);
    EXPECT_EQ(outbox.drop_oldest(0), 1U);
    EXPECT_EQ(outbox.drop_oldest(0), 0U);
    EXPECT_EQ(text_of(outbox), "kept \x81\x04mine");
    outbox.append(" more");
    EXPECT_EQ(text_of(outbox), "kept \x81\x04mine more");
}

TEST(Outbox, DropsNoPartOfAFrameAndNothingThatIsShown) {
    Outbox outbox;
    outbox.append_loose_frame(frame_of("one"));
    outbox.append_loose_frame(frame_of("two"));
    outbox.append_loose_frame(frame_of("three"));
    std::array<iovec, 8> pieces{};
    EXPECT_EQ(outbox.gather(pieces).size(), 1U);
    EXPECT_EQ(outbox.drop_oldest(0), 0U);  // the kernel looks at them
    outbox.consume(6);                     // and has taken one, and a byte of the second
    EXPECT_EQ(outbox.drop_oldest(0), 1U);
    EXPECT_EQ(text_of(outbox), "\x03two");
}

TEST(Outbox, ShowsFewLooseFramesAtATime) {
    Outbox outbox;
    const Message message{std::string(40'000, 'x')};
    for (int i = 0; i < 10; ++i) {
        outbox.append_loose_frame(message.encoded_frame());
    }
    EXPECT_EQ(pieces_of(outbox), 2U);
    EXPECT_EQ(outbox.drop_oldest(0), 8U);
}

// Frames of which a test knows what may become of them.
struct KnownFrame {
    std::string bytes;
    bool is_loose;
};

// Whether `got` are `frames` in their order, of which only loose ones may be missing, and as many as were `dropped`.
bool are_left_of(const std::vector<KnownFrame>& frames, std::string_view got, std::size_t dropped) {
    std::size_t missing = 0;
    for (const KnownFrame& frame : frames) {
        if (got.starts_with(frame.bytes)) {
            got.remove_prefix(frame.bytes.size());
        } else if (frame.is_loose) {
            ++missing;
        } else {
            return false;
        }
    }
    return got.empty() && missing == dropped;
}

TEST(Outbox, LosesLooseFramesAsAWholeAndNoOthers) {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random{seed};
        const auto below = [&](std::size_t limit) { return random() % limit; };
        Outbox outbox;
        std::vector<KnownFrame> frames;
        std::string got;
        std::size_t dropped = 0;
        std::vector<iovec> shown;
        const auto answer = [&](std::size_t size) {  // as the kernel does, which looks at the bytes only then
            std::string taken;
            for (const iovec& piece : shown) {
                taken.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
            }
            size = std::min(size, taken.size());
            got += taken.substr(0, size);
            outbox.consume(size);
            shown.clear();
        };
        for (int step = 0; step < 200; ++step) {
            const auto number = std::to_string(frames.size());  // no two are the same
            const Message message{number + std::string(below(10) == 0 ? below(20'000) : below(300), 'x')};
            const bool is_loose = below(4) != 0;
            switch (below(4)) {
                case 0:
                    if (shown.empty()) {
                        std::array<iovec, 8> pieces{};
                        const auto gathered = outbox.gather(pieces);
                        shown.assign(gathered.begin(), gathered.end());
                    } else {
                        answer(below(3) == 0 ? 0 : below(3000));
                    }
                    break;
                case 1: dropped += outbox.drop_oldest(below(outbox.bytes() + 1)); break;
                default:
                    is_loose ? outbox.append_loose_frame(message.encoded_frame())
                             : outbox.append_frame(message.encoded_frame());
                    frames.push_back({std::string{message.frame()}, is_loose});
            }
        }
        answer(SIZE_MAX);
        while (!outbox.empty()) {
            const std::string rest = text_of(outbox);
            got += rest;
            outbox.consume(rest.size());
        }
        EXPECT_TRUE(are_left_of(frames, got, dropped));
        EXPECT_GT(dropped, 0U);
    }
}

}  // namespace
}  // namespace c10k
