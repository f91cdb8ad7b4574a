#include "wire/frame.hpp"

#include <gtest/gtest.h>
#include <set>
#include <stdexcept>
#include <string>

namespace c10k::wire {
namespace {

using namespace std::string_literals;

std::string frame(Role sender, Opcode opcode, std::string_view payload) {
    std::string bytes;
    append_frame(sender, opcode, payload, bytes);
    return bytes;
}

TEST(Frame, FromAServerIsTheExampleOfTheRfc) {  // RFC 6455, 5.7
    EXPECT_EQ(frame(Role::kServer, Opcode::kText, "Hello"), "\x81\x05Hello");
    EXPECT_EQ(frame(Role::kServer, Opcode::kPing, "Hello"), "\x89\x05Hello");
    EXPECT_EQ(frame(Role::kServer, Opcode::kBinary, std::string(256, 'x')),
              "\x82\x7E\x01\x00"s + std::string(256, 'x'));
    EXPECT_EQ(frame(Role::kServer, Opcode::kBinary, std::string(65536, 'x')),
              "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s + std::string(65536, 'x'));
}

TEST(Frame, HasTheShortestLength) {  // RFC 6455, 5.2
    EXPECT_EQ(frame(Role::kServer, Opcode::kText, "").substr(0, 2), "\x81\x00"s);
    EXPECT_EQ(frame(Role::kServer, Opcode::kText, std::string(125, 'x')).substr(0, 2), "\x81\x7D");
    EXPECT_EQ(frame(Role::kServer, Opcode::kText, std::string(126, 'x')).substr(0, 4), "\x81\x7E\x00\x7E"s);
    EXPECT_EQ(frame(Role::kServer, Opcode::kText, std::string(65535, 'x')).substr(0, 4), "\x81\x7E\xFF\xFF");
}

TEST(Frame, FromAClientIsMaskedAndReadBack) {
    for (const std::size_t size : {0, 1, 5, 125, 126, 65535, 65536}) {
        const std::string payload(size, 'x');
        const std::string bytes = frame(Role::kClient, Opcode::kText, payload);
        ASSERT_EQ(bytes.size(), frame_bytes(Role::kClient, size));

        const FrameHeader header(bytes);
        ASSERT_TRUE(header.is_whole());
        EXPECT_TRUE(header.is_masked());
        EXPECT_TRUE(header.is_final());
        EXPECT_FALSE(header.has_reserved_bits());
        EXPECT_FALSE(header.is_length_padded());
        EXPECT_EQ(header.opcode(), Opcode::kText);
        EXPECT_EQ(header.length(), size);
        std::string rest = bytes.substr(header.size());
        header.key().apply(rest, rest.data());
        EXPECT_EQ(rest, payload);
    }
}

TEST(Frame, FromAClientHasANewKeyEachTime) {  // RFC 6455, 5.3
    std::set<std::string> frames;
    for (int i = 0; i < 100; ++i) {
        frames.insert(frame(Role::kClient, Opcode::kText, "Hello"));
    }
    EXPECT_GE(frames.size(), 99u);
}

TEST(Frame, IsAppended) {
    std::string bytes = "before";
    append_frame(Role::kServer, Opcode::kText, "Hello", bytes);
    append_frame(Role::kServer, Opcode::kPong, "", bytes);
    EXPECT_EQ(bytes, "before\x81\x05Hello\x8A\x00"s);
}

TEST(FrameHeader, SaysHowMuchOfItHasArrived) {
    const std::string_view bytes("\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00KEY!payload", 21);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const FrameHeader header(bytes.substr(0, size));
        EXPECT_EQ(header.has_first(), size >= 1);
        EXPECT_EQ(header.has_second(), size >= 2);
        EXPECT_EQ(header.has_length(), size >= 10);
        EXPECT_EQ(header.is_whole(), size >= 14);
    }
    EXPECT_EQ(FrameHeader(bytes).length(), 65536u);
    EXPECT_EQ(FrameHeader(bytes).size(), FrameHeader::kMaxBytes);
}

TEST(FrameHeader, SeesALengthThatIsNotTheShortest) {  // RFC 6455, 5.2
    EXPECT_TRUE(FrameHeader("\x82\x7E\x00\x7D"s).is_length_padded());
    EXPECT_FALSE(FrameHeader("\x82\x7E\x00\x7E"s).is_length_padded());
    EXPECT_TRUE(FrameHeader("\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF"s).is_length_padded());
    EXPECT_FALSE(FrameHeader("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s).is_length_padded());
}

TEST(FrameHeader, ReadsAllSixtyFourBitsOfALength) {
    EXPECT_EQ(FrameHeader("\x82\x7F\xFF\xEE\xDD\xCC\xBB\xAA\x99\x88"s).length(), 0xFFEEDDCCBBAA9988u);
}

TEST(ControlFrame, HoldsUpTo125Bytes) {  // RFC 6455, 5.5
    EXPECT_TRUE(ControlFrame{}.empty());
    EXPECT_EQ(ControlFrame(Role::kServer, Opcode::kPing, "Hello").view(), "\x89\x05Hello");
    EXPECT_EQ(ControlFrame(Role::kClient, Opcode::kPing, std::string(125, 'x')).view().size(), 131u);
    EXPECT_THROW(ControlFrame(Role::kServer, Opcode::kPing, std::string(126, 'x')), std::length_error);
}

}  // namespace
}  // namespace c10k::wire
