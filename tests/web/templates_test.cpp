#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>

#include <string>

namespace c10k {
namespace {

class TemplatesTest : public testing::Test {
protected:
    TemplatesTest() {
        production_.add_folder(folder_.path());
        debug_.add_folder(folder_.path());
        request_.method = "GET";
        request_.path = "/a&b/";
    }

    std::string render(std::string_view text, const Context& context = {}) {
        const std::string name = std::to_string(++written_) + ".html";
        folder_.write(name, text);
        return production_.render(request_, name, context).body;
    }

    // What the error says.
    std::string failure(Templates& templates, std::string_view name, const Context& context = {}) {
        try {
            templates.render(request_, name, context);
        } catch (const TemplateError& error) {
            return error.what();
        }
        return "no error";
    }

    Folder folder_;
    Urls urls_{
        path(
            "", [](Request&) { return Response{}; }, "index"),
        path(
            "chat/<str:room>/", [](Request&, std::string_view) { return Response{}; }, "chat:room"),
        path(
            "<int:row>/<int:column>/", [](WebSocket&, int, int) { return Task<>{}; }, "cell"),
    };
    Templates production_{Templates::Mode::kProduction, urls_};
    Templates debug_{Templates::Mode::kDebug, urls_};
    Request request_;
    int written_ = 0;
};

TEST_F(TemplatesTest, RenderAPage) {
    folder_.write("chat/index.html", "<h1>{{title}}</h1>\n");
    const Response response = production_.render(request_, "chat/index.html", {{"title", "Lobby"}}, 201);
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.headers.get("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(response.body, "<h1>Lobby</h1>\n");
}

TEST_F(TemplatesTest, EscapeHtmlUnlessToldOtherwise) {
    const Context context{{"text", "<a href='x'>\"&</a>"}};
    const std::string escaped = render("{{text}}", context);
    for (const char c : {'<', '>', '"', '\''}) {
        EXPECT_EQ(escaped.find(c), std::string::npos) << c;
    }
    EXPECT_EQ(render("{{{text}}}", context), "<a href='x'>\"&</a>");
}

TEST_F(TemplatesTest, ShowNumbersAsPeopleWriteThem) {
    EXPECT_EQ(render("{{a}} {{b}} {{c}} {{d}}", {{"a", -7}, {"b", 18446744073709551615U}, {"c", 0.1}, {"d", 'x'}}),
              "-7 18446744073709551615 0.1 x");
}

TEST_F(TemplatesTest, RepeatASectionForEachOfAList) {
    Context::List rows;
    rows.push_back({{"name", "a"}, {"value", 1}});
    rows.push_back({{"name", "b"}, {"value", 2}});
    const std::string text = "{{#rows}}{{name}}={{value}};{{/rows}}{{^rows}}none{{/rows}}";
    EXPECT_EQ(render(text, {{"rows", rows}}), "a=1;b=2;");
    EXPECT_EQ(render(text, {{"rows", Context::List{}}}), "none");
}

TEST_F(TemplatesTest, ShowASectionIfItsNameIsTrue) {
    EXPECT_EQ(render("{{#on}}yes{{/on}}{{^on}}no{{/on}}", {{"on", true}}), "yes");
    EXPECT_EQ(render("{{#on}}yes{{/on}}{{^on}}no{{/on}}", {{"on", false}}), "no");
}

TEST_F(TemplatesTest, LookNamesUpInsideOutwards) {
    EXPECT_EQ(render("{{#user}}{{name}} {{place}}{{/user}} {{user.name}}",
                     {{"name", "outer"}, {"place", "here"}, {"user", Context{{"name", "ann"}}}}),
              "ann here ann");
}

TEST_F(TemplatesTest, KnowTheRequest) { EXPECT_EQ(render("{{request.method}} {{request.path}}"), "GET /a&amp;b/"); }

TEST_F(TemplatesTest, IncludeOtherTemplates) {
    folder_.write("site/head.html", "<title>{{title}}</title>{{>site/icon}}");
    folder_.write("site/icon.html", "icon");
    EXPECT_EQ(render("{{>site/head}}|{{ > site/icon }}|{{#rows}}{{>site/icon}} {{/rows}}",
                     {{"title", "T"}, {"rows", Context::List(2)}}),
              "<title>T</title>icon|icon|icon icon ");
}

TEST_F(TemplatesTest, AreLaidOutByAHeadAndAFoot) {
    folder_.write("site/head.html", "<html><title>{{title}}</title><main>");
    folder_.write("site/foot.html", "</main></html>\n");
    EXPECT_EQ(render("{{>site/head}}page{{>site/foot}}", {{"title", "T"}}),
              "<html><title>T</title><main>page</main></html>\n");
}

TEST_F(TemplatesTest, KnowThePathsOfRoutes) {
    EXPECT_EQ(render("{{#url}}index{{/url}}"), "/");
    EXPECT_EQ(render("{{#url}} chat:room lobby {{/url}}"), "/chat/lobby/");
    EXPECT_EQ(render("{{#url}}cell {{row}}\n{{ column }}{{/url}}", {{"row", 3}, {"column", 14}}), "/3/14/");
    EXPECT_EQ(render("{{#rows}}{{#url}}cell {{row}} 0{{/url}} {{/rows}}",
                     {{"rows", Context::List{Context{{"row", 1}}, Context{{"row", 2}}}}}),
              "/1/0/ /2/0/ ");
    folder_.write("link.html", "<a href=\"{{#url}}chat:room {{room}}{{/url}}\">");
    EXPECT_EQ(render("{{>link}}", {{"room", "lobby"}}), "<a href=\"/chat/lobby/\">");
}

TEST_F(TemplatesTest, EncodeWhatGoesIntoAPath) {
    for (const std::string_view tag : {"{{room}}", "{{{room}}}", "{{& room}}", "{{{ room }}}"}) {
        EXPECT_EQ(render("{{#url}}chat:room " + std::string{tag} + "{{/url}}", {{"room", "a b<\"&?"}}),
                  "/chat/a%20b%3C%22&amp;%3F/")
            << tag;
    }
    EXPECT_EQ(render("{{#url}}chat:room {{room}}-2{{/url}}", {{"room", "a b"}}), "/chat/a%20b-2/");
}

TEST_F(TemplatesTest, InDebugRefuseARouteThatThereIsNot) {
    const auto refusal = [this](std::string_view text, const Context& context = {}) {
        folder_.write("url.html", text);
        Templates fresh{Templates::Mode::kDebug, urls_};
        fresh.add_folder(folder_.path());
        return failure(fresh, "url.html", context);
    };
    EXPECT_EQ(refusal("{{#url}}chat:rom a{{/url}}"), "the template url.html: no route is named 'chat:rom'");
    EXPECT_EQ(refusal("{{#url}}chat:room{{/url}}"), "the template url.html: no route named 'chat:room' takes ()");
    EXPECT_EQ(refusal("{{#url}}cell {{row}} x{{/url}}", {{"row", 1}}),
              "the template url.html: no route named 'cell' takes ('1', 'x')");
    EXPECT_EQ(refusal("{{#url}}{{/url}}"), "the template url.html: a url section is empty");
    EXPECT_NE(refusal("{{#url}}chat:room {{rom}}{{/url}}").find("'rom'"), std::string::npos);
    EXPECT_EQ(render("<{{#url}}chat:rom a{{/url}}>"), "<>");
}

TEST_F(TemplatesTest, WithoutRoutesKnowNoPath) {
    Templates alone{Templates::Mode::kDebug};
    alone.add_folder(folder_.path());
    folder_.write("url.html", "{{#url}}index{{/url}}");
    EXPECT_EQ(failure(alone, "url.html"), "the template url.html: no route is named 'index'");
}

TEST_F(TemplatesTest, SearchTheirFoldersInOrder) {
    const Folder second;
    second.write("a.html", "second a");
    second.write("b.html", "second b");
    folder_.write("a.html", "first a");
    production_.add_folder(second.path());
    EXPECT_EQ(production_.render(request_, "a.html").body, "first a");
    EXPECT_EQ(production_.render(request_, "b.html").body, "second b");
}

TEST_F(TemplatesTest, NameTheOneThatIsMissingAndWhereItWasSearched) {
    const std::string text = failure(production_, "no.html");
    EXPECT_NE(text.find("no.html"), std::string::npos);
    EXPECT_NE(text.find(folder_.path().string()), std::string::npos);
    folder_.write("a.html", "{{>site/no}}");
    EXPECT_NE(failure(production_, "a.html").find("site/no.html, which a.html includes"), std::string::npos);
}

TEST_F(TemplatesTest, NameTheOneThatIsWrong) {
    folder_.write("part.html", "{{#open}}never closed");
    folder_.write("a.html", "{{>part}}{{/open}}");
    EXPECT_NE(failure(production_, "part.html").find("part.html is wrong"), std::string::npos);
    folder_.write("b.html", "{{>part}}");
    EXPECT_NE(failure(production_, "b.html").find("part.html is wrong"), std::string::npos);
    folder_.write("c.html", "{{cut");
    EXPECT_NE(failure(production_, "c.html").find("c.html is wrong"), std::string::npos);
    folder_.write("d.html", "{{=<% %>=}}");
    EXPECT_NE(failure(production_, "d.html").find("d.html changes the delimiters"), std::string::npos);
}

TEST_F(TemplatesTest, DoNotIncludeThemselves) {
    folder_.write("a.html", "{{>b}}");
    folder_.write("b.html", "{{>a}}");
    EXPECT_EQ(failure(production_, "a.html"), "the template a.html includes itself");
}

TEST_F(TemplatesTest, InDebugRefuseANameThatTheContextLacks) {
    folder_.write("a.html", "{{#user}}{{nmae}}{{/user}}");
    const Context context{{"user", Context{{"name", "ann"}}}};
    const std::string text = failure(debug_, "a.html", context);
    EXPECT_NE(text.find("a.html"), std::string::npos);
    EXPECT_NE(text.find("'nmae'"), std::string::npos);
    EXPECT_EQ(production_.render(request_, "a.html", context).body, "");
}

TEST_F(TemplatesTest, InDebugAreReadAgainWhenAFileHasChanged) {
    folder_.write("part.html", "old");
    folder_.write("a.html", "{{>part}}");
    ASSERT_EQ(debug_.render(request_, "a.html").body, "old");
    ASSERT_EQ(production_.render(request_, "a.html").body, "old");
    const auto part = folder_.write("part.html", "new");
    std::filesystem::last_write_time(part, std::filesystem::last_write_time(part) + std::chrono::seconds{1});
    EXPECT_EQ(debug_.render(request_, "a.html").body, "new");
    EXPECT_EQ(production_.render(request_, "a.html").body, "old");
}

TEST(Context, ReplacesTheValueOfAName) {
    Context context{{"a", 1}};
    context.set("a", "two");
    ASSERT_EQ(context.fields().size(), 1U);
    EXPECT_EQ(std::get<std::string>(context.fields()[0].value.get()), "two");
}

}  // namespace
}  // namespace c10k
