#include "base/block_pool.hpp"
#include "wire/sides.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_literals;

// The peer's input and all that comes of it. "fails" stands for a close frame with a code and a reason, and the
// same code and reason for our side.
struct Conversation {
    const char* name;
    std::string (*bytes)(const FrameMaker& peer);
    Lines expected;
};

void PrintTo(const Conversation& conversation, std::ostream* out) { *out << conversation.name; }

const std::string k125 = std::string(125, 'c');
const std::string k126 = std::string(126, 'c');
const std::string kFull = std::string(kMaxMessage, 'm');

// RFC 6455 sections in brackets.
const Conversation kConversations[] = {
    // Messages [5.4, 5.6].
    {"TakesText", [](const FrameMaker& p) { return p.text("Hello"); }, {"text Hello"}},
    {"TakesBinary", [](const FrameMaker& p) { return p.frame(0x82, "\xFF\xFE"); }, {"binary \xFF\xFE"}},
    {"TakesEmptyMessages", [](const FrameMaker& p) { return p.text("") + p.frame(0x82, ""); }, {"text ", "binary "}},
    {"TakesManyMessages",
     [](const FrameMaker& p) { return p.text("a") + p.text("bc") + p.text(""); },
     {"text a", "text bc", "text "}},
    {"TakesSixteenBitLengths", [](const FrameMaker& p) { return p.text(k126); }, {"text " + k126}},
    {"TakesTheLargestMessage",
     [](const FrameMaker& p) { return p.text(kFull) + p.text("b"); },
     {"text " + kFull, "text b"}},
    {"JoinsFragments",
     [](const FrameMaker& p) { return p.frame(0x01, "Hel") + p.frame(0x00, "l") + p.frame(0x80, "o") + p.text("!"); },
     {"text Hello", "text !"}},
    {"JoinsEmptyFragments",
     [](const FrameMaker& p) { return p.frame(0x02, "") + p.frame(0x00, "") + p.frame(0x80, "") + p.text("a"); },
     {"binary ", "text a"}},
    {"JoinsFragmentsUpToTheLargestMessage",
     [](const FrameMaker& p) { return p.frame(0x02, kFull.substr(1)) + p.frame(0x00, "m") + p.frame(0x80, ""); },
     {"binary " + kFull}},

    // Pings and pongs [5.5.2, 5.5.3].
    {"AnswersPings",
     [](const FrameMaker& p) { return p.ping("Hello") + p.ping("") + p.ping(k125); },
     {"reply pong Hello", "reply pong ", "reply pong " + k125}},
    {"ReportsPongs",
     [](const FrameMaker& p) { return p.frame(0x8A, "Hello") + p.frame(0x8A, ""); },
     {"pong Hello", "pong "}},
    {"AnswersPingsInsideMessages",
     [](const FrameMaker& p) {
         return p.frame(0x01, "a\xE2") + p.ping("1") + p.frame(0x00, "\x82") + p.ping("2") + p.frame(0x80, "\xAC");
     },
     {"reply pong 1", "reply pong 2", "text a\xE2\x82\xAC"}},

    // Closing [5.5.1, 7.1].
    {"RepeatsTheCodeOfAClose",
     [](const FrameMaker& p) { return p.close(1000, "bye"); },
     {"reply close 1000", "closed 1000 bye"}},
    {"RepeatsTheAbsenceOfACode",
     [](const FrameMaker& p) { return p.frame(0x88, ""); },
     {"reply close 1005", "closed 1005"}},
    {"TakesTheLongestReason",
     [](const FrameMaker& p) { return p.close(4999, k125.substr(2)); },
     {"reply close 4999", "closed 4999 " + k125.substr(2)}},
    {"TakesACloseInsideAMessage",
     [](const FrameMaker& p) { return p.frame(0x01, "a") + p.close(1001); },
     {"reply close 1001", "closed 1001"}},
    {"IgnoresWhatFollowsAClose",
     [](const FrameMaker& p) {
         return p.text("a") + p.close(1000) + p.text("b") + p.ping("") + p.close(1001) + "\xFF";
     },
     {"text a", "reply close 1000", "closed 1000"}},
    {"RefusesHalfACloseCode", [](const FrameMaker& p) { return p.frame(0x88, "\x03"); }, {"fails 1002"}},
    {"RefusesACloseReasonThatIsNotUtf8", [](const FrameMaker& p) { return p.close(1000, "\xFF"); }, {"fails 1007"}},
    {"RefusesACloseReasonCutInsideACharacter",
     [](const FrameMaker& p) { return p.close(1000, "\xE2\x82"); },
     {"fails 1007"}},

    // Frames [5.1, 5.2].
    {"RefusesWhatOnlyTheOtherSideMayMask",
     [](const FrameMaker& p) { return p.text("a") + p.of_other_side().text("b"); },
     {"text a", "fails 1002"}},
    {"RefusesHttp", [](const FrameMaker&) { return "GET / HTTP/1.1\r\n\r\n"s; }, {"fails 1002"}},
    {"RefusesTheFirstReservedBit", [](const FrameMaker& p) { return p.frame(0xC1, "a"); }, {"fails 1002"}},
    {"RefusesTheSecondReservedBit", [](const FrameMaker& p) { return p.frame(0xA1, "a"); }, {"fails 1002"}},
    {"RefusesTheThirdReservedBit", [](const FrameMaker& p) { return p.frame(0x91, "a"); }, {"fails 1002"}},
    {"RefusesReservedBitsInControlFrames", [](const FrameMaker& p) { return p.frame(0xC9, ""); }, {"fails 1002"}},
    {"RefusesReservedBitsInContinuations",
     [](const FrameMaker& p) { return p.frame(0x01, "a") + p.frame(0xC0, "b"); },
     {"fails 1002"}},
    {"RefusesFragmentedControlFrames", [](const FrameMaker& p) { return p.frame(0x09, ""); }, {"fails 1002"}},
    {"RefusesAFragmentedClose", [](const FrameMaker& p) { return p.frame(0x08, "\x03\xE8"); }, {"fails 1002"}},
    {"RefusesControlFramesOver125Bytes", [](const FrameMaker& p) { return p.frame(0x89, k126); }, {"fails 1002"}},
    {"RefusesControlFramesOfSixtyFourBitLength",
     [](const FrameMaker& p) { return p.header(0x8A, "\x7F\0\0\0\0\0\1\0\0"s); },
     {"fails 1002"}},
    {"RefusesAContinuationOfNothing", [](const FrameMaker& p) { return p.frame(0x80, "a"); }, {"fails 1002"}},
    {"RefusesAContinuationOfAWholeMessage",
     [](const FrameMaker& p) { return p.text("a") + p.frame(0x00, "b"); },
     {"text a", "fails 1002"}},
    {"RefusesAMessageInsideAMessage",
     [](const FrameMaker& p) { return p.frame(0x01, "a") + p.text("b"); },
     {"fails 1002"}},
    {"RefusesAMessageInsideAnEmptyFragment",
     [](const FrameMaker& p) { return p.frame(0x01, "") + p.frame(0x02, "b"); },
     {"fails 1002"}},
    {"DeliversWhatCameBeforeABadFrame",
     [](const FrameMaker& p) {
         return p.text("a") + p.ping("b") + p.frame(0x01, "c") + p.frame(0x80, "d") + p.frame(0x83, "");
     },
     {"text a", "reply pong b", "text cd", "fails 1002"}},
    {"IgnoresWhatFollowsABadFrame",
     [](const FrameMaker& p) { return p.frame(0x83, "") + p.text("a") + p.close(1000); },
     {"fails 1002"}},

    // Lengths [5.2, 10.4].
    {"RefusesAPaddedSixteenBitLength",
     [](const FrameMaker& p) { return p.header(0x81, "\x7E\0\x7D"s); },
     {"fails 1002"}},
    {"RefusesAPaddedSixtyFourBitLength",
     [](const FrameMaker& p) { return p.header(0x81, "\x7F\0\0\0\0\0\0\xFF\xFF"s); },
     {"fails 1002"}},
    {"RefusesALengthWithItsTopBit",
     [](const FrameMaker& p) { return p.header(0x81, "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC"s); },
     {"fails 1002"}},
    {"RefusesTheLargestLength",
     [](const FrameMaker& p) { return p.header(0x81, "\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s); },
     {"fails 1009"}},
    {"RefusesALengthThatFitsOnlyItsLow32Bits",
     [](const FrameMaker& p) { return p.header(0x81, "\x7F\0\0\0\1\0\0\0\1"s); },
     {"fails 1009"}},
    {"RefusesATooBigMessageAtItsHeader",
     [](const FrameMaker& p) { return p.text("a") + p.header(0x82, "\x7E\x03\xE9"); },
     {"text a", "fails 1009"}},
    {"RefusesTooBigFragmentsAtTheHeaderThatIsTooMuch",
     [](const FrameMaker& p) { return p.frame(0x02, kFull) + p.frame(0x00, "") + p.header(0x80, "\1"); },
     {"fails 1009"}},

    // Text [5.6, 8.1].
    {"TakesACharacterCutByFragments",
     [](const FrameMaker& p) { return p.frame(0x01, "\xF0\x9F") + p.frame(0x00, "\x98") + p.frame(0x80, "\x80"); },
     {"text \xF0\x9F\x98\x80"}},
    {"DoesNotReadBinaryAsText",
     [](const FrameMaker& p) { return p.frame(0x02, "\xF0") + p.frame(0x80, "\x28"); },
     {"binary \xF0\x28"}},
    {"RefusesTextThatIsNotUtf8", [](const FrameMaker& p) { return p.text("caf\xE9!"); }, {"fails 1007"}},
    {"RefusesASurrogate", [](const FrameMaker& p) { return p.text("\xED\xA0\x80"); }, {"fails 1007"}},
    {"RefusesTextThatEndsInsideACharacter", [](const FrameMaker& p) { return p.text("a\xE2\x82"); }, {"fails 1007"}},
    {"RefusesFragmentsThatEndInsideACharacter",
     [](const FrameMaker& p) { return p.frame(0x01, "a\xE2") + p.frame(0x00, "\x82") + p.frame(0x80, ""); },
     {"fails 1007"}},
    {"RefusesFragmentsThatDoNotMakeACharacter",
     [](const FrameMaker& p) { return p.frame(0x01, "\xE2\x82") + p.frame(0x00, "") + p.frame(0x80, "a"); },
     {"fails 1007"}},
    {"RefusesBadTextAfterAPing",
     [](const FrameMaker& p) { return p.frame(0x01, "\xF4") + p.ping("a") + p.frame(0x80, "\x90\x80\x80"); },
     {"reply pong a", "fails 1007"}},
    {"RefusesBadTextBeforeTheFrameEnds",
     [](const FrameMaker& p) { return p.header(0x81, "\x7E\x03\xE8") + p.masked("\xFF"); },
     {"fails 1007"}},
    {"RefusesBadTextBeforeTheMessageEnds",
     [](const FrameMaker& p) { return p.frame(0x01, "\xE0\x80"); },
     {"fails 1007"}},
};

Lines lines_of(Role role, const std::vector<std::string_view>& parts) {
    Side side(role);
    for (const std::string_view part : parts) {
        side.receive(part);
    }
    return with_failures(side.lines);
}

class ProtocolRule : public testing::TestWithParam<std::tuple<Role, Conversation>> {
protected:
    [[nodiscard]] static Role role() { return std::get<0>(GetParam()); }
    [[nodiscard]] static const Lines& expected() { return std::get<1>(GetParam()).expected; }
};

TEST_P(ProtocolRule, HoldsHoweverTheBytesAreCut) {
    const std::string owner = std::get<1>(GetParam()).bytes(FrameMaker(role()));
    const std::string_view bytes = owner;
    ASSERT_EQ(lines_of(role(), {bytes}), expected());
    ASSERT_EQ(lines_of(role(), cut(bytes, [] { return 1; })), expected()) << "byte by byte";
    for (std::size_t split = 1; split < bytes.size(); ++split) {
        ASSERT_EQ(lines_of(role(), {bytes.substr(0, split), bytes.substr(split)}), expected()) << "split at " << split;
    }
    std::mt19937 random(6455);
    for (int round = 0; round < 50; ++round) {
        const unsigned largest = round % 2 == 0 ? 5 : 200;
        ASSERT_EQ(lines_of(role(), cut(bytes, [&] { return 1 + random() % largest; })), expected())
            << "round " << round;
    }
}

INSTANTIATE_TEST_SUITE_P(Rfc6455, ProtocolRule,
                         testing::Combine(testing::Values(Role::kServer, Role::kClient),
                                          testing::ValuesIn(kConversations)),
                         [](const auto& info) {
                             const bool is_server = std::get<0>(info.param) == Role::kServer;
                             return std::string(is_server ? "Server" : "Client") + std::get<1>(info.param).name;
                         });

class ProtocolRoles : public testing::TestWithParam<Role> {};

INSTANTIATE_TEST_SUITE_P(Rfc6455, ProtocolRoles, testing::Values(Role::kServer, Role::kClient),
                         [](const auto& info) { return info.param == Role::kServer ? "Server" : "Client"; });

TEST_P(ProtocolRoles, RefuseEveryReservedOpcode) {  // RFC 6455, 5.2
    const FrameMaker peer(GetParam());
    for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
        EXPECT_EQ(lines_of(GetParam(), {peer.frame(0x80 | opcode, "")}), Lines{"fails 1002"}) << opcode;
        EXPECT_EQ(lines_of(GetParam(), {peer.frame(opcode, "a")}), Lines{"fails 1002"}) << opcode;
    }
}

TEST_P(ProtocolRoles, TakeACloseCodeOnlyIfItMayBeSent) {  // RFC 6455, 7.4
    const FrameMaker peer(GetParam());
    for (int code = 0; code <= 0xFFFF; ++code) {
        const bool is_valid = (1000 <= code && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                              (3000 <= code && code <= 4999);
        const std::string number = std::to_string(code);
        ASSERT_EQ(lines_of(GetParam(), {peer.close(code)}),
                  (is_valid ? Lines{"reply close " + number, "closed " + number} : Lines{"fails 1002"}));
    }
}

TEST_P(ProtocolRoles, GiveTheSameEventsForDamagedBytesHoweverCut) {
    const FrameMaker peer(GetParam());
    const std::string good = peer.text("a") + peer.frame(0x01, "b\xE2") + peer.ping("c") +
                             peer.frame(0x80, "\x82\xAC") + peer.frame(0x82, k126) + peer.frame(0x8A, "d") +
                             peer.close(1000, "\xC3\xA9");
    std::mt19937 random(6455);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes = good;
        for (unsigned damage = 0; damage < 1 + random() % 3; ++damage) {
            bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
        }
        const Lines whole = lines_of(GetParam(), {bytes});
        ASSERT_EQ(lines_of(GetParam(), cut(bytes, [] { return 1; })), whole) << round;
        ASSERT_EQ(lines_of(GetParam(), cut(bytes, [&] { return 1 + random() % 40; })), whole) << round;
    }
}

TEST_P(ProtocolRoles, GoOnAfterAPauseWhereverItBegan) {
    const FrameMaker peer(GetParam());
    const std::string bytes = peer.frame(0x01, "a") + peer.ping("between") + peer.frame(0x80, k126) + peer.close(1000);
    const Lines expected = lines_of(GetParam(), {bytes});
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        Side side(GetParam());
        side.receive(std::string_view{bytes}.substr(0, at));
        const Lines before = side.lines;
        side.protocol.pause();
        side.protocol.pause();  // once is enough
        for (const std::string_view part : cut(std::string_view{bytes}.substr(at), [] { return 5; })) {
            side.receive(part);
        }
        EXPECT_EQ(side.lines, before) << at;
        EXPECT_TRUE(side.protocol.is_paused());
        side.protocol.resume(side);
        EXPECT_EQ(side.lines, expected) << at;
        EXPECT_FALSE(side.protocol.is_paused());
        EXPECT_EQ(side.protocol.held_bytes(), 0U);
    }
}

TEST_P(ProtocolRoles, CompleteAClosingHandshakeOfTheirOwn) {  // RFC 6455, 7.1.2
    Side side(GetParam());
    EXPECT_EQ(side.protocol.state(), Protocol::State::kOpen);
    EXPECT_EQ(described(side.protocol.close(1001, "going away").view(), GetParam()), "close 1001 going away");
    EXPECT_EQ(side.protocol.state(), Protocol::State::kClosing);
    side.receive(FrameMaker(GetParam()).close(1001));
    EXPECT_EQ(side.lines, Lines{"closed 1001"});
    EXPECT_EQ(side.protocol.state(), Protocol::State::kClosed);
}

TEST_P(ProtocolRoles, CloseOnce) {
    Side side(GetParam());
    EXPECT_FALSE(side.protocol.close(1000).empty());
    EXPECT_TRUE(side.protocol.close(1001).empty());
    side.receive(FrameMaker(GetParam()).close(1000));
    EXPECT_TRUE(side.protocol.close(1001).empty());

    Side failed(GetParam());
    failed.receive("\xFF");
    EXPECT_EQ(failed.protocol.state(), Protocol::State::kFailed);
    EXPECT_TRUE(failed.protocol.close(1000).empty());
}

TEST_P(ProtocolRoles, DropWhatArrivesBetweenTheTwoCloseFrames) {
    const FrameMaker peer(GetParam());
    Side side(GetParam());
    const std::string rest = peer.frame(0x00, "and the rest");
    side.receive(peer.frame(0x01, "begun") + rest.substr(0, 9));
    static_cast<void>(side.protocol.close(1000));
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
    side.receive(rest.substr(9) + peer.ping("p") + peer.frame(0x80, "end"));
    side.receive(peer.text("whole") + peer.frame(0x8A, "late") + peer.text("\xFF") + peer.frame(0x02, kFull));
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
    side.receive(peer.frame(0x80, kFull) + peer.close(1000, "done") + peer.text("after"));
    EXPECT_EQ(side.lines, Lines{"closed 1000 done"});
}

TEST_P(ProtocolRoles, SendNoSecondCloseForAnErrorAfterTheirOwn) {
    Side side(GetParam());
    static_cast<void>(side.protocol.close(1000));
    side.receive(FrameMaker(GetParam()).frame(0x83, ""));
    ASSERT_EQ(side.lines.size(), 1u);
    EXPECT_TRUE(side.lines[0].starts_with("failed 1002 "));
    EXPECT_EQ(side.protocol.state(), Protocol::State::kFailed);
}

TEST_P(ProtocolRoles, CutACloseReasonBetweenCharacters) {  // RFC 6455, 5.5
    const std::string reason = std::string(122, 'x') + "\xC3\xA9";
    EXPECT_EQ(described(Protocol(GetParam()).close(1000, reason).view(), GetParam()),
              "close 1000 " + std::string(122, 'x'));
    EXPECT_EQ(described(Protocol(GetParam()).close(1000, k125).view(), GetParam()), "close 1000 " + k125.substr(2));
}

TEST_P(ProtocolRoles, NeverSendAnInvalidClose) {  // RFC 6455, 7.4.1
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
        EXPECT_THROW(static_cast<void>(Protocol(GetParam()).close(static_cast<std::uint16_t>(code))), std::logic_error);
    }
    EXPECT_THROW(static_cast<void>(Protocol(GetParam()).close(1000, "\xFF")), std::logic_error);
}

TEST_P(ProtocolRoles, PingWhileOpen) {
    Protocol protocol(GetParam());
    EXPECT_EQ(described(protocol.ping("Hello").view(), GetParam()), "ping Hello");
    EXPECT_THROW(static_cast<void>(protocol.ping(k126)), std::logic_error);
    static_cast<void>(protocol.close(1000));
    EXPECT_TRUE(protocol.ping("Hello").empty());
}

TEST_P(ProtocolRoles, LetACallbackClose) {
    class Closer final : public Side {
    public:
        using Side::Side;
        void on_message(Message message) override {
            Side::on_message(std::move(message));
            EXPECT_FALSE(protocol.close(1008).empty());
        }
        void on_reply(std::string_view frame) override {
            Side::on_reply(frame);
            static_cast<void>(protocol.close(1008));
        }
    };
    const FrameMaker peer(GetParam());
    Closer on_message(GetParam());
    on_message.receive(peer.text("a") + peer.text("b") + peer.ping("c") + peer.close(1008));
    EXPECT_EQ(on_message.lines, (Lines{"text a", "closed 1008"}));

    Closer on_ping(GetParam());
    on_ping.receive(peer.frame(0x01, "a") + peer.ping("b") + peer.frame(0x80, "c") + peer.close(1008));
    EXPECT_EQ(on_ping.lines, (Lines{"reply pong b", "closed 1008"}));
}

TEST_P(ProtocolRoles, OwnNothingBetweenMessages) {
    const FrameMaker peer(GetParam());
    Side side(GetParam());
    for (const std::string& bytes : {peer.text("Hello"), peer.ping("Hello")}) {
        EXPECT_EQ(side.protocol.held_bytes(), 0u);
        side.receive(std::string_view(bytes).substr(0, bytes.size() - 1));
        EXPECT_GT(side.protocol.held_bytes(), 0u);
        side.receive(std::string_view(bytes).substr(bytes.size() - 1));
        EXPECT_EQ(side.protocol.held_bytes(), 0u);
    }
    side.receive(peer.frame(0x01, "Hello"));
    EXPECT_GT(side.protocol.held_bytes(), 0u);
    side.receive(peer.close(1000));
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
    EXPECT_EQ(side.lines, (Lines{"text Hello", "reply pong Hello", "reply close 1000", "closed 1000"}));
}

TEST_P(ProtocolRoles, PayNothingForAnAnnouncement) {
    const FrameMaker peer(GetParam());
    Side side(GetParam(), {.max_message_bytes = 1 << 30});
    side.receive(peer.header(0x82, "\x7F\0\0\0\0\x40\0\0\0"s));
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
    for (std::size_t sent = 100; sent <= 10'000; sent += 100) {
        side.receive(std::string(100, 'x'));
        ASSERT_LE(side.protocol.held_bytes(), BlockPool::rounded(2 * sent + 100));
    }
    EXPECT_EQ(side.lines, Lines{});
}

TEST_P(ProtocolRoles, HoldNoMoreThanTheMessageOnceItsSizeIsKnown) {
    const std::string bytes = FrameMaker(GetParam()).frame(0x82, kFull);
    Side side(GetParam(), {.max_message_bytes = 1 << 30});
    side.receive(std::string_view(bytes).substr(0, 700));
    side.receive(std::string_view(bytes).substr(700, 200));
    EXPECT_LE(side.protocol.held_bytes(), BlockPool::rounded(kFull.size() + 32));
}

TEST_P(ProtocolRoles, PayNothingForEmptyContinuations) {
    const FrameMaker peer(GetParam());
    Side side(GetParam(), {.max_fragments = 100'002});
    side.receive(peer.frame(0x01, ""));
    for (int i = 0; i < 100'000; ++i) {
        side.receive(peer.frame(0x00, ""));
    }
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
    side.receive(peer.frame(0x80, "a"));
    EXPECT_EQ(side.lines, Lines{"text a"});
}

TEST_P(ProtocolRoles, PayLessThanTwoBytesForAFragmentOfOneByte) {
    const FrameMaker peer(GetParam());
    Side side(GetParam(), {.max_message_bytes = 131'000, .max_fragments = 131'002});
    side.receive(peer.frame(0x02, ""));
    for (std::size_t sent = 1; sent <= 131'000; ++sent) {
        side.receive(peer.frame(0x00, "x"));
        ASSERT_LE(side.protocol.held_bytes(), BlockPool::rounded(2 * sent + 100));
    }
    EXPECT_LE(side.protocol.held_bytes(), 131'100u);
    side.receive(peer.frame(0x00, "x"));
    EXPECT_EQ(with_failures(side.lines), Lines{"fails 1009"});
    EXPECT_EQ(side.protocol.held_bytes(), 0u);
}

// CVE-2026-48779: a flood of empty or tiny fragments, which no limit of bytes ends.
TEST_P(ProtocolRoles, Cve202648779EndAMessageInTooManyFragmentsWith1008) {
    const FrameMaker peer(GetParam());
    for (const std::string_view payload : {"", "x"}) {
        Side side(GetParam(), {.max_fragments = 1000});
        side.receive(peer.frame(0x02, payload));
        for (int i = 1; i < 1000; ++i) {
            side.receive(peer.ping("") + peer.frame(0x00, payload));
        }
        EXPECT_EQ(side.lines.back(), "reply pong ");
        side.receive(peer.frame(0x00, payload).substr(0, 1));  // the first byte is enough
        EXPECT_EQ(with_failures(side.lines).back(), "fails 1008");
        EXPECT_EQ(side.protocol.held_bytes(), 0u);
    }
}

// The public suite sends 65,536 fragments and an empty last one (9.3.1, 9.4.1).
TEST_P(ProtocolRoles, Row43TakeAMessageIn131072FragmentsByDefaultAndNotInOneMore) {
    const FrameMaker peer(GetParam());
    for (const std::string_view payload : {"", "x"}) {
        Side side(GetParam(), {});
        const std::string fragment = peer.frame(0x00, payload);
        side.receive(peer.frame(0x02, payload));
        for (int sent = 1; sent < 131'071; ++sent) {
            side.receive(fragment);
        }
        EXPECT_LE(side.protocol.held_bytes(), BlockPool::rounded(2 * 131'072 * payload.size() + 100));
        side.receive(peer.frame(0x80, payload));
        ASSERT_EQ(side.messages.size(), 1u);
        EXPECT_EQ(side.messages[0].size(), 131'072 * payload.size());

        side.receive(peer.frame(0x02, payload));
        for (int sent = 1; sent < 131'072; ++sent) {
            side.receive(fragment);
        }
        EXPECT_EQ(side.protocol.state(), Protocol::State::kOpen);
        side.receive(peer.frame(0x80, payload));
        EXPECT_EQ(with_failures(side.lines).back(), "fails 1008");
        EXPECT_EQ(side.protocol.held_bytes(), 0u);
    }
}

TEST_P(ProtocolRoles, CountTheFragmentsOfOneMessageOnly) {
    const FrameMaker peer(GetParam());
    Side side(GetParam(), {.max_fragments = 2});
    for (int i = 0; i < 3; ++i) {
        side.receive(peer.frame(0x01, "a") + peer.frame(0x80, "b") + peer.text("c"));
    }
    EXPECT_EQ(side.lines, (Lines{"text ab", "text c", "text ab", "text c", "text ab", "text c"}));
}

TEST_P(ProtocolRoles, EndAMessageWithAFragmentTooBigWith1009) {
    const FrameMaker peer(GetParam());
    for (const std::string_view start : {"", "x"}) {
        Side side(GetParam(), {.max_fragment_bytes = 10});
        side.receive(peer.text("one frame is no fragment"));
        side.receive(peer.frame(0x01, start));
        side.receive(peer.frame(0x80, "0123456789"));
        EXPECT_EQ(side.messages.size(), 2u);
        if (!start.empty()) {
            side.receive(peer.frame(0x01, start));
        }
        side.receive(peer.frame(start.empty() ? 0x01 : 0x80, "0123456789a").substr(0, 2));  // where it is announced
        EXPECT_EQ(with_failures(side.lines).back(), "fails 1009");
    }
}

TEST(Protocol, UnmasksLargeFramesCutAnywhere) {
    std::mt19937 random(6455);
    std::string payload;
    for (int i = 0; i < 300'000; ++i) {
        payload += static_cast<char>(random());
    }
    std::string bytes;
    append_frame(Role::kClient, Opcode::kBinary, payload, bytes);
    for (const std::size_t largest : {700u, 70'000u, 700'000u}) {
        Side side(Role::kServer, {.max_message_bytes = 300'000});
        for (const std::string_view part : cut(bytes, [&] { return 1 + random() % largest; })) {
            side.receive(part);
        }
        ASSERT_EQ(side.messages.size(), 1u);
        EXPECT_TRUE(side.messages[0] == payload);
    }
}

TEST(Protocol, RefusesALimitThatNoMessageCanHave) {
    const WebSocketLimits too_large{.max_message_bytes = (1u << 30) + 1};
    EXPECT_THROW(Protocol(Role::kServer, too_large), std::logic_error);
    const WebSocketLimits too_many{.max_fragments = 1u << 24};
    EXPECT_THROW(Protocol(Role::kServer, too_many), std::logic_error);
}

TEST(Protocol, CarriesMessagesThereAndBack) {
    Side client(Role::kClient, {});
    Side server(Role::kServer, {});
    std::vector<Message> sent;
    for (const std::size_t size : {0, 1, 7, 8, 125, 126, 127, 1000, 65535, 65536, 100'000}) {
        sent.emplace_back(std::string(size, 'x'));
        sent.push_back(Message::binary(std::string(size, '\xFF')));
    }
    for (const Message& message : sent) {
        std::string bytes;
        append_frame(Role::kClient, message.is_text() ? Opcode::kText : Opcode::kBinary, message, bytes);
        server.receive(bytes);
        ASSERT_FALSE(server.messages.empty());
        client.receive(server.messages.back().frame());
    }
    ASSERT_EQ(client.messages.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_TRUE(client.messages[i] == sent[i] && client.messages[i].kind() == sent[i].kind()) << i;
    }

    server.receive(client.protocol.ping("still there?").view());
    client.receive(server.replies);
    EXPECT_EQ(client.lines.back(), "pong still there?");

    server.replies.clear();
    server.receive(client.protocol.close(1000, "bye").view());
    client.receive(server.replies);
    EXPECT_EQ(server.lines.back(), "closed 1000 bye");
    EXPECT_EQ(client.lines.back(), "closed 1000");
    EXPECT_EQ(server.protocol.state(), Protocol::State::kClosed);
    EXPECT_EQ(client.protocol.state(), Protocol::State::kClosed);
}

}  // namespace
}  // namespace c10k::wire
