// The example of docs/howto/middleware.md, with its main() under another name.
#define main example_main
#include "../../examples/middleware.cpp"
#undef main

#include <c10k/testkit.hpp>

#include <gtest/gtest.h>

namespace {

const Headers kMember{{"Cookie", "session=ann"}};

TEST(MiddlewareExample, ShowsThePageToMembersOnly) {
    testkit::Server server{urls()};
    EXPECT_EQ(server.get("/").headers.get("Location"), "/login/");
    EXPECT_EQ(server.get("/", kMember).body, "<h1>Members</h1>\n");
    EXPECT_TRUE(server.get("/login/").headers.get("Set-Cookie")->starts_with("session=ann;"));
}

TEST(MiddlewareExample, OpensTheWebSocketToMembersOnly) {
    testkit::Server server{urls()};
    EXPECT_THROW(static_cast<void>(server.connect("/echo/")), testkit::Refused);
    auto client = server.connect("/echo/", {.headers = kMember});
    client.send("hi");
    EXPECT_EQ(client.recv(), "hi");
}

TEST(MiddlewareExample, SaysHowLongAPageTook) {
    testkit::Server server{urls()};
    const Response response = server.get("/nothing/");
    EXPECT_EQ(response.status, 404);
    EXPECT_TRUE(response.headers.get("Server-Timing").value_or("").starts_with("view;dur="));
    EXPECT_EQ(response.headers.get("X-Frame-Options"), "DENY");
}

}  // namespace
