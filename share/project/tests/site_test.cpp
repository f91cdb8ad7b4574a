#include "site.hpp"

#include <c10k/testkit.hpp>

#include <gtest/gtest.h>

using namespace c10k;

TEST(Site, HasItsFirstAppAtItsRootAndItsOwnStaticFiles) {
    testkit::Services services;
    Site site{services};
    testkit::Server server{services, site.urls()};
    EXPECT_EQ(server.get("/").status, 200);
    EXPECT_EQ(server.get("/static/site/site.css").status, 200);
    EXPECT_EQ(server.get("/nothing/here/").status, 404);
}
