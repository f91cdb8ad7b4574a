#include "web/reload.hpp"

#include "c10k/testkit.hpp"

#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace c10k {
namespace {

TEST(ReloadStatus, ShowsWhatWasWrittenLast) {
    ReloadStatus writer;
    const ReloadStatus reader{writer.descriptor()};
    writer.write({.program = 1, .heading = std::string(5000, 'x')});
    writer.write(
        {.program = 2, .pages = 3, .styles = 4, .heading = "no", .problems = {{"a.cpp:1", "\xff \"quoted\""}}});
    const auto state = reader.read();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->program, 2U);
    EXPECT_EQ(state->pages, 3U);
    EXPECT_EQ(state->styles, 4U);
    EXPECT_EQ(state->heading, "no");
    ASSERT_EQ(state->problems.size(), 1U);
    EXPECT_EQ(state->problems[0].place, "a.cpp:1");
    EXPECT_EQ(state->problems[0].text, "\uFFFD \"quoted\"");  // compilers may write anything
}

TEST(ReloadStatus, ShowsWhateverLengthWasWritten) {
    ReloadStatus writer;
    const ReloadStatus reader{writer.descriptor()};
    writer.write({.program = 1, .heading = std::string(1'000'000, 'x')});
    const auto state = reader.read();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->heading.size(), 1'000'000U);
}

TEST(ReloadStatus, ShowsNothingWhileItIsBeingWritten) {
    ReloadStatus writer;
    writer.write({.program = 1});
    ASSERT_EQ(::pwrite(writer.descriptor(), "9", 1, 0), 1);
    EXPECT_FALSE(writer.read());
    writer.write({.program = 2});
    EXPECT_TRUE(writer.read());
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
    EXPECT_TRUE(body.starts_with("<body><p>Hello</p><script src=\"/_c10k/reload.js\" data-state=\"")) << body;
    EXPECT_TRUE(body.ends_with("\"></script>\n</body></html>")) << body;
    EXPECT_NE(body.find("&quot;pages&quot;:2"), std::string::npos) << body;
    EXPECT_TRUE(with_script(Response::html("no end")).starts_with("no end<script"));
}

TEST_F(ReloadTest, AddsItsScriptHoweverMuchIsWrong) {
    status.write({.program = 7, .heading = "wrong", .problems = {{"a.cpp", std::string(1'000'000, 'x')}}});
    const std::string body = with_script(Response::html(""));
    EXPECT_TRUE(body.starts_with("<script src=\"/_c10k/reload.js\"")) << body.substr(0, 100);
    EXPECT_LT(body.size(), 1000U);
}

TEST_F(ReloadTest, TellsAPageHoweverMuchIsWrong) {
    status.write({.program = 7, .heading = "wrong", .problems = {{"a.cpp", std::string(1'000'000, 'x')}}});
    testkit::Server server{reload.urls()};
    auto page = server.connect("/_c10k/reload/");
    EXPECT_EQ(ReloadState::from_json(std::string{page.recv().view()}).problems.at(0).text.size(), 1'000'000U);
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
