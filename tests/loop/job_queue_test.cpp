#include "loop/job_queue.hpp"

#include "loop/loop.hpp"
#include "testkit/memory_backend.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace c10k {
namespace {

class JobQueueTest : public testing::Test {
protected:
    MemoryBackend backend;
    JobQueue jobs{backend};
    std::vector<int> ran;

    void post(int number) {
        jobs.post_call([this, number] { ran.push_back(number); });
    }
};

TEST_F(JobQueueTest, RunsJobsInTheirOrder) {
    post(1);
    post(2);
    EXPECT_TRUE(jobs.run_jobs());
    post(3);
    EXPECT_TRUE(jobs.run_jobs());
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
    EXPECT_FALSE(jobs.run_jobs());
}

TEST_F(JobQueueTest, LeavesWhatAJobPostsForTheNextTurn) {
    jobs.post_call([this] { post(2); });
    jobs.run_jobs();
    EXPECT_TRUE(ran.empty());
    jobs.run_jobs();
    EXPECT_EQ(ran, std::vector<int>{2});
}

TEST_F(JobQueueTest, LetsNoJobOvertakeOneBehindAClosedGate) {
    const auto gate = std::make_shared<std::atomic<bool>>(false);
    post(1);
    jobs.put(make_job([this] { ran.push_back(2); }), 0, gate);
    post(3);
    jobs.run_jobs();
    EXPECT_EQ(ran, std::vector<int>{1});
    EXPECT_TRUE(jobs.fall_asleep());  // there is nothing to do
    jobs.awake();
    *gate = true;
    EXPECT_FALSE(jobs.fall_asleep());
    jobs.run_jobs();
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST_F(JobQueueTest, Row83LogsAJobThatFailsAndRunsThoseBehindItInTheirOrder) {
    const auto gate = std::make_shared<std::atomic<bool>>(false);
    post(1);
    jobs.post_call([] { throw std::runtime_error("this job fails, as it should"); });
    jobs.put(make_job([this] { ran.push_back(2); }), 0, gate);
    jobs.post_call([] { throw std::bad_alloc{}; });
    post(3);
    testing::internal::CaptureStderr();
    EXPECT_TRUE(jobs.run_jobs());
    EXPECT_EQ(ran, std::vector<int>{1});
    *gate = true;
    EXPECT_TRUE(jobs.run_jobs());
    const std::string logged = testing::internal::GetCapturedStderr();
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
    EXPECT_NE(logged.find("this job fails, as it should"), std::string::npos) << logged;
    EXPECT_EQ(logged.find("bad_alloc"), std::string::npos) << logged;  // one line a second
}

TEST_F(JobQueueTest, DropsWhatComesAfterItIsClosedAndWhatWaited) {
    const auto guard = std::make_shared<int>();
    EXPECT_TRUE(jobs.post_call([guard] { FAIL(); }));
    jobs.close();
    EXPECT_EQ(guard.use_count(), 1);
    EXPECT_FALSE(jobs.post_call([] { FAIL(); }));
    EXPECT_FALSE(jobs.run_jobs());
}

TEST_F(JobQueueTest, HasRoomUpToItsLimitUntilItsJobsRun) {
    jobs.limit(100);
    EXPECT_TRUE(jobs.has_room_for(1000));  // alone
    jobs.post_call([] {}, 60);
    EXPECT_TRUE(jobs.has_room_for(40));
    EXPECT_FALSE(jobs.has_room_for(41));
    jobs.post_call([] {}, 40);
    EXPECT_FALSE(jobs.has_room_for(1));
    jobs.run_jobs();
    EXPECT_TRUE(jobs.has_room_for(1000));
}

TEST(JobQueue, WakesASleepingLoopForEveryJobOfManyThreads) {
    constexpr int kThreads = 4;
    constexpr int kJobs = 20'000;
    Loop loop{std::make_unique<MemoryBackend>()};
    std::vector<std::vector<int>> ran(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([jobs = loop.job_queue(), &own = ran[static_cast<std::size_t>(thread)]] {
            for (int i = 0; i < kJobs; ++i) {
                jobs->post_call([&own, i] { own.push_back(i); });
            }
        });
    }
    const auto all_ran = [&] {
        for (const auto& own : ran) {
            if (own.size() < kJobs) {
                return false;
            }
        }
        return true;
    };
    while (!all_ran()) {
        loop.turn();  // which throws if it sleeps and nobody wakes it
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const auto& own : ran) {
        for (int i = 0; i < kJobs; ++i) {
            ASSERT_EQ(own[static_cast<std::size_t>(i)], i);
        }
    }
}

}  // namespace
}  // namespace c10k
