#include "wire/sides.hpp"
#include "wire/zlib_peer.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_literals;

const std::string kHello = "\xF2\x48\xCD\xC9\xC9\x07\x00"s;  // RFC 7692, 7.2.3.1
const std::string kHelloAgain = "\xF2\x00\x11\x00\x00"s;     // 7.2.3.2
const std::string kFull = std::string(kMaxMessage, 'm');

// A payload made anew, that refers to nothing before it.
std::string fresh(std::string_view payload) { return ZlibSender{}.message(payload); }

// A side that has agreed on compression.
class DeflateSide : public Side {
public:
    enum class Context { kKept, kForgotten };

    explicit DeflateSide(Role role, Context context = Context::kKept) : Side(role) {
        const bool forgets = context == Context::kForgotten;
        protocol.use(std::make_unique<PermessageDeflate>(role,
                                                         DeflateParameters{.server_no_context_takeover = forgets,
                                                                           .client_no_context_takeover = forgets,
                                                                           .server_max_window_bits = {},
                                                                           .client_max_window_bits = {}},
                                                         0, pool()));
    }

private:
    static DeflatePool& pool() {
        static DeflatePool shared;
        return shared;
    }
};
using Context = DeflateSide::Context;

struct Conversation {
    const char* name;
    std::string (*bytes)(const FrameMaker& peer);
    Lines expected;
};

void PrintTo(const Conversation& conversation, std::ostream* out) { *out << conversation.name; }

// RFC 7692 sections in brackets, and rows.
const Conversation kConversations[] = {
    // Messages [6.2, 7.2.2].
    {"TakesACompressedMessage", [](const FrameMaker& p) { return p.frame(0xC1, kHello); }, {"text Hello"}},
    {"TakesBinary", [](const FrameMaker& p) { return p.frame(0xC2, fresh("\xFF\xFE\xFF")); }, {"binary \xFF\xFE\xFF"}},
    {"TakesPlainMessagesBetweenCompressedOnes",
     [](const FrameMaker& p) { return p.text("a") + p.frame(0xC1, kHello) + p.text("b") + p.frame(0xC1, fresh("c")); },
     {"text a", "text Hello", "text b", "text c"}},
    {"Row52TakesAFinalBlock",
     [](const FrameMaker& p) { return p.frame(0xC1, "\xF3\x48\xCD\xC9\xC9\x07\x00\x00"s); },
     {"text Hello"}},
    {"Row52TakesAStoredBlock",
     [](const FrameMaker& p) { return p.frame(0xC1, "\x00\x05\x00\xFA\xFFHello\x00"s); },
     {"text Hello"}},
    {"Row52TakesAnEmptyMessage",
     [](const FrameMaker& p) { return p.frame(0xC1, "\0"s) + p.frame(0xC2, "\0"s); },
     {"text ", "binary "}},
    {"Row52JoinsFragments",
     [](const FrameMaker& p) {
         return p.frame(0x41, kHello.substr(0, 3)) + p.frame(0x00, kHello.substr(3, 1)) +
                p.frame(0x80, kHello.substr(4)) + p.text("!");
     },
     {"text Hello", "text !"}},
    {"JoinsEmptyFragments",
     [](const FrameMaker& p) {
         return p.frame(0x41, "") + p.frame(0x00, kHello) + p.frame(0x00, "") + p.frame(0x80, "") + p.text("!");
     },
     {"text Hello", "text !"}},
    {"AnswersPingsInsideMessages",
     [](const FrameMaker& p) {
         return p.frame(0x41, kHello.substr(0, 2)) + p.ping("1") + p.frame(0x80, kHello.substr(2)) + p.ping("2");
     },
     {"reply pong 1", "text Hello", "reply pong 2"}},
    {"TakesTheLargestMessage",
     [](const FrameMaker& p) { return p.frame(0xC1, fresh(kFull)) + p.text("b"); },
     {"text " + kFull, "text b"}},
    {"TakesWhatIsLargerThanItWas",
     [](const FrameMaker& p) {
         return p.frame(0xC1, ZlibSender{15, 0}.message(kFull));
     },
     {"text " + kFull}},
    {"TakesACloseInsideAMessage",
     [](const FrameMaker& p) { return p.frame(0x41, kHello) + p.close(1001); },
     {"reply close 1001", "closed 1001"}},

    // Reserved bits [6; RFC 6455, 5.2].
    {"Row48RefusesTheBitInContinuations",
     [](const FrameMaker& p) { return p.frame(0x41, kHello.substr(0, 3)) + p.frame(0xC0, kHello.substr(3)); },
     {"fails 1002"}},
    {"Row48RefusesTheBitInPings", [](const FrameMaker& p) { return p.frame(0xC9, ""); }, {"fails 1002"}},
    {"Row48RefusesTheBitInPongs", [](const FrameMaker& p) { return p.frame(0xCA, ""); }, {"fails 1002"}},
    {"Row48RefusesTheBitInCloseFrames", [](const FrameMaker& p) { return p.frame(0xC8, "\x03\xE8"); }, {"fails 1002"}},
    {"Row48RefusesTheSecondBit", [](const FrameMaker& p) { return p.frame(0xA1, "a"); }, {"fails 1002"}},
    {"Row48RefusesTheThirdBit", [](const FrameMaker& p) { return p.frame(0x91, "a"); }, {"fails 1002"}},
    {"Row48RefusesTheFirstBitWithAnother", [](const FrameMaker& p) { return p.frame(0xE1, kHello); }, {"fails 1002"}},
    {"Row48RefusesTheBitOnReservedOpcodes", [](const FrameMaker& p) { return p.frame(0xC3, kHello); }, {"fails 1002"}},
    {"RefusesACompressedMessageInsideAMessage",
     [](const FrameMaker& p) { return p.frame(0x01, "a") + p.frame(0xC1, kHello); },
     {"fails 1002"}},

    // Corrupt data [7.2.2].
    {"Row49RefusesCorruptData", [](const FrameMaker& p) { return p.frame(0xC2, "\xFF\xFF"); }, {"fails 1007"}},
    {"Row49RefusesCorruptDataInsideAFragment",
     [](const FrameMaker& p) { return p.frame(0x42, "\x07"); },
     {"fails 1007"}},
    {"Row49RefusesWhatIsCutShort",
     [](const FrameMaker& p) { return p.frame(0xC1, kHello.substr(0, 5)); },
     {"fails 1007"}},
    {"Row49RefusesWhatFollowsTheEnd",
     [](const FrameMaker& p) { return p.frame(0xC1, kHello + "\x00\x00\xFF\xFF"s); },
     {"fails 1007"}},
    {"Row49RefusesAnEmptyPayload", [](const FrameMaker& p) { return p.frame(0xC1, ""); }, {"fails 1007"}},
    {"Row49RefusesAReferenceToNothing", [](const FrameMaker& p) { return p.frame(0xC1, kHelloAgain); }, {"fails 1007"}},

    // Sizes [8; RFC 6455, 10.4].
    {"Row50RefusesOneByteTooMany",
     [](const FrameMaker& p) { return p.frame(0xC1, fresh(kFull + "m")); },
     {"fails 1009"}},
    {"Row50RefusesABombInsideAFragment",
     [](const FrameMaker& p) { return p.frame(0x42, fresh(std::string(100'000, 'm'))); },
     {"fails 1009"}},
    {"Row50RefusesABombInFragments",
     [](const FrameMaker& p) {
         const std::string bomb = fresh(std::string(20'000, 'm'));
         std::string bytes = p.frame(0x42, "");
         for (const char c : bomb) {
             bytes += p.frame(0x00, std::string{c});
         }
         return bytes;
     },
     {"fails 1009"}},
    {"Row50TakesTheLargestMessageAgainAndAgain",
     [](const FrameMaker& p) { return p.frame(0xC2, fresh(kFull)) + p.frame(0xC2, fresh(kFull)); },
     {"binary " + kFull, "binary " + kFull}},
    {"RefusesACompressedFrameOfNoUse",
     [](const FrameMaker& p) { return p.header(0xC2, "\x7E\x08\x66"); },
     {"fails 1009"}},
    {"RefusesACompressedContinuationOfNoUse",
     [](const FrameMaker& p) { return p.frame(0x42, "") + p.header(0x80, "\x7E\x08\x66"); },
     {"fails 1009"}},
    {"TakesTheLengthOfAPlainMessageAsItIs",
     [](const FrameMaker& p) { return p.frame(0xC1, kHello) + p.header(0x82, "\x7E\x03\xE9"); },
     {"text Hello", "fails 1009"}},

    // Text [RFC 6455, 8.1].
    {"Row51RefusesTextThatIsNotUtf8",
     [](const FrameMaker& p) { return p.frame(0xC1, fresh("caf\xE9!")); },
     {"fails 1007"}},
    {"Row51RefusesBadTextInsideAFragment",
     [](const FrameMaker& p) { return p.frame(0x41, fresh("a\xFF" + kFull).substr(0, 8)); },
     {"fails 1007"}},
    {"Row51RefusesTextThatEndsInsideACharacter",
     [](const FrameMaker& p) { return p.frame(0xC1, fresh("a\xE2\x82")); },
     {"fails 1007"}},
    {"Row51FindsBadTextBeforeItIsTooMuch",
     [](const FrameMaker& p) { return p.frame(0xC1, fresh("\xFF" + kFull + kFull)); },
     {"fails 1007"}},
    {"TakesACharacterCutByFragments",
     [](const FrameMaker& p) {
         ZlibSender sender;
         const std::string begin = sender.part("\xF0\x9F", Z_SYNC_FLUSH);
         return p.frame(0x41, begin) + p.frame(0x80, sender.message("\x98\x80"));
     },
     {"text \xF0\x9F\x98\x80"}},
};

Lines lines_of(Role role, Context context, const std::vector<std::string_view>& parts) {
    DeflateSide side(role, context);
    for (const std::string_view part : parts) {
        side.receive(part);
    }
    return with_failures(side.lines);
}

class DeflateRule : public testing::TestWithParam<std::tuple<Role, Context, Conversation>> {};

TEST_P(DeflateRule, HoldsHoweverTheBytesAreCut) {
    const auto& [role, context, conversation] = GetParam();
    const std::string owner = conversation.bytes(FrameMaker(role));
    const std::string_view bytes = owner;
    const Lines& expected = conversation.expected;
    ASSERT_EQ(lines_of(role, context, {bytes}), expected);
    ASSERT_EQ(lines_of(role, context, cut(bytes, [] { return 1; })), expected) << "byte by byte";
    for (std::size_t split = 1; split < bytes.size(); ++split) {
        ASSERT_EQ(lines_of(role, context, {bytes.substr(0, split), bytes.substr(split)}), expected)
            << "split at " << split;
    }
}

INSTANTIATE_TEST_SUITE_P(Rfc7692, DeflateRule,
                         testing::Combine(testing::Values(Role::kServer, Role::kClient),
                                          testing::Values(Context::kKept, Context::kForgotten),
                                          testing::ValuesIn(kConversations)),
                         [](const auto& info) {
                             const bool is_server = std::get<0>(info.param) == Role::kServer;
                             const bool is_kept = std::get<1>(info.param) == Context::kKept;
                             return std::string(is_server ? "Server" : "Client") + (is_kept ? "" : "WithoutContext") +
                                    std::get<2>(info.param).name;
                         });

class DeflateRoles : public testing::TestWithParam<Role> {};

INSTANTIATE_TEST_SUITE_P(Rfc7692, DeflateRoles, testing::Values(Role::kServer, Role::kClient),
                         [](const auto& info) { return info.param == Role::kServer ? "Server" : "Client"; });

TEST_P(DeflateRoles, KeepTheContextIfThatIsAgreedOn) {  // RFC 7692, 7.2.3.2
    const FrameMaker peer(GetParam());
    const std::string bytes = peer.frame(0xC1, kHello) + peer.text("plain") + peer.frame(0xC1, kHelloAgain);
    EXPECT_EQ(lines_of(GetParam(), Context::kKept, {bytes}), (Lines{"text Hello", "text plain", "text Hello"}));
    EXPECT_EQ(lines_of(GetParam(), Context::kForgotten, {bytes}), (Lines{"text Hello", "text plain", "fails 1007"}));
}

TEST_P(DeflateRoles, GiveTheSameEventsForDamagedBytesHoweverCut) {
    const FrameMaker peer(GetParam());
    ZlibSender sender;
    const std::string cut_in_two = sender.message("and then comes \xE2\x82\xAC, and then comes \xE2\x82\xAC");
    const std::string good = peer.frame(0xC1, sender.message("and then, and then, and then")) + peer.text("plain") +
                             peer.frame(0x41, cut_in_two.substr(0, 20)) + peer.ping("c") +
                             peer.frame(0x80, cut_in_two.substr(20)) + peer.frame(0xC2, sender.message(kFull)) +
                             peer.close(1000);
    std::mt19937 random(7692);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes = good;
        for (unsigned damage = 0; damage < 1 + random() % 3; ++damage) {
            bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
        }
        const Context context = round % 2 == 0 ? Context::kKept : Context::kForgotten;
        const Lines whole = lines_of(GetParam(), context, {bytes});
        ASSERT_EQ(lines_of(GetParam(), context, cut(bytes, [] { return 1; })), whole) << round;
        ASSERT_EQ(lines_of(GetParam(), context, cut(bytes, [&] { return 1 + random() % 40; })), whole) << round;
    }
}

TEST_P(DeflateRoles, HoldNothingOfAMessageThatNobodyWillRead) {
    const FrameMaker peer(GetParam());
    DeflateSide side(GetParam());
    side.receive(peer.frame(0x41, kHello.substr(0, 5)));
    EXPECT_GT(side.protocol.held_bytes(), 0U);
    static_cast<void>(side.protocol.close(1000));
    EXPECT_EQ(side.protocol.held_bytes(), 0U);
    side.receive(peer.frame(0x80, "corrupt, but who reads it") + peer.frame(0xC1, "neither this") + peer.close(1000));
    EXPECT_EQ(side.lines, Lines{"closed 1000"});
}

// Row 50: many small frames can be many large messages, and must not all be inflated at once.
TEST_P(DeflateRoles, Row50ReadOnlyAsFarAsTheyAreAskedTo) {
    class Reader final : public DeflateSide {
    public:
        using DeflateSide::DeflateSide;
        void on_message(Message message) override {
            Side::on_message(std::move(message));
            protocol.pause();
            protocol.pause();  // once is enough
        }
    };
    const FrameMaker peer(GetParam());
    Reader reader(GetParam());
    std::string bytes;
    Lines expected;
    for (int i = 0; i < 10; ++i) {
        bytes += peer.frame(0xC2, fresh(kFull)) + peer.text(std::to_string(i));
        expected.push_back("binary " + kFull);
        expected.push_back("text " + std::to_string(i));
    }
    bytes += peer.close(1000);
    reader.receive(std::string_view{bytes}.substr(0, 100));
    reader.receive(std::string_view{bytes}.substr(100));
    EXPECT_EQ(reader.lines.size(), 1U);
    EXPECT_TRUE(reader.protocol.is_paused());
    for (std::size_t read = 2; read <= expected.size(); ++read) {
        reader.protocol.resume(reader);
        ASSERT_EQ(reader.lines.size(), read);
    }
    EXPECT_EQ(reader.lines, expected);
    reader.protocol.resume(reader);
    EXPECT_EQ(reader.lines.back(), "closed 1000");
    EXPECT_FALSE(reader.protocol.is_paused());
}

TEST(DeflateProtocol, CarriesMessagesThereAndBack) {
    for (const Context context : {Context::kKept, Context::kForgotten}) {
        DeflateSide client(Role::kClient, context);
        DeflateSide server(Role::kServer, context);
        for (const std::size_t size : {1, 10, 100, 125, 126, 999, 1000}) {
            for (const Message& message :
                 {Message{std::string(size, 'x')}, Message::binary(std::string(size, '\xFF'))}) {
                const auto there = client.protocol.deflate()->compress(message.kind(), message.view());
                const internal::EncodedFrame& sent = there ? *there : message.encoded_frame();
                std::string frame(frame_bytes(Role::kClient, sent.payload().size()), '\0');
                EXPECT_EQ(write_frame(Role::kClient, sent, frame.data()), frame.data() + frame.size());
                EXPECT_EQ(there.has_value(), size >= 10) << size;
                server.receive(frame);
                ASSERT_FALSE(server.messages.empty());
                ASSERT_TRUE(server.messages.back() == message && server.messages.back().kind() == message.kind());

                const auto back = server.protocol.deflate()->compress(message.kind(), message.view());
                client.receive((back ? *back : message.encoded_frame()).bytes());
                ASSERT_EQ(client.messages.size(), server.messages.size());
                ASSERT_TRUE(client.messages.back() == message && client.messages.back().kind() == message.kind());
            }
        }
    }
}

}  // namespace
}  // namespace c10k::wire
