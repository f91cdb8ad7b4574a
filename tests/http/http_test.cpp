#include "c10k/http.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>
#include <string>

namespace c10k {
namespace {

TEST(Headers, NamesCompareWithoutRegardToCase) {
    Headers headers{{"Content-Type", "text/html"}};
    EXPECT_EQ(headers.get("content-TYPE"), "text/html");
    EXPECT_EQ(headers.get("Content"), std::nullopt);
    headers.add("CONTENT-TYPE", "text/plain");
    EXPECT_EQ(headers.count("content-type"), 2u);
    EXPECT_EQ(headers.get("content-type"), "text/html");
    headers.set("content-type", "a/b");
    EXPECT_EQ(headers.count("Content-Type"), 1u);
    EXPECT_EQ(headers.get("Content-Type"), "a/b");
    headers.remove("Content-type");
    EXPECT_EQ(headers.size(), 0u);
}

// RFC 9110, 5.6.1.
TEST(Headers, TokensAreFoundInAnyFieldOfTheName) {
    const Headers headers{{"Connection", "keep-alive,\tUpgrade "}, {"connection", ", ,x-a"}};
    EXPECT_TRUE(headers.has_token("Connection", "upgrade"));
    EXPECT_TRUE(headers.has_token("Connection", "keep-alive"));
    EXPECT_TRUE(headers.has_token("Connection", "X-A"));
    EXPECT_FALSE(headers.has_token("Connection", "keep"));
    EXPECT_FALSE(headers.has_token("Connection", ""));
    EXPECT_FALSE(headers.has_token("Upgrade", "upgrade"));
}

// WHATWG URL, 5.1.
TEST(Parameters, AreDecodedAsAFormSendsThem) {
    const auto parameters = Parameters::parse("text=a+b%2B%C3%A9&&empty=&bare&=nameless&text=last%=%zz");
    ASSERT_EQ(parameters.size(), 5u);
    EXPECT_EQ(parameters.begin()->value, "a b+\xc3\xa9");
    EXPECT_EQ(parameters.get("text"), "last%=%zz");
    EXPECT_EQ(parameters.get("empty"), "");
    EXPECT_EQ(parameters.get("bare"), "");
    EXPECT_EQ(parameters.get(""), "nameless");
    EXPECT_EQ(parameters.get("other"), std::nullopt);
}

TEST(Parameters, AreAlwaysUtf8) { EXPECT_EQ(Parameters::parse("a=%FF%C3%A9").get("a"), "\xef\xbf\xbd\xc3\xa9"); }

TEST(Parameters, AreLimitedInNumber) {
    std::string encoded;
    for (int i = 0; i < 100'000; ++i) {
        encoded += "a&";
    }
    EXPECT_EQ(Parameters::parse(encoded).size(), Parameters::kMaxItems);
}

TEST(Request, QueryIsWhatFollowsTheFirstQuestionMark) {
    Request request;
    request.target = "/path?a=1&b=?";
    EXPECT_EQ(request.query().get("a"), "1");
    EXPECT_EQ(request.query().get("b"), "?");
    request.target = "/path";
    EXPECT_EQ(request.query().size(), 0u);
    request.target = "/path?";
    EXPECT_EQ(request.query().size(), 0u);
}

// RFC 6265, 4.2.1 and 5.4
TEST(Request, CookiesAreThePairsOfTheCookieField) {
    Request request;
    EXPECT_EQ(request.cookies().size(), 0u);
    request.headers.add("Accept", "other=1");
    request.headers.add("Cookie", "session=31d4d96e407aad42; lang=en-US; quoted=\"a b\"; empty=; a=b=c==");
    const Parameters cookies = request.cookies();
    EXPECT_EQ(cookies.size(), 5u);
    EXPECT_EQ(cookies.get("session"), "31d4d96e407aad42");
    EXPECT_EQ(cookies.get("lang"), "en-US");
    EXPECT_EQ(cookies.get("quoted"), "a b");
    EXPECT_EQ(cookies.get("empty"), "");
    EXPECT_EQ(cookies.get("a"), "b=c==");
    EXPECT_EQ(cookies.get("Lang"), std::nullopt);
}

TEST(Request, CookiesLeaveOutWhatIsNone) {
    Request request;
    request.headers.add("Cookie", ";; bare;=nameless; a=1;b = 2 ;\tc=\"; d=\xff; a=3");
    request.headers.add("cookie", "e=5; f=\"half");
    const Parameters cookies = request.cookies();
    EXPECT_EQ(cookies.size(), 7u);
    EXPECT_EQ(cookies.begin()->value, "1");
    EXPECT_EQ(cookies.get("a"), "3");
    EXPECT_EQ(cookies.get("b"), "2");
    EXPECT_EQ(cookies.get("c"), "\"");
    EXPECT_EQ(cookies.get("d"), "\xef\xbf\xbd");
    EXPECT_EQ(cookies.get("e"), "5");
    EXPECT_EQ(cookies.get("f"), "\"half");
}

TEST(Request, CookiesAreLimitedInNumber) {
    std::string field;
    for (int i = 0; i < 4000; ++i) {
        field += "a=;";
    }
    Request request;
    request.headers = {{"Cookie", field}, {"Cookie", field}};
    EXPECT_EQ(request.cookies().size(), Parameters::kMaxItems);
}

std::string set_cookie(std::string_view name, std::string_view value, const CookieOptions& options = {}) {
    Response response;
    response.set_cookie(name, value, options);
    return std::string{*response.headers.get("Set-Cookie")};
}

// RFC 6265, 4.1, and RFC 6265bis for SameSite
TEST(Response, SetsCookiesWithTheirAttributes) {
    using namespace std::chrono_literals;
    EXPECT_EQ(set_cookie("lang", "en"), "lang=en; Path=/; SameSite=Lax");
    EXPECT_EQ(set_cookie("__Host-id", "a=b",
                         {.max_age = 2h, .secure = true, .http_only = true, .same_site = SameSite::kStrict}),
              "__Host-id=a=b; Path=/; Max-Age=7200; Secure; HttpOnly; SameSite=Strict");
    EXPECT_EQ(set_cookie("a", "", {.path = "/chat/", .max_age = 0s}), "a=; Path=/chat/; Max-Age=0; SameSite=Lax");
    EXPECT_EQ(set_cookie("a", "b", {.path = "", .secure = true, .same_site = SameSite::kNone}),
              "a=b; Secure; SameSite=None");
    Response response;
    response.set_cookie("a", "1");
    response.set_cookie("b", "2");
    EXPECT_EQ(response.headers.count("Set-Cookie"), 2u);
}

TEST(Response, SetsNoCookieThatCouldBeReadAsAnother) {
    for (const std::string_view value :
         {"a;Domain=x", "a b", "a,b", "\"a\"", "a\\b", "a\r\nX: y", "\xc3\xa9", "\x7f"}) {
        EXPECT_THROW(set_cookie("a", value), std::logic_error) << value;
    }
    for (const std::string_view name : {"", "a=b", "a b", "a;b", "a\n"}) {
        EXPECT_THROW(set_cookie(name, "a"), std::logic_error) << name;
    }
    EXPECT_THROW(set_cookie("a", "b", {.path = "/; Domain=x"}), std::logic_error);
    EXPECT_THROW(set_cookie("a", "b", {.same_site = SameSite::kNone}), std::logic_error);
}

// RFC 9110, 15, and RFC 6585.
TEST(Response, ReasonsAreThoseOfTheStandards) {
    const std::set<int> known{100, 101, 200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307,
                              308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414,
                              415, 416, 417, 421, 422, 426, 428, 429, 431, 500, 501, 502, 503, 504, 505};
    std::set<std::string_view> reasons;
    for (int status = 0; status < 1000; ++status) {
        EXPECT_NE(reason_phrase(status).empty(), known.contains(status)) << status;
        reasons.insert(reason_phrase(status));
    }
    EXPECT_EQ(reasons.size(), known.size() + 1);  // each is another
    EXPECT_EQ(reason_phrase(426), "Upgrade Required");
}

TEST(Response, ShorthandsSayWhatTheBodyIs) {
    EXPECT_EQ(Response::text("a").headers.get("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(Response::html("a", 404).headers.get("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(Response::html("a", 404).status, 404);
    EXPECT_EQ(Response::redirect("/a/").headers.get("Location"), "/a/");
    EXPECT_EQ(Response::redirect("/a/").status, 302);
    EXPECT_EQ(reason_phrase(404), "Not Found");
    EXPECT_EQ(reason_phrase(299), "");
}

}  // namespace
}  // namespace c10k
