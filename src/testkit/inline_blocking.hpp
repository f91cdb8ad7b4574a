#pragma once

#include "c10k/limits.hpp"
#include "c10k/timer.hpp"
#include "loop/blocking_pool.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace c10k::testkit {

// Runs blocking functions on their loop, one after another at a time of the loop's clock, so that a test with them is
// as repeatable as one without. It refuses as many as threads would.
// Thread: that of the loop, which is the only one to use it.
class InlineBlocking final : public BlockingPool, private Timer {
public:
    // How long the next function takes.
    using Time = std::function<Duration()>;

    explicit InlineBlocking(Time time = [] { return Duration::zero(); }) : time_(std::move(time)) {}

    // For the functions of `loop`, which has such a pool.
    static void limit(Loop& loop, const BlockingLimits& limits);

    bool start(const std::shared_ptr<internal::BlockingCall>& call, Loop& loop) override;
    void withdraw(internal::BlockingCall& call) noexcept override;
    void finish(const Loop& loop) noexcept override;
    [[nodiscard]] BlockingCounts counts() const override;

private:
    void on_time() override;
    void start_timer();

    const Time time_;
    BlockingLimits limits_;
    Loop* loop_ = nullptr;
    std::multimap<std::int64_t, std::shared_ptr<internal::BlockingCall>> calls_;  // by when they end, in ms
    std::uint64_t done_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace c10k::testkit
