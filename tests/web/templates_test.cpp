#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <stdexcept>
#include <string>
#include <utility>

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

    // The text of the error.
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
        path(
            "<path:file>", [](Request&, std::string_view) { return Response{}; }, "file"),
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

TEST_F(TemplatesTest, Row82NeverLinkToAnotherHost) {
    for (const auto& [file, link] : {std::pair{"/evil.com/x", "/%2Fevil.com/x"},
                                     {"\\evil.com", "/%5Cevil.com"},
                                     {"\t/evil.com", "/%09/evil.com"},
                                     {"{{request.method}}", "/%7B%7Brequest.method%7D%7D"}}) {
        EXPECT_EQ(render("{{#url}}file {{file}}{{/url}}", {{"file", file}}), link);
        EXPECT_EQ(render("{{#url}}file {{{file}}}{{/url}}", {{"file", file}}), link);
    }
    EXPECT_EQ(render("<{{#url}}file {{file}}{{/url}}>", {{"file", "../admin/"}}), "<>");
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

TEST_F(TemplatesTest, Row82NeverLeaveTheirFolders) {
    const Folder outside;
    const std::string secret = outside.write("secret.html", "secret");
    folder_.write(".hidden.html", "hidden");
    folder_.write(".git/config.html", "hidden");
    folder_.write("a/b.html", "b");
    folder_.write("a\\b.html", "b");
    const std::string up = "../" + outside.path().filename().string() + "/secret.html";
    for (const std::string& name :
         {secret, up, "a/../" + up, std::string{".hidden.html"}, std::string{".git/config.html"},
          std::string{"./a/b.html"}, std::string{"a//b.html"}, std::string{"a/../a/b.html"}, std::string{"a\\b.html"},
          std::string{}, std::string{"a/"}, std::string{"/etc/passwd"}}) {
        EXPECT_NE(failure(production_, name).find("is not inside of a template folder"), std::string::npos) << name;
    }
    folder_.write("include.html", "{{>" + up.substr(0, up.size() - 5) + "}}");
    EXPECT_NE(failure(production_, "include.html").find("is not inside of a template folder"), std::string::npos);
    folder_.write("absolute.html", "{{>" + secret.substr(0, secret.size() - 5) + "}}");
    EXPECT_NE(failure(production_, "absolute.html").find("is not inside of a template folder"), std::string::npos);
    EXPECT_THROW(production_.render(request_, std::string_view{"a/b.html\0", 9}), TemplateError);
    EXPECT_EQ(production_.render(request_, "a/b.html").body, "b");
}

// How many bytes the program has on its heap.
std::size_t heap_bytes() { return ::mallinfo2().uordblks; }

TEST_F(TemplatesTest, KeepNoNameThatIsNotThere) {
    const auto ask = [this](int from) {
        for (int i = from; i < from + 1000; ++i) {
            EXPECT_NE(failure(production_, std::string(1000, 'x').append(std::to_string(i))), "no error");
        }
    };
    ask(0);
    const std::size_t before = heap_bytes();
    ask(1000);
    EXPECT_LT(heap_bytes(), before + 100'000);
}

TEST_F(TemplatesTest, KeepABoundedNumberOfNames) {
    folder_.write("a.html", std::string(1000, 'x'));
    folder_.write("names/0.html", "");
    const auto ask = [this](int from) {
        for (int i = from; i < from + 1500; ++i) {
            const auto name = "names/" + std::to_string(i) + ".html";
            std::filesystem::create_symlink("../a.html", folder_.path() / name);
            EXPECT_EQ(production_.render(request_, name).body.size(), 1000U);
        }
    };
    ask(1);
    const std::size_t before = heap_bytes();
    ask(1501);
    ask(3001);
    EXPECT_LT(heap_bytes(), before + 2'000'000);
    EXPECT_EQ(production_.render(request_, "names/1.html").body.size(), 1000U);
}

TEST_F(TemplatesTest, Row82HaveAtMost128SectionsAndIncludesInEachOther) {
    const auto nested = [](std::size_t levels) {
        std::string text;
        for (std::size_t level = 0; level < levels; ++level) {
            text += level % 2 == 0 ? "{{#on}}" : "{{ ^off }}";
        }
        text += "x";
        for (std::size_t level = levels; level > 0; --level) {
            text += level % 2 == 1 ? "{{/on}}" : "{{/off}}";
        }
        return text;
    };
    EXPECT_EQ(render(nested(128), {{"on", true}}), "x");
    folder_.write("deep.html", nested(129));
    EXPECT_NE(failure(production_, "deep.html").find("more than 128 nested sections"), std::string::npos);
    folder_.write("very.html", nested(100'000));
    EXPECT_NE(failure(production_, "very.html").find("more than 128 nested sections"), std::string::npos);
    folder_.write("part.html", nested(100));
    folder_.write("whole.html", "{{#on}}" + std::string("{{#on}}{{>part}}{{/on}}") + "{{/on}}");
    EXPECT_EQ(production_.render(request_, "whole.html", {{"on", true}}).body, "x");
    std::string around = "{{>part}}";
    for (int level = 0; level < 29; ++level) {
        around = "{{#on}}" + around + "{{/on}}";
    }
    folder_.write("more.html", around);
    EXPECT_NE(failure(production_, "more.html").find("more.html has more than 128 nested sections"), std::string::npos);
    for (int i = 0; i < 200; ++i) {
        folder_.write("chain/" + std::to_string(i) + ".html", "{{>chain/" + std::to_string(i + 1) + "}}");
    }
    EXPECT_NE(failure(production_, "chain/0.html").find("more than 128 nested sections or includes"),
              std::string::npos);
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

TEST_F(TemplatesTest, Row79InDebugAreReadAgainWhenAnotherFileOfTheSameTimeAndSizeTakesTheirPlace) {
    const std::filesystem::path file = folder_.write("page.html", "one");
    EXPECT_EQ(debug_.render(request_, "page.html").body, "one");
    const std::filesystem::path other = folder_.write("other.html", "two");
    std::filesystem::last_write_time(other, std::filesystem::last_write_time(file));
    std::filesystem::rename(other, file);
    EXPECT_EQ(debug_.render(request_, "page.html").body, "two");
}

TEST_F(TemplatesTest, Row79InDebugFollowEveryWriteHoweverCloseTheyAre) {
    for (int i = 100; i < 300; ++i) {
        folder_.write("page.html", std::to_string(i));
        EXPECT_EQ(debug_.render(request_, "page.html").body, std::to_string(i));
    }
}

TEST_F(TemplatesTest, Row79InDebugGiveWayToANewFileInAFolderThatGoesBefore) {
    const Folder first;
    Templates templates{Templates::Mode::kDebug, urls_};
    templates.add_folder(first.path().string());
    templates.add_folder(folder_.path().string());
    folder_.write("page.html", "one");
    EXPECT_EQ(templates.render(request_, "page.html").body, "one");
    first.write("page.html", "two");
    EXPECT_EQ(templates.render(request_, "page.html").body, "two");
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

TEST_F(TemplatesTest, Row82RenderTheDeepestContextThatThereMayBe) {
    Context deepest;
    for (std::size_t level = 1; level < Context::kMaxLevels - 1; ++level) {
        Context around;
        around.set("inner", Context::List{std::move(deepest)});
        deepest = std::move(around);
    }
    deepest.set("text", "x");
    EXPECT_EQ(render("{{#deepest}}{{text}}{{#inner}}{{/inner}}{{/deepest}}", {{"deepest", deepest}}), "x");
}

TEST(Context, Row82HasABoundedNumberOfContextsInEachOther) {
    const auto wrap = [](Context context, bool in_list) {
        Context around;
        if (in_list) {
            around.set("inner", Context::List{std::move(context)});
        } else {
            around.set("inner", std::move(context));
        }
        return around;
    };
    for (const bool in_list : {false, true}) {
        Context context;
        for (std::size_t level = 1; level < Context::kMaxLevels; ++level) {
            context = wrap(std::move(context), in_list);
        }
        EXPECT_THROW(static_cast<void>(wrap(context, in_list)), std::length_error);
        EXPECT_NO_THROW(context.set("more", Context{}));
        EXPECT_THROW((Context{{"inner", context}}), std::length_error);
    }
}

TEST(Context, ReplacesTheValueOfAName) {
    Context context{{"a", 1}};
    context.set("a", "two");
    ASSERT_EQ(context.fields().size(), 1U);
    EXPECT_EQ(std::get<std::string>(context.fields()[0].value.get()), "two");
}

}  // namespace
}  // namespace c10k
