#include "web/reload.hpp"

#include "c10k/json.hpp"
#include "c10k/testkit.hpp"
#include "loop/loop.hpp"
#include "testkit/harness.hpp"
#include "testkit/memory_backend.hpp"
#include "testkit/peer.hpp"
#include "web/dispatcher.hpp"
#include "web/reload_application.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

Explanation mistake(std::string text) {
    Explanation::Problem problem{.place = "a.cpp:1", .text = std::move(text)};
    problem.excerpt = {.first = 1, .lines = {"int a", "int b"}, .line = 1};
    return {.heading = "no", .problems = {std::move(problem)}};
}

TEST(ReloadStatus, ShowsWhatWasWrittenLast) {
    ReloadStatus writer;
    const ReloadStatus reader{writer.descriptor()};
    writer.write({.program = 1, .explanation = {.heading = std::string(5000, 'x')}});
    writer.write({.program = 2,
                  .pages = 3,
                  .styles = 4,
                  .building = RunningBuild{.file = "a.cpp", .done = 1, .total = 3},
                  .explanation = mistake("\xff \"quoted\"")});
    const auto state = reader.read();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->program, 2U);
    EXPECT_EQ(state->pages, 3U);
    EXPECT_EQ(state->styles, 4U);
    ASSERT_TRUE(state->building);
    EXPECT_EQ(state->building->file, "a.cpp");
    EXPECT_EQ(state->building->total, 3U);
    EXPECT_EQ(state->explanation.heading, "no");
    ASSERT_EQ(state->explanation.problems.size(), 1U);
    EXPECT_EQ(state->explanation.problems[0].place, "a.cpp:1");
    EXPECT_EQ(state->explanation.problems[0].text, "\uFFFD \"quoted\"");  // compilers may write anything
    EXPECT_EQ(state->explanation.problems[0].excerpt.lines, (std::vector<std::string>{"int a", "int b"}));
}

TEST(ReloadStatus, ShowsWhateverLengthWasWritten) {
    ReloadStatus writer;
    const ReloadStatus reader{writer.descriptor()};
    writer.write({.program = 1, .explanation = {.heading = std::string(1'000'000, 'x')}});
    const auto state = reader.read();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->explanation.heading.size(), 1'000'000U);
}

TEST(ReloadStatus, ShowsNothingWhileItIsBeingWritten) {
    ReloadStatus writer;
    writer.write({.program = 1});
    ASSERT_EQ(::pwrite(writer.descriptor(), "9", 1, 0), 1);
    EXPECT_FALSE(writer.read());
    writer.write({.program = 2});
    EXPECT_TRUE(writer.read());
}

TEST(Reload, ServesOnlyTheFilesOfPagesUnderDevelopment) {
    const ReloadStatus status;
    const Reload reload{status.descriptor(), 1};
    testkit::Server server{reload.urls()};
    for (const char* name :
         {"base.css", "sheet.css", "reload.css", "reload.js", "reload_overlay.js", "reload_sheet.js"}) {
        const Response file = server.get(std::string{"/_c10k/"} + name);
        EXPECT_EQ(file.status, 200) << name;
        EXPECT_FALSE(file.body.empty()) << name;
    }
    for (const char* name : {"error.css", "nothing.css"}) {
        EXPECT_EQ(server.get(std::string{"/_c10k/"} + name).status, 404) << name;
    }
}

TEST(Reload, TellsOpenPagesOfTheFailuresOfViews) {
    const ReloadStatus status;
    const Reload reload{status.descriptor(), 1};
    testkit::Server server{reload.urls()};
    auto page = server.connect("/_c10k/reload/");
    EXPECT_EQ(nlohmann::json::parse(page.recv().view()).at("failures"), 0);
    reload.failures().add({.heading = "std::out_of_range"});
    server.advance(std::chrono::milliseconds{100});
    const nlohmann::json news = nlohmann::json::parse(page.recv().view());
    EXPECT_EQ(news.at("failures"), 1);
    EXPECT_NE(news.at("failure").get<std::string>().find("<h1>std::out_of_range</h1>"), std::string::npos);
}

// A WebSocket on a site under development, whose view throws.
TEST(ReloadApplication, TellsOpenPagesOfAWebSocketThatEndedWith1011) {
    const Urls urls{path("rooms/<slug:name>/", [](WebSocket& socket, std::string_view) -> Task<> {
        co_await socket.send("hello");
        throw std::out_of_range("map::at");
    })};
    Settings settings;
    settings.debug = true;
    settings.verbosity = 0;
    Dispatcher dispatcher{urls, settings};
    const ReloadStatus status;
    const Reload reload{status.descriptor(), 1};
    ReloadApplication application{dispatcher, reload};
    Loop loop{std::make_unique<MemoryBackend>()};
    testkit::Harness harness{loop, application};
    testkit::Peer peer{harness};
    peer.send(
        "GET /rooms/tea/ HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    harness.run_until_idle();
    const Failures::Last last = reload.failures().last();
    EXPECT_EQ(last.number, 1U);
    for (const char* words : {"<h1>A WebSocket ended with 1011</h1>", "std::out_of_range: map::at", "/rooms/tea/",
                              "/rooms/&lt;slug:name&gt;/", "Open for"}) {
        EXPECT_NE(last.html.find(words), std::string::npos) << words;
    }
}

class ReloadTest : public testing::Test {
protected:
    std::string with_script(Response response) const {
        reload.add_script(response);
        return response.body;
    }

    ReloadStatus status;
    Reload reload{status.descriptor(), 7};
};

TEST_F(ReloadTest, AddsItsScriptAtTheEndOfAPage) {
    status.write({.program = 7, .pages = 2});
    const std::string body = with_script(Response::html("<body><p>Hello</p></body></html>"));
    EXPECT_TRUE(body.starts_with("<body><p>Hello</p><script type=\"module\" src=\"/_c10k/reload.js\" data-state=\""))
        << body;
    EXPECT_TRUE(body.ends_with("\"></script>\n</body></html>")) << body;
    EXPECT_NE(body.find("&quot;pages&quot;:2"), std::string::npos) << body;
    EXPECT_TRUE(with_script(Response::html("no end")).starts_with("no end<script"));
}

TEST_F(ReloadTest, AddsItsScriptHoweverMuchIsWrong) {
    status.write({.program = 7, .explanation = mistake(std::string(1'000'000, 'x'))});
    const std::string body = with_script(Response::html(""));
    EXPECT_TRUE(body.starts_with("<script type=\"module\" src=\"/_c10k/reload.js\"")) << body.substr(0, 100);
    EXPECT_LT(body.size(), 1000U);
}

TEST_F(ReloadTest, TellsAPageHoweverMuchIsWrong) {
    status.write({.program = 7, .explanation = mistake(std::string(1'000'000, 'x'))});
    testkit::Server server{reload.urls()};
    auto page = server.connect("/_c10k/reload/");
    const nlohmann::json news = nlohmann::json::parse(page.recv().view());
    EXPECT_EQ(news.at("heading"), "no");
    EXPECT_GT(news.at("sheet").get<std::string>().size(), 1'000'000U);
}

TEST_F(ReloadTest, SaysWhichProgramMadeThePage) {
    status.write({.program = 8});
    EXPECT_NE(with_script(Response::html("")).find("&quot;program&quot;:7"), std::string::npos);
}

TEST_F(ReloadTest, LeavesAlone) {
    EXPECT_EQ(with_script(Response::text("</body>")), "</body>");
    Response packed = Response::html("packed");
    packed.headers.set("Content-Encoding", "gzip");
    EXPECT_EQ(with_script(packed), "packed");
}

}  // namespace
}  // namespace c10k
