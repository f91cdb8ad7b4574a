#include "loop/loop.hpp"

#include "base/prefetch.hpp"
#include "c10k/internal/require.hpp"
#include "loop/blocking_pool.hpp"

#include <algorithm>
#include <limits>

namespace c10k {
namespace {

constexpr int kFlushesAtOnce = 64;
// Bounds on what may gather while there is always something to read. Tighter ones cost sends and gain nothing.
constexpr std::uint32_t kLongestWaitMs = 100;
constexpr std::size_t kMaxUnflushedBytes = std::size_t{4} << 20;

thread_local Loop* current_loop = nullptr;

constexpr std::size_t kPrefetchedFrame = 256;  // bytes of a frame that its coroutine touches at once

}  // namespace

Flushable::~Flushable() {
    if (queue_ != nullptr) {
        queue_->remove(*this);
    }
}

void Flushable::Queue::add(Flushable& flushable) noexcept {
    flushable.queue_ = this;
    flushable.bytes_ = 0;
    flushable.previous_ = newest;
    flushable.next_ = nullptr;
    (newest != nullptr ? newest->next_ : oldest) = &flushable;
    newest = &flushable;
}

void Flushable::Queue::remove(Flushable& flushable) noexcept {
    (flushable.previous_ != nullptr ? flushable.previous_->next_ : oldest) = flushable.next_;
    (flushable.next_ != nullptr ? flushable.next_->previous_ : newest) = flushable.previous_;
    bytes -= flushable.bytes_;
    flushable.queue_ = nullptr;
}

EndOfTurn::~EndOfTurn() {
    if (queued_on_ != nullptr) {
        queued_on_->forget(*this);
    }
}

Loop::Loop(std::unique_ptr<Backend> backend)
    : outer_(std::exchange(current_loop, this)), backend_(std::move(backend)), now_(backend_->now()), timers_(now_),
      jobs_(std::make_shared<JobQueue>(*backend_)) {}

Loop::~Loop() {
    jobs_->close();
    if (blocking_pool_) {
        blocking_pool_->finish(*this);
        blocking_pool_ = nullptr;
    }
    destroy_retired();
    locals_.clear();
    current_loop = outer_;
}

Loop* Loop::current_if_any() noexcept { return current_loop; }

Loop& Loop::current() {
    internal::require(current_loop != nullptr, "no event loop runs on this thread");
    return *current_loop;
}

const std::shared_ptr<BlockingPool>& Loop::blocking_pool() {
    if (!blocking_pool_) {
        blocking_pool_ = std::make_shared<BlockingThreads>();
    }
    return blocking_pool_;
}

void Loop::turn(std::optional<std::int64_t> latest) {
    std::optional<std::int64_t> next = timers_.next();
    const bool is_due = next && *next <= now_;  // what can be read has to be read first
    const bool may_sleep = !is_busy() && jobs_->fall_asleep();
    if (latest && (!next || *latest < *next)) {
        next = latest;
    }
    run_turn(may_sleep || is_due ? next : std::optional<std::int64_t>{0});
}

bool Loop::has_work() const {
    const std::optional<std::int64_t> next = timers_.next();
    return is_busy() || jobs_->has_jobs() || backend_->has_news() || (next && *next <= backend_->now());
}

void Loop::run_until_idle() {
    while (run_turn(0) > 0) {
    }
}

int Loop::run_turn(std::optional<std::int64_t> until) {
    const int events = backend_->wait(until);
    jobs_->awake();
    now_ = backend_->now();
    const bool posted = jobs_->run_jobs();
    const bool ran = run_ready();
    // Not before all is read that came in time, and the views have run: however long a turn was, or this process stood
    // still, no timer ends a peer that has done its part. What a timer judges, it judges by that time, too.
    const std::int64_t now = std::exchange(now_, std::min(now_, backend_->heard_until()));
    const int fired = timers_.advance(now_);
    now_ = now;
    end_turn();
    const int flushed_in_turn = flush_in_turn();
    const int flushed = events == 0 || must_flush() ? flush_oldest() : 0;
    destroy_retired();
    return events + fired + static_cast<int>(posted) + static_cast<int>(ran) + flushed_in_turn + flushed;
}

void Loop::schedule(internal::Ready& place, std::coroutine_handle<> task) {
    internal::require(!place.queued_, "two tasks of one StopScope are scheduled at once");
    prefetch(task.address(), kPrefetchedFrame);  // other work comes first
    place.link_ = nullptr;
    place.who_ = task.address();
    place.queued_ = true;
    (first_ready_ != nullptr ? last_ready_->link_ : first_ready_) = &place;
    last_ready_ = &place;
}

void Loop::resume(std::coroutine_handle<> task) {
    task.resume();
    while (next_) {
        std::exchange(next_, nullptr).resume();
    }
}

bool Loop::run_ready() {
    running_.swap(ready_);
    internal::Ready* place = std::exchange(first_ready_, nullptr);
    const bool ran = place != nullptr || !running_.empty();
    while (place != nullptr) {
        internal::Ready* next = std::exchange(place->link_, nullptr);
        place->queued_ = false;
        resume(std::coroutine_handle<>::from_address(std::exchange(place->who_, nullptr)));
        place = next;
    }
    for (const std::coroutine_handle<> task : running_) {
        resume(task);
    }
    running_.clear();
    return ran;
}

void Loop::at_end_of_turn(EndOfTurn& work) {
    if (work.queued_on_ == nullptr) {
        at_end_.push_back(&work);
        work.queued_on_ = this;
    }
}

void Loop::forget(EndOfTurn& work) noexcept {
    std::erase(at_end_, &work);
    work.queued_on_ = nullptr;
}

void Loop::end_turn() {
    while (!at_end_.empty()) {
        EndOfTurn& work = *at_end_.front();
        forget(work);
        work.end_turn();
    }
}

void Loop::flush_later(Flushable& flushable, std::size_t bytes) {
    if (flushable.queue_ == nullptr) {
        flushable.since_ = static_cast<std::uint32_t>(now_);
        later_.add(flushable);
    }
    const auto room = std::numeric_limits<std::uint32_t>::max() - flushable.bytes_;
    const auto added = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, room));
    flushable.bytes_ += added;
    flushable.queue_->bytes += added;
}

void Loop::flush_in_turn(Flushable& flushable) noexcept {
    if (flushable.queue_ == nullptr) {
        in_turn_.add(flushable);
    }
}

// Those that wait now: one that has more to send than it may at once has its next turn with the loop's.
int Loop::flush_in_turn() {
    int flushed = 0;
    for (const Flushable* const last = in_turn_.newest; in_turn_.oldest != nullptr; ++flushed) {
        Flushable& flushable = *in_turn_.oldest;
        const bool is_last = &flushable == last;
        in_turn_.remove(flushable);
        flushable.flush();
        if (is_last) {
            return flushed + 1;
        }
    }
    return flushed;
}

bool Loop::must_flush() const noexcept {
    return later_.oldest != nullptr && (later_.bytes > kMaxUnflushedBytes ||
                                        static_cast<std::uint32_t>(now_) - later_.oldest->since_ > kLongestWaitMs);
}

int Loop::flush_oldest() {
    int flushed = 0;
    for (; flushed < kFlushesAtOnce && later_.oldest != nullptr; ++flushed) {
        Flushable& flushable = *later_.oldest;
        later_.remove(flushable);
        flushable.flush();
    }
    return flushed;
}

void Loop::retire(std::unique_ptr<Retirable> object) noexcept {
    object->link_ = retired_;
    retired_ = object.release();
}

void Loop::destroy_retired() noexcept {
    while (retired_ != nullptr) {
        const std::unique_ptr<Retirable> object{retired_};
        retired_ = object->link_;
    }
}

void Timer::start(Duration delay) {
    using std::chrono::milliseconds;
    cancel();
    Loop& loop = Loop::current();
    const auto delay_ms = std::chrono::ceil<milliseconds>(std::max(delay, Duration::zero()));
    loop.timers().add(*this, loop.backend().now() + delay_ms.count());
}

void Timer::cancel() noexcept {
    if (is_running()) {
        TimerWheel::remove(*this);
    }
}

}  // namespace c10k
