#include "base/log.hpp"

#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace c10k {
namespace {

TEST(Log, IsSilentOnTheThreadWhereThatIsWanted) {
    testing::internal::CaptureStderr();
    {
        const log::Silence silence;
        log::error("not this");
        std::thread{[] { log::error("but that"); }}.join();
    }
    log::error("and this");
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(said.find("not this"), std::string::npos);
    EXPECT_NE(said.find("but that"), std::string::npos);
    EXPECT_NE(said.find("and this"), std::string::npos);
}

}  // namespace
}  // namespace c10k
