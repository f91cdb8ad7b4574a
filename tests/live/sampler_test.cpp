#include "live/sampler.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <utility>

namespace c10k {
namespace {

using Walks = std::vector<std::shared_ptr<const LoopWalk>>;
using std::chrono::seconds;

// Samples one loop with one route, a second after the other.
class SamplerTest : public testing::Test {
protected:
    nlohmann::json take(const std::shared_ptr<const LoopWalk>& walk = nullptr) {
        now_ += seconds{1};
        sampler_.take(now_, {walk});
        return sampler_.figures();
    }
    static std::shared_ptr<const LoopWalk> walk_with(int answers, std::int64_t microseconds) {
        LoopWalk walk;
        walk.routes.resize(1);
        for (int i = 0; i < answers; ++i) {
            walk.routes.front().answers.add(microseconds);
        }
        return std::make_shared<const LoopWalk>(std::move(walk));
    }

    std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();

private:
    Sampler sampler_{{{counters_, std::make_shared<LoopDelay>(), {{"/", std::make_shared<Traffic>()}}}}};
    std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
};

TEST_F(SamplerTest, CountsThoseWhoLeft) {
    counters_->accepted.add(5);
    counters_->open.add(20);  // on streams of HTTP/2
    counters_->open_tcp.add(2);
    EXPECT_EQ(take()["now"]["left"], 3);
}

// The loop counts meanwhile: a connection can be among the accepted ones, and not yet among the open ones.
TEST_F(SamplerTest, SaysThatNobodyHasLeftIfAConnectionIsCountedInTwoSteps) {
    counters_->accepted.add();
    take();
    counters_->open_tcp.add();
    EXPECT_EQ(take()["now"]["left"], 0);
}

TEST_F(SamplerTest, CountsTheAnswersOfAWalkOnceHoweverLongTheNextOneTakes) {
    const auto walk = walk_with(1, 1'000);
    for (int second = 0; second < 30; ++second) {
        take(walk);
    }
    EXPECT_GT(take(walk_with(5, 16'000))["routes"][0]["p50"], 10'000);
}

}  // namespace
}  // namespace c10k
