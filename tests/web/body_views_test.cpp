// Views that take a BodyReader, in their routes.

#include "c10k/body_reader.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace c10k {
namespace {

Task<Response> count(Request& request, BodyReader& body) {
    std::size_t size = 0;
    for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
        size += piece.size();
    }
    co_return Response::text(request.path + ' ' + std::to_string(size) + (request.body.empty() ? "" : " twice"));
}
Response size(Request& request) { return Response::text("whole " + std::to_string(request.body.size())); }
Task<Response> slow_size(Request& request, std::string_view name) {
    co_await yield();
    co_return Response::text(std::string{name} + ' ' + std::to_string(request.body.size()));
}

class Files {
public:
    Urls urls() {
        return {
            path("member/<slug:name>/<int:part>/", this, &Files::member).methods({"POST"}),
            path("const/<slug:name>/", this, &Files::constant).methods({"POST"}),
            path("function/", count).methods({"GET", "POST"}),
            path("lambda/<str:text>/",
                 [this](Request& request, BodyReader& body, std::string text) { return keep(request, body, text); })
                .methods({"POST"}),
        };
    }
    std::string name;

private:
    Task<Response> member(Request& /*request*/, BodyReader& body, std::string_view file, int part) {
        name = file;
        const std::string content = co_await body.read_all(100);
        co_return Response::text(std::string{file} + std::to_string(part) + ": " + content);
    }
    Task<Response> constant(const Request& /*request*/, BodyReader& body, std::string file) const {
        co_return Response::text(file + ": " + co_await body.read_all(100));
    }
    Task<Response> keep(Request& request, BodyReader& body, std::string text) {
        name = std::move(text);
        return count(request, body);
    }
};

TEST(BodyViews, AreFunctionsMembersAndLambdasWithCaptures) {
    Files files;
    testkit::Server server{files.urls()};
    EXPECT_EQ(server.post("/member/report/7/", "hello").body, "report7: hello");
    EXPECT_EQ(files.name, "report");
    EXPECT_EQ(server.post("/const/report/", "hello").body, "report: hello");
    EXPECT_EQ(server.post("/function/", "hello").body, "/function/ 5");
    EXPECT_EQ(server.get("/function/").body, "/function/ 0");
    EXPECT_EQ(server.post("/lambda/a text/", "hello").status, 400);  // a space in the target
    EXPECT_EQ(server.post("/lambda/a%20text/", "hello").body, "/lambda/a text/ 5");
    EXPECT_EQ(files.name, "a text");
}

TEST(BodyViews, TakeBodiesLargerThanMaxBodyBytesAndOthersDoNot) {
    Settings settings = testkit::quiet_settings();
    settings.max_body_bytes = 1000;
    testkit::Server server{Urls{path("count/", count).methods({"POST"}), path("size/", size).methods({"POST"})},
                           settings};
    const std::string body(100'000, 'x');
    EXPECT_EQ(server.post("/count/", body).body, "/count/ 100000");
    EXPECT_EQ(server.post("/size/", body).status, 413);
    EXPECT_EQ(server.post("/size/", std::string(1000, 'x')).body, "whole 1000");
}

TEST(BodyViews, AnswerWithTheStatusOfABodyThatFails) {
    Files files;
    testkit::Server server{files.urls()};
    EXPECT_EQ(server.post("/member/report/7/", std::string(101, 'x')).status, 413);
    EXPECT_EQ(server.request("PUT", "/member/report/7/", {}, "hello").status, 405);
    EXPECT_EQ(server.request("POST", "/nowhere/", {}, "hello").status, 404);
}

// Middleware that answers instead of the view, or leads the request to another one.
Task<Response> lead(Request& request, Next<Request> next) {
    if (request.path == "/stop/") {
        co_return Response::text("stopped");
    }
    if (request.path.starts_with("/to/")) {
        request.path.erase(0, 3);
    }
    co_return co_await next(request);
}

TEST(BodyViews, WorkInsideMiddleware) {
    testkit::Server server{Urls{
        middleware(lead),
        path("stop/", count).methods({"POST"}),
        path("count/", count).methods({"POST"}),
        path("size/", size).methods({"POST"}),
        path("slow/<slug:name>/", slow_size).methods({"POST"}),
        path("to/<path:rest>", [](Request& request, BodyReader& body, std::string) { return count(request, body); })
            .methods({"POST"}),
    }};
    EXPECT_EQ(server.post("/stop/", "hello").body, "stopped");
    EXPECT_EQ(server.post("/count/", "hello").body, "/count/ 5");
    EXPECT_EQ(server.post("/size/", "hello").body, "whole 5");
}

TEST(BodyViews, AndOthersGetTheirBodiesAlsoWhereMiddlewareHasLedTheRequest) {
    Settings settings = testkit::quiet_settings();
    settings.max_body_bytes = 1000;
    testkit::Server server{
        Urls{
            middleware(lead), path("count/", count).methods({"POST"}), path("size/", size).methods({"POST"}),
            path("slow/<slug:name>/", slow_size).methods({"POST"}),
            path("to/size/", count).methods({"POST"}),         // reads the body, which size() wants whole
            path("to/slow/report/", count).methods({"POST"}),  // the same for a coroutine
            path("to/count/", size).methods({"POST"}),         // wants it whole, and count() reads it
        },
        settings};
    EXPECT_EQ(server.post("/to/size/", "hello").body, "whole 5");
    EXPECT_EQ(server.post("/to/slow/report/", "hello").body, "report 5");
    EXPECT_EQ(server.post("/to/count/", "hello").body, "/count/ 5");
    EXPECT_EQ(server.post("/to/size/", std::string(1001, 'x')).status, 413);
}

TEST(BodyViews, NeedARequestOfTheServer) {
    testkit::Server server{Urls{
        path("count/", count).methods({"POST"}).middleware([](Request&, Next<Request> next) -> Task<Response> {
            Request own;
            own.method = "POST";
            own.target = own.path = "/count/";
            try {
                co_return co_await next(own);
            } catch (const std::logic_error& error) {
                co_return Response::text(error.what());
            }
        }),
    }};
    EXPECT_EQ(server.post("/count/", "hello").status, 500);
}

}  // namespace
}  // namespace c10k
