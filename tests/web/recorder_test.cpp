#include "web/recorder.hpp"

#include "base/read_file.hpp"
#include "c10k/task.hpp"
#include "c10k/testkit.hpp"
#include "loop/loop.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace c10k {
namespace {

TEST(Recorders, SayThatAWebSocketIsCutAlsoIfThatWasBeforeItsHandshake) {
    const Folder folder;
    Settings settings;
    settings.record = folder.path();
    settings.record_connection_bytes = 1000;
    std::optional<Recorder> recorder{settings};
    std::optional<LoopRecorder> tap;
    const auto view = [&](WebSocket& socket) -> Task<> {
        tap.emplace(*recorder, LoopServices::of(Loop::current()));
        for (int i = 0; i < 3; ++i) {
            socket.handle().send(Message{std::string(500, 'a')});
        }
        co_await yield();  // they are sent at the end of a turn
        socket.accept();
        static_cast<void>(co_await socket.recv());
    };
    testkit::Server server{{path("", view)}};
    auto client = server.connect("/");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.recv(), std::string(500, 'a'));
    }
    tap.reset();
    recorder.reset();
    const std::string recording = read_file(folder.path() / "0001.jsonl").value_or("");
    EXPECT_NE(recording.find(R"("socket":1,"cut":"record_connection_bytes")"), std::string::npos) << recording;
}

}  // namespace
}  // namespace c10k
