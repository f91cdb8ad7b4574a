#include "c10k/http.hpp"
#include "c10k/web.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

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
    for (const std::string_view body : {"", "{", "{} {}", "{'a': 1}", "\"\xff\"", "[1,]", "NaN", "\"\n\""}) {
        EXPECT_THROW(static_cast<void>(with_body(std::string{body}).json()), BadRequest) << body;
    }
}

TEST(Json, OfAMegabyteOfBracketsDoesNotOverflowTheStack) {
    const std::string open(500'000, '[');
    EXPECT_THROW(static_cast<void>(with_body(open).json()), BadRequest);
    EXPECT_NO_THROW(static_cast<void>(with_body(open + std::string(500'000, ']')).json()));
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
