#include "{{ app_name }}/{{ app_name }}.hpp"

#include <c10k/testkit.hpp>

#include <gtest/gtest.h>

using namespace c10k;

// The app alone, with the templates that all apps share.
class {{ app_class }}Test : public testing::Test {
protected:
    {{ app_class }}Test() { services.templates.add_folder(PROJECT_DIR "/templates"); }

    testkit::Services services;
    {{ app_class }} app{services};
    testkit::Server server{services, app.urls()};
};

TEST_F({{ app_class }}Test, ShowsItsPage) {
    const Response page = server.get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("<h1>{{ app_name }}</h1>"), std::string::npos);
}

TEST_F({{ app_class }}Test, LetsEverybodyHearWhatOneSays) {
    auto ann = server.connect("/ws/");
    auto bob = server.connect("/ws/");
    ann.send("hi");
    EXPECT_EQ(bob.recv(), "hi");
    EXPECT_EQ(ann.recv(), "hi");
}
