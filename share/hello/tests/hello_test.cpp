#include "hello/hello.hpp"

#include <c10k/testkit.hpp>

#include <gtest/gtest.h>

using namespace c10k;

// The app alone, under the name that the site gives it, with the templates that all apps share.
class HelloAppTest : public testing::Test {
protected:
    HelloAppTest() { services.templates.add_folder(PROJECT_DIR "/templates"); }

    testkit::Services services;
    HelloApp app{services};
    testkit::Server server{services, {path("", include(app.urls(), "hello"))}};
};

TEST_F(HelloAppTest, ShowsItsPage) {
    const Response page = server.get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("<h1>It works.</h1>"), std::string::npos);
}

TEST_F(HelloAppTest, LetsEverybodyHearWhatOneSays) {
    auto ann = server.connect("/ws/");
    EXPECT_EQ(ann.recv(), "open 1");
    auto bob = server.connect("/ws/");
    EXPECT_EQ(bob.recv(), "open 2");
    EXPECT_EQ(ann.recv(), "open 2");
    ann.send("say hi");
    EXPECT_EQ(bob.recv(), "say hi");
    EXPECT_EQ(ann.recv(), "say hi");
}

TEST_F(HelloAppTest, AnswersOnlyThePageThatMeasures) {
    auto ann = server.connect("/ws/");
    EXPECT_EQ(ann.recv(), "open 1");
    ann.send("ping");
    EXPECT_EQ(ann.recv(), "pong");
}
