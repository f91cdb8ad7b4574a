#include "c10k/task.hpp"
#include "loop/backends.hpp"
#include "loop/blocking_pool.hpp"
#include "loop/loop.hpp"
#include "task/run.hpp"

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace c10k {
namespace {

// A loop on a thread of its own, as seen by the loop that started it.
class OtherLoop {
public:
    // Throws the exceptions of the new loop's backend.
    OtherLoop(BackendChoice backend, std::function<Task<>()> part)
        : home_(Loop::current().job_queue()), blocking_pool_(Loop::current().blocking_pool()) {
        std::promise<std::shared_ptr<JobQueue>> job_queue;
        std::future<std::shared_ptr<JobQueue>> made = job_queue.get_future();
        thread_ = std::thread{&OtherLoop::run_there, this, backend, std::move(part), std::move(job_queue)};
        try {
            jobs_ = made.get();
        } catch (...) {
            thread_.join();
            throw;
        }
    }
    OtherLoop(const OtherLoop&) = delete;
    OtherLoop& operator=(const OtherLoop&) = delete;

    // Suspends until the loop has ended, and passes a stop on to it. Throws what its task threw.
    class EndAwaiter final : public Awaiter {
    public:
        explicit EndAwaiter(OtherLoop& other) noexcept : other_(other) {}
        [[nodiscard]] bool await_ready() const {
            if (stop_requested()) {
                other_.stop();
            }
            return other_.has_ended_;
        }
        void await_suspend(std::coroutine_handle<> task) {
            other_.waiting_ = this;
            suspend(task);
        }
        void await_resume() const {
            other_.thread_.join();
            if (other_.failure_) {
                std::rethrow_exception(other_.failure_);
            }
        }
        void wake() { resume(); }

    private:
        void on_stop() noexcept override { other_.stop(); }

        OtherLoop& other_;
    };
    // Requires: awaited before this object is destroyed.
    [[nodiscard]] EndAwaiter ended() noexcept { return EndAwaiter{*this}; }

private:
    void run_there(BackendChoice backend, std::function<Task<>()> part,
                   std::promise<std::shared_ptr<JobQueue>> job_queue) noexcept {
        bool is_made = false;
        try {
            Loop loop{make_backend(backend)};
            is_made = true;
            loop.set_blocking_pool(blocking_pool_);
            job_queue.set_value(loop.job_queue());
            run(loop, part(), scope_);
        } catch (...) {
            if (!is_made) {
                job_queue.set_exception(std::current_exception());
                return;
            }
            failure_ = std::current_exception();
        }
        home_->post(std::move(end_job_));
    }

    void note_end() {
        has_ended_ = true;
        if (waiting_ != nullptr) {
            waiting_->wake();
        }
    }

    // Once is enough: a request to stop stays.
    void stop() noexcept {
        if (stop_job_) {
            jobs_->post(std::move(stop_job_));
        }
    }

    std::shared_ptr<JobQueue> home_;
    std::shared_ptr<BlockingPool> blocking_pool_;  // of all loops
    std::shared_ptr<JobQueue> jobs_;
    StopScope scope_;  // the other thread's
    // Both jobs are allocated beforehand, so that an end or a stop cannot fail for lack of memory.
    std::unique_ptr<Job> end_job_ = make_job([this] { note_end(); });
    std::unique_ptr<Job> stop_job_ = make_job([this] { scope_.request_stop(); });
    std::thread thread_;
    std::exception_ptr failure_;
    EndAwaiter* waiting_ = nullptr;
    bool has_ended_ = false;
};

Task<> wait_for(std::unique_ptr<OtherLoop> other) { co_await other->ended(); }

}  // namespace

Task<> on_loops(std::size_t count, std::function<Task<>(std::size_t)> part) {
    internal::require(count > 0, "on_loops(): there is at least one loop");
    co_await task_group([&](TaskGroup& loops) -> Task<> {
        for (std::size_t i = 1; i < count; ++i) {
            const BackendChoice backend = parse_backend(Loop::current().backend().name());
            const auto there = [&part, i] { return part(i); };
            loops.spawn(wait_for(std::make_unique<OtherLoop>(backend, there)));
        }
        co_await part(0);
    });
}

}  // namespace c10k
