#include "server/application.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace c10k {
namespace {

TEST(Captures, AreEmptyForARouteThatCapturesNothing) {
    EXPECT_TRUE(Captures{}.texts().empty());
    EXPECT_TRUE(Captures{std::span<const std::string_view>{}}.texts().empty());
}

TEST(Captures, OutliveTheTextsTheyAreMadeOf) {
    Captures captures;
    {
        const std::string first(100, 'a');
        const std::string last = "z";
        const std::array<std::string_view, 3> texts{first, "", last};
        captures = Captures{texts};
    }
    const Captures moved = std::move(captures);
    ASSERT_EQ(moved.texts().size(), 3U);
    EXPECT_EQ(moved.texts()[0], std::string(100, 'a'));
    EXPECT_EQ(moved.texts()[1], "");
    EXPECT_EQ(moved.texts()[2], "z");
}

}  // namespace
}  // namespace c10k
