#include "c10k/http.hpp"

#include <gtest/gtest.h>

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

TEST(Request, FormIsTheBodyOfAUrlencodedPost) {
    Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "Application/X-WWW-Form-Urlencoded ; charset=utf-8");
    request.body = "text=%3Cb%3E";
    EXPECT_EQ(request.form().get("text"), "<b>");
    request.method = "PUT";
    EXPECT_EQ(request.form().size(), 0u);
    request.method = "POST";
    request.headers.set("Content-Type", "text/plain");
    EXPECT_EQ(request.form().size(), 0u);
    request.headers.remove("Content-Type");
    EXPECT_EQ(request.form().size(), 0u);
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
