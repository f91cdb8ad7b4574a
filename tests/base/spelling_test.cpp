#include "base/spelling.hpp"

#include <array>
#include <gtest/gtest.h>

namespace c10k {
namespace {

constexpr std::array<std::string_view, 7> kWords{"runserver", "serve",          "restart", "urls",
                                                 "check",     "max_body_bytes", "port"};

TEST(Nearest, FindsWhatWasPerhapsMeant) {
    EXPECT_EQ(nearest("runserv", kWords), "runserver");
    EXPECT_EQ(nearest("RUNSERVER", kWords), "runserver");
    EXPECT_EQ(nearest("server", kWords), "serve");
    EXPECT_EQ(nearest("chekc", kWords), "check");
    EXPECT_EQ(nearest("prot", kWords), "port");  // two letters exchanged are one mistake
    EXPECT_EQ(nearest("max-body-byte", kWords), "max_body_bytes");
    EXPECT_EQ(nearest("mx_bdy_bytse", kWords), "max_body_bytes");
}

TEST(Nearest, FindsNothingWhereNothingIsNear) {
    EXPECT_EQ(nearest("", kWords), "");
    EXPECT_EQ(nearest("x", kWords), "");
    EXPECT_EQ(nearest("deploy", kWords), "");
    EXPECT_EQ(nearest("manage", kWords), "");
    EXPECT_EQ(nearest("source", kWords), "");
    EXPECT_EQ(nearest("port", {}), "");
    EXPECT_EQ(nearest(std::string(5000, 'a'), kWords), "");
}

TEST(InvisibleIn, NamesTheCharacter) {
    EXPECT_EQ(invisible_in("8000\u00a0"), "U+00A0");
    EXPECT_EQ(invisible_in("\ufeffport"), "U+FEFF");
    EXPECT_EQ(invisible_in("a\u200bb"), "U+200B");
    EXPECT_EQ(invisible_in("b\u00fccher \u0440"), "");
    EXPECT_EQ(invisible_in(""), "");
}

}  // namespace
}  // namespace c10k
