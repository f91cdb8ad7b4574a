#include "manage/replayed_socket.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k {
namespace {

using Kind = RecordedEvent::Kind;

RecordedEvent sent(std::string text) { return {.kind = Kind::kSent, .socket = 1, .text = std::move(text)}; }
RecordedEvent relayed(std::string text) { return {.kind = Kind::kRelayed, .socket = 1, .text = std::move(text)}; }

// A WebSocket of a recording, and what it gets.
class Played {
public:
    explicit Played(std::vector<RecordedEvent> events) : events_(std::move(events)), socket_(events_) {
        events_.insert(events_.begin(), {.kind = Kind::kOpened, .socket = 1, .text = "/"});
        socket_ = ReplayedSocket{events_};
        for (std::size_t i = 0; i < events_.size(); ++i) {
            socket_.add(i);
        }
    }

    Played& gets(const Message& message) {
        settled_ += socket_.on_message(message) ? 1 : 0;
        return *this;
    }
    Played& is_closed(std::uint16_t code) {
        socket_.on_closed(code, "");
        return *this;
    }
    [[nodiscard]] std::string difference() const {
        return socket_.difference() ? std::to_string(socket_.difference()->event) + ": " + socket_.difference()->text
                                    : "";
    }
    [[nodiscard]] std::size_t settled() const { return settled_; }
    ReplayedSocket& socket() { return socket_; }

private:
    std::vector<RecordedEvent> events_;
    ReplayedSocket socket_;
    std::size_t settled_ = 0;
};

TEST(ReplayedSockets, HearTheirViewInOrder) {
    EXPECT_EQ(Played({sent("1"), sent("2")}).gets("1").gets("2").difference(), "");
    EXPECT_EQ(Played({sent("1"), sent("2")}).gets("2").gets("1").difference(), "1: expected \"1\", got \"2\"");
}

TEST(ReplayedSockets, HearGroupsInAnyOrderAndEachMessageOnce) {
    EXPECT_EQ(Played({relayed("a"), sent("1"), relayed("b")}).gets("b").gets("1").gets("a").difference(), "");
    EXPECT_EQ(Played({relayed("a"), relayed("b")}).gets("a").gets("a").difference(), "2: expected \"b\", got \"a\"");
}

TEST(ReplayedSockets, NameTheFirstDifferenceAndCompareTheRest) {
    Played played({sent("1"), sent("2"), sent("3")});
    EXPECT_EQ(played.gets("1").gets("x").gets("3").difference(), "2: expected \"2\", got \"x\"");
    EXPECT_EQ(played.settled(), 3U);
}

TEST(ReplayedSockets, TellTextFromBytes) {
    EXPECT_EQ(Played({sent("1")}).gets(Message::binary("1")).difference(), "1: expected \"1\", got 1 bytes \"1\"");
    EXPECT_EQ(Played({{.kind = Kind::kRelayed, .socket = 1, .text = "1", .is_binary = true}}).gets("1").difference(),
              "1: expected 1 bytes \"1\", got \"1\"");
}

TEST(ReplayedSockets, NoticeMessagesThatNobodyHadSent) {
    EXPECT_EQ(Played({sent("1")}).gets("1").gets("1").difference(), "0: got \"1\", which nobody had sent");
}

TEST(ReplayedSockets, NoticeAnotherCloseAndMessagesThatItCutOff) {
    const RecordedEvent close{.kind = Kind::kClosed, .socket = 1, .code = 1000};
    EXPECT_EQ(Played({sent("1"), close}).gets("1").is_closed(1000).difference(), "");
    EXPECT_EQ(Played({close}).is_closed(1011).difference(), "1: expected the close with 1000, got the close with 1011");
    EXPECT_EQ(Played({sent("1"), close}).is_closed(1000).difference(), "1: expected \"1\", got the close with 1000");
    EXPECT_EQ(Played({sent("1")}).gets("1").is_closed(1000).difference(),
              "0: got the close with 1000, which nobody had sent");
}

TEST(ReplayedSockets, NameAMessageThatDoesNotCome) {
    Played played({relayed("a"), sent("1")});
    played.socket().note_missing(1);
    EXPECT_EQ(played.gets("1").difference(), "1: expected \"a\", got nothing");
    EXPECT_EQ(played.gets("a").settled(), 1U);
}

TEST(ReplayedSockets, TakeAnythingForWhatIsNotInTheRecording) {
    RecordedEvent redacted = sent("user [redacted] has [redacted] points");
    redacted.is_redacted = true;
    EXPECT_EQ(Played({redacted}).gets("user ann has 7 points").difference(), "");
    EXPECT_NE(Played({redacted}).gets("user ann has 7").difference(), "");
    RecordedEvent left_out = relayed("");
    left_out.bytes = 3;
    EXPECT_EQ(Played({left_out}).gets("abc").difference(), "");
    EXPECT_EQ(Played({left_out}).gets("ab").difference(), "1: expected a message of 3 bytes, got \"ab\"");
    const RecordedEvent dropped{.kind = Kind::kDropped, .socket = 1, .bytes = 1};
    EXPECT_EQ(Played({relayed("a"), dropped, relayed("b")}).gets("x").difference(), "");
}

TEST(ReplayedSockets, DoNotListenWhenTheirClientHasLeft) {
    Played played({sent("1")});
    played.socket().leave();
    EXPECT_EQ(played.gets("x").is_closed(1000).difference(), "");
}

}  // namespace
}  // namespace c10k
