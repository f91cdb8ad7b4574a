#include "c10k/http.hpp"
#include "c10k/web.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {
namespace {

Request with_body(std::string body) {
    Request request;
    request.method = "POST";
    request.body = std::move(body);
    return request;
}

TEST(Json, IsReadFromTheBody) {
    const nlohmann::json value = with_body(R"({"name": "\u00e9", "list": [1, 2.5, null, true]})").json();
    EXPECT_EQ(value.at("name"), "\xc3\xa9");
    EXPECT_EQ(value.at("list").size(), 4U);
}

TEST(Json, OfABadBodyIsABadRequest) {
    for (const std::string_view body : {"", "{", "{} {}", "{'a': 1}", "\"\xff\"", "[1,]", "NaN", "\"\n\"", "1e400",
                                        "[-1e999]", "\"\\ud800\"", "[1", "\"\\"}) {
        EXPECT_THROW(static_cast<void>(with_body(std::string{body}).json()), BadRequest) << body;
    }
}

TEST(Json, HasTheLastValueOfANameThatAnObjectHasTwice) {
    EXPECT_EQ(parse_json(R"({"a": 1, "a": 2})"), nlohmann::json({{"a", 2}}));
}

// So many arrays in each other.
std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(Json, Row82HasAtMost128ArraysAndObjectsInEachOther) {
    EXPECT_NO_THROW(static_cast<void>(parse_json(nested(128))));
    EXPECT_THROW(static_cast<void>(parse_json(nested(129))), BadRequest);
    for (const std::string_view opening : {"[", "{\"a\":", "[{\"\\\"\":", "[\"]\",", "[[],", "[{},"}) {
        std::string text;
        for (int level = 0; level < 100'000; ++level) {
            text += opening;
        }
        EXPECT_THROW(static_cast<void>(with_body(text).json()), BadRequest) << opening;
    }
    EXPECT_THROW(static_cast<void>(with_body(nested(500'000)).json()), BadRequest);
}

TEST(Json, Row82HasAnyNumberOfBracketsBesideEachOtherAndInStrings) {
    const std::string many(100'000, '[');
    std::string list = "[[]";
    for (int i = 0; i < 100'000; ++i) {
        list += ",[]";
    }
    EXPECT_EQ(parse_json(list + ']').size(), 100'001U);
    EXPECT_EQ(parse_json('"' + many + '"'), many);
    EXPECT_EQ(parse_json("[\"\\\"" + many + "\\\\\"]").at(0), '"' + many + '\\');
    EXPECT_THROW(static_cast<void>(parse_json(std::string(100'000, ']'))), BadRequest);
}

TEST(Json, Row82IsCopiedComparedAndEchoedAtItsDeepest) {
    const nlohmann::json value = with_body(nested(128)).json();
    const nlohmann::json copy = value;  // NOLINT(performance-unnecessary-copy-initialization): that is the test
    EXPECT_EQ(copy, value);
    EXPECT_EQ(Response::json(copy).body, nested(128));
    EXPECT_EQ(Response::json({{"you sent", value}}).body, "{\"you sent\":" + nested(128) + '}');
}

TEST(Json, Row82OfAResponseIsRefusedBeforeItOverflowsTheStack) {
    nlohmann::json value;
    for (int level = 0; level < 100'000; ++level) {
        nlohmann::json around = nlohmann::json::array();
        around.push_back(std::move(value));
        value = std::move(around);
    }
    EXPECT_THROW(static_cast<void>(Response::json(value)), std::length_error);
}

TEST(Json, IsAResponseToo) {
    const Response response = Response::json({{"rows", {1, 2}}, {"name", "\xc3\xa9"}}, 201);
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(response.body, "{\"name\":\"\xc3\xa9\",\"rows\":[1,2]}");
    EXPECT_EQ(Response::json("a\xff").body, "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace c10k
