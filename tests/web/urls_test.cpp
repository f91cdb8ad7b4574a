#include "c10k/urls.hpp"

#include "c10k/testkit.hpp"
#include "wire/request_parser.hpp"

#include <array>
#include <charconv>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>

enum class Colour { kRed, kGreen };

template <>
struct c10k::Converter<Colour> {
    static constexpr std::string_view kName = "colour";
    static std::optional<Colour> parse(std::string_view text) {
        return text == "red"     ? std::optional{Colour::kRed}
               : text == "green" ? std::optional{Colour::kGreen}
                                 : std::nullopt;
    }
    static std::string format(const Colour& colour) { return colour == Colour::kRed ? "red" : "green"; }
};

namespace c10k {
namespace {

using internal::check_pattern;
using internal::converter_fits;
using internal::PathPattern;
using internal::PatternError;

// ---- Views

Response index(Request& request) { return Response::text(request.method); }
Response cell(Request& /*request*/, int row, std::uint8_t column) {
    return Response::text(std::to_string(row) + '/' + std::to_string(column));
}
Response word(Request& /*request*/, std::string_view text) { return Response::text(std::string{text}); }
Response paint(Request& /*request*/, Colour colour) { return Response::text(Converter<Colour>::format(colour)); }

class Blog {
public:
    Urls urls() {
        return {
            path("", this, &Blog::list, "list"),
            path("<int:number>/", this, &Blog::post, "post"),
            path("live/<slug:topic>/", this, &Blog::live, "live"),
        };
    }
    std::string topic;

private:
    Response list(const Request& /*request*/) const { return Response::text("list"); }
    Response post(Request& /*request*/, unsigned number) { return Response::text(std::to_string(number)); }
    Task<> live(WebSocket& /*socket*/, std::string name) {
        topic = name;
        return {};
    }
};

// The body of the page that `route` leads to, or "no match".
std::string open(const Route& route, std::string_view path) {
    const auto texts = route.match(path);
    if (!texts) {
        return "no match";
    }
    Request request;
    request.method = "GET";
    auto answer = std::get<PageView>(route.view())(request, *texts);
    return std::get<Response>(answer).body;
}

constexpr std::array<bool (*)(std::string_view), 1> kInt{&converter_fits<int>};
constexpr std::array<bool (*)(std::string_view), 1> kText{&converter_fits<std::string_view>};
constexpr std::array<bool (*)(std::string_view), 2> kTexts{&converter_fits<std::string>, &converter_fits<std::string>};

// ---- Patterns

TEST(Pattern, IsCheckedWhenTheProgramIsCompiled) {
    constexpr PathPattern<int, std::string_view> kPattern = "<int:row>/<slug:name>/";
    static_assert(kPattern.text() == "<int:row>/<slug:name>/");
    static_assert(std::constructible_from<PathPattern<>, const char*>);
}

TEST(Pattern, HasNoSlashInFront) { EXPECT_THROW(check_pattern("/chat/", {}), PatternError); }

TEST(Pattern, CapturesOneThingForEachParameter) {
    EXPECT_NO_THROW(check_pattern("<int:a>/", kInt));
    EXPECT_THROW(check_pattern("<int:a>/<int:b>/", kInt), PatternError);
    EXPECT_THROW(check_pattern("x/", kInt), PatternError);
}

TEST(Pattern, HasConvertersThatFitTheParameters) {
    EXPECT_THROW(check_pattern("<slug:a>/", kInt), PatternError);
    EXPECT_THROW(check_pattern("<int:a>/", kText), PatternError);
    EXPECT_THROW(check_pattern("<slag:a>/", kText), PatternError);
    for (const std::string_view pattern : {"<str:a>", "<slug:a>", "<uuid:a>", "<path:a>"}) {
        EXPECT_NO_THROW(check_pattern(pattern, kText)) << pattern;
    }
}

TEST(Pattern, IsUnambiguous) {
    EXPECT_NO_THROW(check_pattern("<slug:a>.<slug:b>/", kTexts));
    EXPECT_THROW(check_pattern("<slug:a>-<slug:b>/", kTexts), PatternError);
    EXPECT_THROW(check_pattern("<slug:a><slug:b>/", kTexts), PatternError);
    EXPECT_THROW(check_pattern("<path:a>/<str:b>/", kTexts), PatternError);
    EXPECT_THROW(check_pattern("<slug:a>/<slug:a>/", kTexts), PatternError);
}

TEST(Pattern, RefusesWhatIsNoSyntax) {
    for (const std::string_view pattern :
         {"<int:a", "int:a>", "<int>", "<int:>", "<int:a b>", "<int:a>?x", "<int:a>//"}) {
        EXPECT_THROW(check_pattern(pattern, kInt), PatternError) << pattern;
    }
}

// ---- Matching

TEST(Route, MatchesTheWholePath) {
    const Route route = path("chat/", index);
    EXPECT_TRUE(route.match("chat/"));
    EXPECT_FALSE(route.match("chat"));
    EXPECT_FALSE(route.match("chat/x"));
    EXPECT_FALSE(route.match("xchat/"));
    EXPECT_FALSE(route.match(""));
}

TEST(Route, GivesTypedArgumentsToItsView) {
    const Route route = path("<int:row>/<int:column>/", cell);
    EXPECT_EQ(open(route, "12/034/"), "12/34");
}

TEST(Route, DoesNotMatchANumberThatItsParameterCannotHold) {
    const Route route = path("<int:row>/<int:column>/", cell);
    EXPECT_EQ(open(route, "2147483647/255/"), "2147483647/255");
    EXPECT_EQ(open(route, "2147483648/0/"), "no match");
    EXPECT_EQ(open(route, "0/256/"), "no match");
    EXPECT_EQ(open(route, "0/99999999999999999999999/"), "no match");
    EXPECT_EQ(open(route, "-1/0/"), "no match");
    EXPECT_EQ(open(route, "+1/0/"), "no match");
    EXPECT_EQ(open(route, "/0/"), "no match");
}

TEST(Route, TakesForAStrAnythingButASlash) {
    const Route route = path("w/<str:text>/", word);
    EXPECT_EQ(open(route, "w/a b\n~\xc3\xa9/"), "a b\n~\xc3\xa9");
    EXPECT_EQ(open(route, "w//"), "no match");
    EXPECT_EQ(open(route, "w/a/b/"), "no match");
}

TEST(Route, TakesForASlugLettersDigitsHyphensAndUnderscores) {
    const Route route = path("<slug:text>/", word);
    EXPECT_EQ(open(route, "Ab-9_z/"), "Ab-9_z");
    EXPECT_EQ(open(route, "a.b/"), "no match");
    EXPECT_EQ(open(route, "\xc3\xa9/"), "no match");
}

TEST(Route, TakesForAUuidItsFormInSmallLetters) {
    const Route route = path("<uuid:text>/", word);
    EXPECT_EQ(open(route, "01234567-89ab-cdef-0123-456789abcdef/"), "01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(open(route, "01234567-89AB-CDEF-0123-456789ABCDEF/"), "no match");
    EXPECT_EQ(open(route, "0123456789ab-cdef-0123-456789abcdef----/"), "no match");
    EXPECT_EQ(open(route, "01234567-89ab-cdef-0123-456789abcde/"), "no match");
}

TEST(Route, TakesForAPathAllThatIsLeft) {
    const Route route = path("static/<path:file>", word);
    EXPECT_EQ(open(route, "static/a/../b.css"), "a/../b.css");
    EXPECT_EQ(open(route, "static/"), "no match");
}

TEST(Route, TakesWhatAConverterOfTheUserTakes) {
    const Route route = path("<colour:colour>/", paint);
    EXPECT_EQ(open(route, "green/"), "green");
    EXPECT_EQ(open(route, "blue/"), "no match");
}

TEST(Route, HandsTheViewTextsThatPointIntoThePath) {
    const char* begin = nullptr;
    const Route route = path("<str:text>", [&begin](Request&, std::string_view text) {
        begin = text.data();
        return Response{};
    });
    const std::string path = "some-text";
    open(route, path);
    EXPECT_EQ(begin, path.data());
}

// ---- Views

TEST(Route, KeepsALambdaAtOneAddressForAllOfItsCopies) {
    std::optional<Route> route =
        path("", [text = std::string(100, 'x')](Request&) -> Task<Response> { co_return Response::text(text); });
    const Route copy = *route;
    Request request;
    auto answer = std::get<PageView>(route->view())(request, {});
    route.reset();
    Response response;
    run([](Task<Response> task, Response& result) -> Task<> { result = co_await std::move(task); }(
                                                      std::get<Task<Response>>(std::move(answer)), response));
    EXPECT_EQ(response.body, std::string(100, 'x'));
}

TEST(Route, KeepsAViewThatCannotBeCopied) {
    const Route route =
        path("", [number = std::make_unique<int>(7)](Request&) { return Response::text(std::to_string(*number)); });
    EXPECT_EQ(open(route, ""), "7");
}

// A coroutine of ours around the view's would cost every idle connection a second frame.
TEST(Route, ReturnsTheTaskOfAWebSocketViewItself) {
    Blog blog;
    const Urls urls = blog.urls();
    const Route& live = *(urls.begin() + 2);
    bool is_empty = false;
    const auto call = [&](WebSocket& socket) -> Task<> {
        const auto texts = live.match("live/lobby/");
        is_empty = !std::get<SocketView>(live.view())(socket, *texts);
        co_return;
    };
    testkit::Server server{{path("", call)}};
    (void)server.connect("/");
    EXPECT_EQ(blog.topic, "lobby");
    EXPECT_TRUE(is_empty);  // that view returns an empty task
}

TEST(Route, IsAPageOrAWebSocketByTheFirstParameterOfItsView) {
    EXPECT_TRUE(path("", index).is_page());
    EXPECT_FALSE(path("", [](WebSocket&) -> Task<> { co_return; }).is_page());
}

// ---- Options

TEST(Route, TakesGetAndHeadUnlessItSaysOtherwise) {
    EXPECT_EQ(path("", index).methods(), (std::vector<std::string>{"GET", "HEAD"}));
    EXPECT_EQ(path("", index).methods({"GET", "POST"}).methods(), (std::vector<std::string>{"GET", "POST", "HEAD"}));
    EXPECT_EQ(path("", index).methods({"POST"}).methods(), (std::vector<std::string>{"POST"}));
}

TEST(Route, RefusesOptionsThatItsKindDoesNotHave) {
    const auto view = [](WebSocket&) -> Task<> { co_return; };
    EXPECT_THROW(path("", index).subprotocols({"a"}), std::logic_error);
    EXPECT_THROW(path("", index).slow_member(SlowMember::kDropOldest), std::logic_error);
    EXPECT_THROW(path("", view).methods({"GET"}), std::logic_error);
    EXPECT_THROW(path("", view).subprotocols({"a b"}), std::logic_error);
    EXPECT_THROW(path("", index).methods({"GET, POST"}), std::logic_error);
}

// ---- Lists

TEST(Urls, PutAnIncludedListUnderItsPrefixAndNamespace) {
    Blog blog;
    const Urls site{path("", index, "home"), path("blog/", include(blog.urls(), "blog")),
                    path("old/", include(Urls{path("blog/", include(blog.urls(), "blog"))}, "old")),
                    path("end/", index)};
    std::string all;
    for (const Route& route : site) {
        all += route.pattern() + '=' + route.name() + ' ';
    }
    EXPECT_EQ(all,
              "=home blog/=blog:list blog/<int:number>/=blog:post blog/live/<slug:topic>/=blog:live "
              "old/blog/=old:blog:list old/blog/<int:number>/=old:blog:post old/blog/live/<slug:topic>/=old:blog:live "
              "end/= ");
}

TEST(Urls, KeepNamesWithoutANamespace) {
    const Urls site{path("a/", include(Urls{path("", index, "index")}))};
    EXPECT_EQ(site.begin()->name(), "index");
}

TEST(Urls, TurnANameBackIntoItsPath) {
    Blog blog;
    const Urls site{path("", index, "home"), path("blog/", include(blog.urls(), "blog")),
                    path("w/<str:text>/", word, "word"), path("f/<path:file>", word, "file"),
                    path("c/<colour:colour>/", paint, "paint")};
    EXPECT_EQ(site.reverse("home"), "/");
    EXPECT_EQ(site.reverse("blog:post", 12), "/blog/12/");
    EXPECT_EQ(site.reverse("blog:live", "lobby"), "/blog/live/lobby/");
    EXPECT_EQ(site.reverse("word", std::string{"a b?\xc3\xa9%"}), "/w/a%20b%3F%C3%A9%25/");
    EXPECT_EQ(site.reverse("file", "a/b.css"), "/f/a/b.css");
    EXPECT_EQ(site.reverse("paint", Colour::kGreen), "/c/green/");
}

TEST(Urls, Row82NeverTurnANameIntoAPathOnAnotherHost) {
    const Urls site{path("<path:file>", word, "file"), path("w/<str:text>/", word, "word")};
    EXPECT_EQ(site.reverse("file", "/evil.com/x"), "/%2Fevil.com/x");
    EXPECT_EQ(site.reverse("file", "//evil.com/x"), "/%2F/evil.com/x");
    EXPECT_EQ(site.reverse("file", "\\evil.com"), "/%5Cevil.com");
    EXPECT_EQ(site.reverse("file", "a//evil.com"), "/a//evil.com");
    EXPECT_EQ(site.reverse("file", "https://evil.com"), "/https://evil.com");
    std::string control = "/";
    for (char c = 1; c <= ' '; ++c) {
        control += c;
    }
    EXPECT_TRUE(site.reverse("file", "\t/evil.com").starts_with("/%09/"));
    EXPECT_EQ(site.reverse("file", control).find_first_of("\t\r\n \\"), std::string::npos);
    const std::string deep(100'000, '/');
    EXPECT_TRUE(site.reverse("file", deep).starts_with("/%2F/"));
}

// The path of a link is that of the request that it makes, as a browser and our parser read it.
TEST(Urls, Row82TurnANameIntoAPathThatComesBackToItsRoute) {
    const Urls site{path("<path:file>", word, "file")};
    for (const std::string text : {"/", "//", "/a", "\\", "a/b", "%2F", "%2e%2e/x", "...", ".a/..b", "a?b#c", "\x01",
                                   "a b+c&d;e=f", "\xc3\xa9", "a/", "/./a"}) {
        std::string target;
        try {
            target = site.reverse("file", text);
        } catch (const std::logic_error&) {
            EXPECT_EQ(text, "/./a");
            continue;
        }
        wire::RequestParser parser;
        parser.receive("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ASSERT_EQ(parser.state(), wire::RequestParser::State::kComplete) << text;
        EXPECT_EQ(parser.request().path, '/' + text);
        EXPECT_EQ(site.begin()->match(std::string_view{parser.request().path}.substr(1))->at(0), text);
    }
}

TEST(Urls, DoNotTurnBackWhatBrowsersMakeAnotherPathOf) {
    const Urls site{path("<path:file>", word, "file"), path("w/<str:text>/", word, "word")};
    for (const std::string text : {"..", ".", "../x", "a/..", "a/./b", "/.."}) {
        EXPECT_THROW(static_cast<void>(site.reverse("file", text)), std::logic_error) << text;
    }
    EXPECT_THROW(static_cast<void>(site.reverse("word", "..")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("word", std::string("a\0", 2))), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("word", "\xff")), std::logic_error);
}

TEST(Urls, DoNotTurnBackWhatWouldNotComeToTheSameView) {
    Blog blog;
    const Urls site{path("blog/", include(blog.urls(), "blog")), path("w/<str:text>/", word, "word")};
    EXPECT_THROW(static_cast<void>(site.reverse("unknown")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("post", 12)), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("blog:post")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("blog:post", 1, 2)), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("blog:post", -1)), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("blog:post", "abc")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("word", "a/b")), std::logic_error);
    EXPECT_THROW(static_cast<void>(site.reverse("word", "")), std::logic_error);
}

TEST(Urls, DoNotTurnBackArgumentsThatWouldComeBackAsOthers) {
    const auto view = [](Request&, std::string_view, std::string_view) { return Response{}; };
    const Urls site{path("<slug:stem>.<str:rest>", view, "file")};
    EXPECT_EQ(site.reverse("file", "a", "b.c"), "/a.b.c");
    EXPECT_THROW(static_cast<void>(site.reverse("file", "a.b", "c")), std::logic_error);
}

TEST(Urls, TurnBackTheRouteOfThatNameWhichTakesTheArguments) {
    Blog blog;
    const Urls site{path("list/", index, "list"), path("list/<str:page>/", word, "list")};
    EXPECT_EQ(site.reverse("list"), "/list/");
    EXPECT_EQ(site.reverse("list", "2"), "/list/2/");
}

}  // namespace
}  // namespace c10k
