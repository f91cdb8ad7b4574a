#include "chat/chat.hpp"

#include <c10k/testkit.hpp>

#include <gtest/gtest.h>

using namespace c10k;

// The app alone, with the templates that all apps share.
class ChatAppTest : public testing::Test {
protected:
    ChatAppTest() { services.templates.add_folder(PROJECT_DIR "/templates"); }

    testkit::Services services;
    ChatApp app{services};
    testkit::Server server{services, app.urls()};
};

TEST_F(ChatAppTest, HasAPageForEveryRoom) {
    EXPECT_NE(server.get("/").body.find(R"(<a href="/tea/">)"), std::string::npos);
    EXPECT_NE(server.get("/anything/").body.find("<h1>anything</h1>"), std::string::npos);
    EXPECT_EQ(server.get("/no.slug/").status, 404);
}

TEST_F(ChatAppTest, LetsARoomHearWhatOneSaysAndNoOtherRoom) {
    auto ann = server.connect("/tea/ws/");
    auto bob = server.connect("/tea/ws/");
    auto eve = server.connect("/coffee/ws/");
    EXPECT_EQ(ann.recv(), "Welcome! In this room: 1");
    EXPECT_EQ(bob.recv(), "Welcome! In this room: 2");
    EXPECT_EQ(eve.recv(), "Welcome! In this room: 1");

    ann.send("hi");
    EXPECT_EQ(bob.recv(), "hi");
    EXPECT_EQ(ann.recv(), "hi");
    EXPECT_FALSE(eve.has_message());
}
