#pragma once

#include "c10k/task.hpp"
#include "loop/loop.hpp"
#include "task/run.hpp"
#include "testkit/memory_backend.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>

namespace c10k {

using namespace std::chrono_literals;

// Tasks on a loop whose clock jumps to whatever is waited for.
class TaskTest : public testing::Test {
protected:
    void run(Task<> task) { c10k::run(loop, std::move(task)); }
    // Milliseconds since the test began.
    [[nodiscard]] std::int64_t now() { return loop.backend().now() - start_; }

    Loop loop{std::make_unique<MemoryBackend>()};

private:
    std::int64_t start_ = loop.backend().now();
};

}  // namespace c10k
