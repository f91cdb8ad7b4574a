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

class MailboxTest : public testing::Test {
protected:
    MemoryBackend backend;
    JobQueue job_queue{backend};
    std::vector<int> read;

    void post(int number) {
        job_queue.post_call([this, number] { read.push_back(number); });
    }
};

TEST_F(MailboxTest, ReadsLettersInTheirOrder) {
    post(1);
    post(2);
    EXPECT_TRUE(job_queue.read());
    post(3);
    EXPECT_TRUE(job_queue.read());
    EXPECT_EQ(read, (std::vector<int>{1, 2, 3}));
    EXPECT_FALSE(job_queue.read());
}

TEST_F(MailboxTest, LeavesWhatIsPostedByALetterForTheNextTurn) {
    job_queue.post_call([this] { post(2); });
    job_queue.read();
    EXPECT_TRUE(read.empty());
    job_queue.read();
    EXPECT_EQ(read, std::vector<int>{2});
}

// A job that waits, and those behind it.
class Waiting final : public Job {
public:
    Waiting(const std::atomic<bool>& ready, std::vector<int>& log) : ready_(ready), log_(log) {}
    [[nodiscard]] bool may_run() const noexcept override { return ready_; }
    void read() override { log_.push_back(2); }

private:
    const std::atomic<bool>& ready_;
    std::vector<int>& log_;
};

TEST_F(MailboxTest, LetsNoLetterOvertakeOneThatMayNotBeReadYet) {
    std::atomic<bool> ready{false};
    post(1);
    job_queue.put(std::make_unique<Waiting>(ready, read));
    post(3);
    job_queue.read();
    EXPECT_EQ(read, std::vector<int>{1});
    EXPECT_TRUE(job_queue.fall_asleep());  // there is nothing to do
    job_queue.awake();
    ready = true;
    EXPECT_FALSE(job_queue.fall_asleep());
    job_queue.read();
    EXPECT_EQ(read, (std::vector<int>{1, 2, 3}));
}

TEST_F(MailboxTest, Row83LogsALetterThatFailsAndReadsThoseBehindItInTheirOrder) {
    std::atomic<bool> ready{false};
    post(1);
    job_queue.post_call([] { throw std::runtime_error("this job fails, as it should"); });
    job_queue.put(std::make_unique<Waiting>(ready, read));
    job_queue.post_call([] { throw std::bad_alloc{}; });
    post(3);
    testing::internal::CaptureStderr();
    EXPECT_TRUE(job_queue.read());
    EXPECT_EQ(read, std::vector<int>{1});
    ready = true;
    EXPECT_TRUE(job_queue.read());
    const std::string logged = testing::internal::GetCapturedStderr();
    EXPECT_EQ(read, (std::vector<int>{1, 2, 3}));
    EXPECT_NE(logged.find("this job fails, as it should"), std::string::npos) << logged;
    EXPECT_EQ(logged.find("bad_alloc"), std::string::npos) << logged;  // one line a second
}

TEST_F(MailboxTest, DropsWhatComesAfterItIsClosedAndWhatWasUnread) {
    const auto guard = std::make_shared<int>();
    EXPECT_TRUE(job_queue.post_call([guard] { FAIL(); }));
    job_queue.close();
    EXPECT_EQ(guard.use_count(), 1);
    EXPECT_FALSE(job_queue.post_call([] { FAIL(); }));
    EXPECT_FALSE(job_queue.read());
}

TEST_F(MailboxTest, HasRoomUpToItsLimitUntilItIsRead) {
    job_queue.limit(100);
    EXPECT_TRUE(job_queue.has_room_for(1000));  // alone
    job_queue.post_call([] {}, 60);
    EXPECT_TRUE(job_queue.has_room_for(40));
    EXPECT_FALSE(job_queue.has_room_for(41));
    job_queue.post_call([] {}, 40);
    EXPECT_FALSE(job_queue.has_room_for(1));
    job_queue.read();
    EXPECT_TRUE(job_queue.has_room_for(1000));
}

TEST(JobQueue, WakesASleepingLoopForEveryLetterOfManyThreads) {
    constexpr int kThreads = 4;
    constexpr int kLetters = 20'000;
    Loop loop{std::make_unique<MemoryBackend>()};
    std::vector<std::vector<int>> read(kThreads);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([job_queue = loop.job_queue(), &own = read[static_cast<std::size_t>(thread)]] {
            for (int i = 0; i < kLetters; ++i) {
                job_queue->post_call([&own, i] { own.push_back(i); });
            }
        });
    }
    const auto all_read = [&] {
        for (const auto& own : read) {
            if (own.size() < kLetters) {
                return false;
            }
        }
        return true;
    };
    while (!all_read()) {
        loop.turn();  // which throws if it sleeps and nobody wakes it
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const auto& own : read) {
        for (int i = 0; i < kLetters; ++i) {
            ASSERT_EQ(own[static_cast<std::size_t>(i)], i);
        }
    }
}

}  // namespace
}  // namespace c10k
