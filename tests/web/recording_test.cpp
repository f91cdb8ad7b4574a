#include "web/recording.hpp"

#include "web/redaction.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using Kind = RecordedEvent::Kind;

std::string fault_of(std::string_view line) {
    try {
        static_cast<void>(parse_event(line));
    } catch (const std::runtime_error& fault) {
        return fault.what();
    }
    return "";
}

TEST(Recordings, HaveAnEventInALineThatPeopleCanRead) {
    RecordedEvent opened{.kind = Kind::kOpened, .socket = 3, .at = 1'500'250us, .text = "/chat/?room=1"};
    opened.route = "/chat/";
    opened.subprotocol = "v2";
    opened.offered = {"v2", "v1"};
    EXPECT_EQ(to_line(opened), R"({"at":1.50025,"socket":3,"open":"/chat/?room=1","route":"/chat/","subprotocol":"v2",)"
                               R"("offered":["v2","v1"]})"
                               "\n");
    EXPECT_EQ(to_line({.kind = Kind::kReceived, .socket = 3, .at = 2s, .text = "\"hi\"\n"}),
              R"({"at":2.0,"socket":3,"in":"\"hi\"\n"})"
              "\n");
    EXPECT_EQ(to_line({.kind = Kind::kClosed, .socket = 3, .at = 3s, .text = "bye", .code = 4000}),
              R"({"at":3.0,"socket":3,"close":4000,"reason":"bye"})"
              "\n");
}

TEST(Recordings, GiveBackEachEventThatWasWritten) {
    const auto same = [](const RecordedEvent& event) {
        const RecordedEvent read = parse_event(to_line(event));
        return read.kind == event.kind && read.socket == event.socket && read.at == event.at &&
               read.text == event.text && read.is_binary == event.is_binary && read.is_redacted == event.is_redacted &&
               read.bytes == event.bytes && read.code == event.code && read.route == event.route &&
               read.subprotocol == event.subprotocol && read.offered == event.offered;
    };
    RecordedEvent opened{.kind = Kind::kOpened, .socket = 1, .at = 1us, .text = "/", .is_redacted = true};
    opened.route = "/<path:any>";
    opened.offered = {"chat"};
    EXPECT_TRUE(same(opened));
    for (const Kind kind : {Kind::kReceived, Kind::kSent, Kind::kRelayed}) {
        EXPECT_TRUE(same({.kind = kind, .socket = 1, .at = 12'345'678us, .text = "Käse \n \\ \" \x7f"}));
        EXPECT_TRUE(same({.kind = kind, .socket = 1, .text = std::string("\x00\xff\n", 3), .is_binary = true}));
        EXPECT_TRUE(same({.kind = kind, .socket = 1, .bytes = 70'000}));
    }
    EXPECT_TRUE(same({.kind = Kind::kLeft, .socket = 1, .text = "lost", .code = 1006}));
    EXPECT_TRUE(same({.kind = Kind::kDropped, .socket = 1, .bytes = 3}));
    EXPECT_TRUE(same({.kind = Kind::kCut, .socket = 1, .text = "record_connection_bytes"}));
    EXPECT_TRUE(same({.kind = Kind::kCut, .text = "record_bytes"}));
    EXPECT_TRUE(same({.kind = Kind::kStopping, .text = "the server ends"}));
}

TEST(Recordings, SayWhatIsWrongWithALine) {
    EXPECT_EQ(fault_of(""), "it is not JSON");
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"in":"half)"), "it is not JSON");
    EXPECT_EQ(fault_of(std::string(100'000, '[')), "it is not JSON");
    EXPECT_TRUE(fault_of("[]").starts_with("it is no event"));
    EXPECT_TRUE(fault_of(R"({"at":1,"socket":1})").starts_with("it is no event"));
    EXPECT_EQ(fault_of(R"({"socket":1,"in":"x"})"), "there is no \"at\"");
    EXPECT_EQ(fault_of(R"({"at":-1,"socket":1,"in":"x"})"), "\"at\" is not a number of seconds");
    EXPECT_EQ(fault_of(R"({"at":1e300,"socket":1,"in":"x"})"), "\"at\" is not a number of seconds");
    EXPECT_EQ(fault_of(R"({"at":1,"in":"x"})"), "there is no \"socket\"");
    EXPECT_EQ(fault_of(R"({"at":1,"socket":0,"in":"x"})"), "\"socket\" is 0: the first is 1");
    EXPECT_TRUE(fault_of(R"({"at":1,"socket":-5,"in":"x"})").starts_with("\"socket\" is not a whole number"));
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"in":7})"), "\"in\" is not a text");
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"in":null,"base64":"?"})"), "\"base64\" is not base64");
    EXPECT_TRUE(fault_of(R"({"at":1,"socket":1,"close":70000,"reason":""})").starts_with("\"close\" is not a whole"));
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"open":"x","route":"/","subprotocol":"","offered":[]})"),
              "\"open\" is not a path");
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"open":"/","route":"/","subprotocol":"","offered":["a b"]})"),
              "\"offered\" has a text that is no subprotocol");
    EXPECT_EQ(fault_of(R"({"at":1,"socket":1,"open":"/","route":"/","subprotocol":"","offered":"v1"})"),
              "\"offered\" is not a list of texts");
    EXPECT_THROW(check_recording_head("{}"), std::runtime_error);
    EXPECT_THROW(check_recording_head(R"({"c10k recording":2})"), std::runtime_error);
    EXPECT_NO_THROW(check_recording_head(recording_head("now")));
}

TEST(Redactions, LeaveOutEachMatchAndNothingElse) {
    const Redaction tokens{"token=[a-z0-9]+|[0-9]{16}"};
    EXPECT_EQ(tokens.apply("say token=a1 and token=b2."), "say [redacted] and [redacted].");
    EXPECT_EQ(tokens.apply("1234567812345678"), "[redacted]");
    EXPECT_EQ(tokens.apply("nothing to hide"), std::nullopt);
    EXPECT_EQ(tokens.apply(std::string("\0token=x\0", 9)), std::string("\0[redacted]\0", 12));
    EXPECT_EQ(Redaction{"x*"}.apply("axxb"), "a[redacted]b");
    EXPECT_EQ(Redaction{"x$"}.apply(std::string(10'000, 'x') + "y"), std::nullopt);
    EXPECT_EQ(Redaction{"^a"}.apply("aaa"), "[redacted]aa");
    EXPECT_EQ(Redaction{""}.apply("anything"), std::nullopt);
}

TEST(Redactions, FindMatchesWhereverTheyAreInALongText) {
    const Redaction tokens{"token=[0-9]+"};
    const std::string token = "token=" + std::string(Redaction::kLongestMatch - 6, '7');
    for (std::size_t before = 0; before < 3 * Redaction::kLongestMatch; before += 97) {
        EXPECT_EQ(tokens.apply(std::string(before, '-') + token + "."), std::string(before, '-') + "[redacted].")
            << before;
    }
    EXPECT_EQ(tokens.apply("token=" + std::string(1'000'000, '7') + "."), "[redacted].");
    std::string many;
    std::string none;
    for (int i = 0; i < 20'000; ++i) {
        many += "token=" + std::to_string(i) + ' ';
        none += "[redacted] ";
    }
    EXPECT_EQ(tokens.apply(many), none);
}

TEST(Redactions, RefuseWhatIsNoExpressionOrCouldTakeForever) {
    EXPECT_THROW(Redaction{"("}, std::runtime_error);
    EXPECT_THROW(Redaction{"(a*)\\1"}, std::runtime_error);
    EXPECT_NO_THROW(Redaction{"\\\\1"});
}

}  // namespace
}  // namespace c10k
