#include "c10k/load.hpp"
#include "c10k/simulation.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace c10k::load {
namespace {

using namespace std::chrono_literals;
using testkit::simulate;
using testkit::Simulation;

std::string fault_of(const std::string& text) {
    try {
        (void)Script::parse(text);
    } catch (const ScriptError& error) {
        return error.what();
    }
    return "";
}

TEST(ScriptText, NamesTheLineOfAMistake) {
    EXPECT_TRUE(fault_of("send a\n\n# a comment\nsned b\n").starts_with("line 4: 'sned' is no step"));
    EXPECT_TRUE(fault_of("send a\nrepeat 2\nsend b\n").starts_with("line 2: this repeat has no end"));
    EXPECT_TRUE(fault_of("repeat 2\nend\n").starts_with("line 2: there is nothing to repeat"));
    EXPECT_TRUE(fault_of("end").starts_with("line 1: an end without a repeat"));
    EXPECT_TRUE(fault_of("\nwait long").starts_with("line 2: 'long' is not a time"));
    EXPECT_TRUE(fault_of("wait 3s 1s").starts_with("line 1: the shorter time"));
    EXPECT_TRUE(fault_of("repeat 0\nsend a\nend").starts_with("line 1: '0' is not how often"));
    EXPECT_TRUE(fault_of("expect-close 99").starts_with("line 1: '99' is not a close code"));
    EXPECT_TRUE(fault_of("send-binary 0").starts_with("line 1: an odd number"));
    EXPECT_TRUE(fault_of("send-binary xy").starts_with("line 1: 'xy' is not bytes"));
    EXPECT_TRUE(fault_of("send a\\x").starts_with("line 1: a backslash"));
    EXPECT_TRUE(fault_of("send a\\").starts_with("line 1: a backslash"));
    EXPECT_TRUE(fault_of("send \xff").starts_with("line 1: it is not UTF-8"));
    EXPECT_TRUE(fault_of("expect-any a").starts_with("line 1: expect-any takes nothing"));
    EXPECT_EQ(fault_of("# nothing\n"), "it has no steps");
    EXPECT_TRUE(fault_of(std::string(20'000, '\n') + "x").starts_with("line 20001: "));
    std::string deep;
    for (int i = 0; i < 17; ++i) {
        deep += "repeat 2\n";
    }
    EXPECT_TRUE(fault_of(deep).starts_with("line 17: at most 16"));
}

TEST(ScriptText, MayComeFromAnotherSystem) {
    EXPECT_EQ(fault_of("send a\r\n  expect\ta\r\n"), "");
    EXPECT_EQ(fault_of("repeat 2\n repeat 3\n  send\n end\nend"), "");
}

struct Heard : ScriptListener {
    void on_sent(std::size_t bytes) override { sent += bytes; }
    void on_received(std::size_t bytes) override { received += bytes; }
    void on_reply(Duration since_due, Duration since_sent) override {
        ++replies;
        EXPECT_GE(since_due, since_sent);
    }

    std::size_t sent = 0;
    std::size_t received = 0;
    int replies = 0;
};

// Runs `text` against a view, and returns what a client says that does not get what it expects.
std::string run(const std::string& text, std::function<Task<>(WebSocket&)> view, Heard& heard) {
    std::string failure;
    simulate({.seeds = 1}, [&](Simulation& simulation) {
        const Script script = Script::parse(text);
        simulation.serve({path("", view)});
        simulation.spawn([](Simulation& on, const Script& steps, Heard& listener, std::string& what) -> Task<> {
            try {
                co_await connect(on.endpoint("/"), [&](WebSocket& socket) { return steps.run(socket, listener); });
            } catch (const WrongAnswer& error) {
                what = error.what();
            }
        }(simulation, script, heard, failure));
        simulation.run();
    });
    return failure;
}

Task<> echo_twice_as_long(WebSocket& socket) {
    while (const auto message = co_await socket.recv()) {
        const Message reply{message->kind(), std::string{message->view()} + std::string{message->view()}};
        co_await socket.send(reply);
    }
}

TEST(Script, RepeatsWhatStandsBetweenRepeatAndEnd) {
    Heard heard;
    const char* const text = "repeat 3\n send a\n repeat 2\n  send bc\n  expect-any\n end\n expect bcbc\nend\nclose\n";
    EXPECT_EQ(run(text, echo_twice_as_long, heard), "");
    EXPECT_EQ(heard.sent, 3 * (1 + 2 * 2U));
    EXPECT_EQ(heard.received, 2 * heard.sent);
    EXPECT_EQ(heard.replies, 6);  // the last of each three answers no message that is sent after the one before
}

TEST(Script, WaitsBeforeItGoesOn) {
    Heard heard;
    EXPECT_EQ(run("wait 10ms\nwait 1s 2s\nsend \\\\\\n\nexpect-start \\\\\\n\\\\", echo_twice_as_long, heard), "");
    EXPECT_EQ(heard.replies, 1);
}

TEST(Script, SaysWhatCameInsteadOfWhatItExpects) {
    const auto complaint = [](const char* text, std::function<Task<>(WebSocket&)> view) {
        Heard heard;
        return run(text, std::move(view), heard);
    };
    EXPECT_EQ(complaint("send ab\nexpect ab", echo_twice_as_long), "'abab' instead of 'ab'");
    EXPECT_EQ(complaint("send ab\nexpect-start b", echo_twice_as_long),
              "'abab' instead of a message that begins with 'b'");
    EXPECT_EQ(complaint("send-binary 00 ff\nexpect x", echo_twice_as_long), "a binary message instead of 'x'");
    EXPECT_EQ(complaint("send a\nexpect-close", echo_twice_as_long), "'aa' instead of a close");
    EXPECT_EQ(complaint("repeat 2\nsend a\nend\nexpect aa\nexpect-close", echo_twice_as_long), "'aa' after 'aa'");
    const auto leave = [](WebSocket& socket) -> Task<> {
        co_await socket.recv();
        socket.close(4001);
    };
    EXPECT_EQ(complaint("send a\nexpect-any", leave), "closed with 4001 before a message");
    EXPECT_EQ(complaint("send a\nexpect-close", leave), "closed with 4001 instead of 1000");
    EXPECT_EQ(complaint("send a\nexpect-close 4001", leave), "");
}

}  // namespace
}  // namespace c10k::load
