#include "c10k/json.hpp"

#include "c10k/groups.hpp"
#include "c10k/http.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "c10k/websocket.hpp"
#include "wire/utf8.hpp"

#include <gtest/gtest.h>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

// Views send it back: as the reason of a close, too, which has to be UTF-8.
TEST(Json, TellsWhatIsWrongInUtf8OfBoundedLength) {
    for (const std::string& text : {std::string{"\"\xff\""}, '"' + std::string(100'000, 'a') + '\n'}) {
        try {
            static_cast<void>(parse_json(text));
            ADD_FAILURE() << "it is no JSON";
        } catch (const BadRequest& error) {
            EXPECT_TRUE(wire::is_utf8(error.what()));
            EXPECT_LT(std::string_view{error.what()}.size(), 1000U);
        }
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

// ---- Beside co_await, where g++ 12 compiles no braced list: "array used as initializer"

Task<> greets(WebSocket& socket) {
    co_await socket.send(json_text("type", "hello"));
    while (const auto message = co_await socket.recv()) {
        const nlohmann::json said = parse_json(*message);
        co_await socket.send(json_text("type", "said", "text", said.at("text"), "user", json_object("name", "ann"),
                                       "list", json_array(1, 2.5, nullptr, true, json_array())));
        co_await socket.send(json_object("n", 1).dump());
        co_await socket.send(json_text((co_await socket.recv()).value()));
    }
}

TEST(Json, IsSentInAStatementWithCoAwait) {
    testkit::Server server{{path("", greets)}};
    auto client = server.connect("/");
    EXPECT_EQ(client.recv(), R"({"type":"hello"})");
    client.send(R"({"text":"hi"})");
    EXPECT_EQ(client.recv(), R"({"list":[1,2.5,null,true,[]],"text":"hi","type":"said","user":{"name":"ann"}})");
    EXPECT_EQ(client.recv(), R"({"n":1})");
    client.send("x");
    EXPECT_EQ(client.recv(), R"("x")");
}

Task<Response> waits(Request& /*request*/) {
    co_await sleep_for(std::chrono::seconds{0});
    co_return Response::json(json_object("id", 7, "tags", json_array("a", "b")));
}

TEST(Json, IsAResponseOfACoroutine) {
    testkit::Server server{{path("", waits)}};
    EXPECT_EQ(server.get("/").body, R"({"id":7,"tags":["a","b"]})");
}

TEST(Json, IsMadeOfAllThatNlohmannsIsMadeOf) {
    const std::string name = "text";
    const Message message = "from a peer";
    EXPECT_EQ(json_text(name, message, std::string_view{"list"}, std::vector<int>{1, 2}),
              R"({"list":[1,2],"text":"from a peer"})");
    EXPECT_EQ(json_text("map", std::map<std::string, int>{{"a", 1}}), R"({"map":{"a":1}})");
    EXPECT_EQ(json_text("twice", 1, "twice", 2), R"({"twice":2})");
    EXPECT_EQ(json_text(), "{}");
    EXPECT_EQ(json_text(json_array()), "[]");
    EXPECT_EQ(json_text(std::vector<std::string>{"a"}), R"(["a"])");
    EXPECT_EQ(json_text(nlohmann::json(nullptr)), "null");
    EXPECT_EQ(json_array(nlohmann::json::object()), nlohmann::json::array({nlohmann::json::object()}));
}

TEST(Json, InAMessageIsBoundedAndUtf8LikeThatOfAResponse) {
    EXPECT_EQ(json_text("a", "\xff"), "{\"a\":\"\xef\xbf\xbd\"}");
    nlohmann::json value;
    for (int level = 0; level < 100'000; ++level) {
        value = json_array(std::move(value));
    }
    EXPECT_THROW(static_cast<void>(json_text(value)), std::length_error);
}

}  // namespace
}  // namespace c10k
