// What a developer is told of a mistake: the lines around it, the stack, the hint, and the HTML of all that.

#include "web/explanation.hpp"

#include "folder.hpp"
#include "web/excerpt.hpp"
#include "web/explanation_page.hpp"
#include "web/failure_explanation.hpp"
#include "web/hints.hpp"
#include "web/stack_frames.hpp"
#include "web/template_tags.hpp"

#include <cstdlib>
#include <exception>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {
namespace {

std::string marked(const Excerpt& excerpt) {
    return excerpt.lines.at(excerpt.line - excerpt.first).substr(excerpt.begin, excerpt.end - excerpt.begin);
}

class ExcerptTest : public testing::Test {
protected:
    ExcerptTest() {
        folder.write("a.cpp",
                     "one\ntwo\nthree\nfour\n    const auto& lines = history_.at(name);\n\tif (ä) { throw Lost{}; "
                     "}\nseven\neight\n");
    }

    Excerpt read(unsigned line) const { return read_excerpt(folder.path() / "a.cpp", line); }

    Folder folder;
};

TEST_F(ExcerptTest, HasTheLinesAround) {
    const Excerpt excerpt = read(5);
    EXPECT_EQ(excerpt.first, 2U);
    EXPECT_EQ(excerpt.lines.size(), 6U);
    EXPECT_EQ(excerpt.lines.front(), "two");
    EXPECT_EQ(marked(excerpt), "const auto& lines = history_.at(name);");
    EXPECT_EQ(read(1).first, 1U);
    EXPECT_EQ(read(8).lines.size(), 4U);
}

TEST_F(ExcerptTest, IsEmptyWithoutSuchALine) {
    EXPECT_TRUE(read(0).lines.empty());
    EXPECT_TRUE(read(9).lines.empty());
    EXPECT_TRUE(read_excerpt(folder.path(), 1).lines.empty());
    EXPECT_TRUE(read_excerpt(folder.path() / "nothing.cpp", 1).lines.empty());
}

TEST_F(ExcerptTest, MarksTheCallThatThrew) {
    Excerpt excerpt = read(5);
    mark_call(excerpt, "at");
    EXPECT_EQ(marked(excerpt), "history_.at(name)");
    Excerpt other = read(6);
    mark_call(other, "");
    EXPECT_EQ(marked(other), "throw Lost{}");
    mark_call(other, "nothing");
    EXPECT_EQ(marked(other), "throw Lost{}");
}

TEST_F(ExcerptTest, MarksTheColumnsOfACompiler) {
    Excerpt excerpt = read(6);
    EXPECT_TRUE(mark_columns(excerpt, "        if (ä) { throw Lost{}; }", "            ^  ~~~~"));
    EXPECT_EQ(marked(excerpt), "ä");
    EXPECT_TRUE(mark_columns(excerpt, "        if (ä) { throw Lost{}; }", "                       ~^~~"));
    EXPECT_EQ(marked(excerpt), "Lost");
    EXPECT_FALSE(mark_columns(excerpt, "another line", "^"));
    EXPECT_FALSE(mark_columns(excerpt, "        if (ä) { throw Lost{}; }", "no mark"));
}

TEST_F(ExcerptTest, CutsLinesThatNobodyReads) {
    folder.write("long.cpp", std::string(100'000, 'x') + "\n");
    Excerpt excerpt = read_excerpt(folder.path() / "long.cpp", 1);
    EXPECT_LT(excerpt.lines.at(0).size(), 300U);
    mark_word(excerpt, 99'999);
    EXPECT_NE(explanation_html({.heading = "x", .problems = {{.excerpt = excerpt}}}).find("…"), std::string::npos);
}

TEST(StackFrames, ShowOwnFunctionsAndOneFrameForNeighboursOfALibrary) {
    const std::vector<TraceFrame> trace{
        {"std::__throw_out_of_range(char const*)", "", 0},
        {"std::map<std::string, int>::at(std::string const&)", "/usr/include/c++/12/bits/stl_map.h", 9},
        {"ChatApp::history(c10k::Request&, std::basic_string_view<char, std::char_traits<char> >)",
         "/srv/chatty/chat/chat.cpp", 61},
        {"c10k::Dispatcher::serve_page(c10k::Request&)", "/src/web/dispatcher.cpp", 1},
        {"c10k::Loop::run()", "/src/loop/loop.cpp", 2},
        {"main", "/srv/chatty/manage.cpp", 7},
        {"__libc_start_main", "", 0},
    };
    const auto frames = readable_frames(trace, "/srv/chatty");
    ASSERT_EQ(frames.size(), 4U);
    EXPECT_EQ(frames[0].function, "std::__throw_out_of_range");
    EXPECT_EQ(frames[0].place, "libstdc++");
    EXPECT_EQ(frames[1].function, "ChatApp::history(Request&, std::string_view)");
    EXPECT_EQ(frames[1].place, "chat/chat.cpp:61");
    EXPECT_TRUE(frames[1].is_own);
    EXPECT_EQ(frames[2].function, "2 frames of c10k");
    EXPECT_EQ(frames[2].place, "dispatcher, loop");
    EXPECT_EQ(frames[3].function, "main");
    EXPECT_EQ(own_frame(trace)->line, 61U);
    EXPECT_EQ(called_by_own(trace), "at");
    EXPECT_EQ(own_frame({}), nullptr);
}

TEST(StackFrames, ShortensTheBodyOfACoroutine) {
    const auto frames = readable_frames(
        {{"ChatApp::room(_ZN7ChatApp4roomERN4c10k9WebSocketE.Frame*) [clone .actor]", "/a.cpp", 3}}, "");
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].function, "ChatApp::room");
}

TEST(Hints, ExplainSomeMessages) {
    EXPECT_NE(hint_for_message("array used as initializer").find("co_await"), std::string_view::npos);
    EXPECT_NE(hint_for_exception("std::out_of_range", "map::at").find("404"), std::string_view::npos);
    EXPECT_EQ(hint_for_message("expected ‘;’"), "");
    EXPECT_EQ(hint_for_exception("std::runtime_error", "out of cheese"), "");
}

TEST(ExplanationPage, EscapesAllButItsOwnCode) {
    const std::string evil = "<script>`\"&";
    const Explanation explanation{
        .heading = evil,
        .lead = "2 errors in `a<b>.cpp`",
        .problems = {{.place = evil,
                      .text = evil + '\n' + evil,
                      .tag = evil,
                      .file = "/a b\"c",
                      .excerpt = {.first = 1, .lines = {evil, evil}, .line = 2, .begin = 1, .end = 99, .remark = evil},
                      .hint_title = evil,
                      .hint = evil}},
        .frames = {{evil, evil, true}},
        .facts = {{evil, {{evil, evil}}}},
        .output = evil,
        .foot = evil};
    const std::string html = explanation_html(explanation);
    EXPECT_EQ(html.find("<script"), std::string::npos) << html;
    EXPECT_NE(html.find("2 errors in <code>a&lt;b&gt;.cpp</code>"), std::string::npos) << html;
    EXPECT_NE(html.find("href=\"vscode://file/a%20b%22c:2:2\""), std::string::npos) << html;
    EXPECT_NE(html.find("&lt;<u>script&gt;`&quot;&amp;</u>"), std::string::npos) << html;
}

TEST(ExplanationPage, OpensTheEditorThatTheEnvironmentNames) {
    ASSERT_EQ(::setenv("C10K_EDITOR", "idea://open?file={file}&line={line}", 1), 0);
    const std::string html =
        explanation_html({.problems = {{.place = "a.cpp:3", .file = "/a.cpp", .excerpt = {3, {"x"}, 3, 0, 1, ""}}}});
    ASSERT_EQ(::unsetenv("C10K_EDITOR"), 0);
    EXPECT_NE(html.find("href=\"idea://open?file=/a.cpp&amp;line=3\""), std::string::npos) << html;
}

TEST(FailureExplanation, HidesSecretsAndNamesCaptures) {
    Request request;
    request.method = "GET";
    request.target = "/rooms/tea/";
    request.headers = {{"Host", "localhost"}, {"COOKIE", "session=1"}, {"Authorization", "Basic x"}};
    const auto failure = std::make_exception_ptr(std::out_of_range("map::at"));
    const Explanation explanation = explain_failure(request, {"/rooms/<slug:name>/", {"tea"}}, failure);
    EXPECT_EQ(explanation.heading, "std::out_of_range");
    EXPECT_EQ(explanation.problems.at(0).text, "map::at");
    EXPECT_NE(explanation.problems.at(0).hint, "");
    const std::string html = explanation_html(explanation);
    EXPECT_NE(html.find("<dt>name</dt><dd><code>tea</code></dd>"), std::string::npos) << html;
    EXPECT_EQ(html.find("session=1"), std::string::npos);
    EXPECT_EQ(html.find("Basic x"), std::string::npos);
}

TEST(TemplateTags, FindsTheSectionThatIsWrong) {
    const auto text_of = [](std::string_view text) {
        const auto mistake = find_mistake(text);
        return mistake ? mistake->text + " | " + std::string{text.substr(mistake->begin, mistake->end - mistake->begin)}
                       : "";
    };
    EXPECT_EQ(text_of("{{a}} {{{b}}} {{!c}} {{#d}}{{^e}}{{/e}}{{/d}} }}"), "");
    EXPECT_EQ(text_of("{{/a}}"), "‘a’ is closed here but was never opened | {{/a}}");
    EXPECT_EQ(text_of("\n{{#b}}\n{{/ a }}"),
              "‘a’ is closed here but was never opened; ‘b’ is open since line 2 | {{/ a }}");
    EXPECT_EQ(text_of("{{#a}}{{#b}}{{/a}}"), "‘a’ is closed here while ‘b’, opened in line 1, is still open | {{/a}}");
    EXPECT_EQ(text_of("{{#a}}\n"), "‘a’ is opened here but never closed | {{#a}}");
    EXPECT_EQ(text_of("x {{a\n}"), "this tag begins with {{ but has no }} | {{a");
    EXPECT_EQ(line_of("a\nb\nc", 4).number, 3U);
    EXPECT_EQ(find_tag("{{#a}}{{b}}", "b")->begin, 6U);
    EXPECT_FALSE(find_tag("{{#a}}{{b", "b"));
}

}  // namespace
}  // namespace c10k
