#include "gameoflife/control_permission.hpp"

#include "gameoflife/settings.hpp"

#include <gtest/gtest.h>

namespace life {
namespace {

TEST(ControlPermission, IsForNobodyForThoseOnThisMachineOrForAll) {
    const auto may = [](ControlFrom allowed, const char* peer) {
        c10k::Settings settings;
        settings.set(kLifeControl, allowed);
        return control_refusal(settings, peer).empty();
    };
    for (const char* near : {"127.0.0.1:54321", "127.9.8.7", "[::1]:54321", "::1", "[::ffff:127.0.0.1]:54321"}) {
        EXPECT_FALSE(may(ControlFrom::kNowhere, near)) << near;
        EXPECT_TRUE(may(ControlFrom::kLoopback, near)) << near;
        EXPECT_TRUE(may(ControlFrom::kAnywhere, near)) << near;
    }
    for (const char* far : {"128.0.0.1:127", "12.7.0.1:1", "[::2]:1", "::11", "[fe80::1]:1", "unix:", ""}) {
        EXPECT_FALSE(may(ControlFrom::kNowhere, far)) << far;
        EXPECT_FALSE(may(ControlFrom::kLoopback, far)) << far;
        EXPECT_TRUE(may(ControlFrom::kAnywhere, far)) << far;
    }
}

}  // namespace
}  // namespace life
