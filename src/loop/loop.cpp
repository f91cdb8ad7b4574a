#include "loop/loop.hpp"

#include <algorithm>
#include <limits>

namespace c10k {
namespace {

constexpr int kFlushesAtOnce = 64;
// Bounds on what may gather while there is always something to read. Tighter ones cost sends and gain nothing.
constexpr std::uint32_t kLongestWaitMs = 100;
constexpr std::size_t kMostUnflushedBytes = std::size_t{4} << 20;

thread_local Loop* current_loop = nullptr;

}  // namespace

Flushable::~Flushable() {
    if (queued_on_ != nullptr) {
        queued_on_->forget(*this);
    }
}

bool Mailbox::post(std::function<void()> call) {
    const std::lock_guard lock{mutex_};
    if (loop_ == nullptr) {
        return false;
    }
    posted_.push_back(std::move(call));
    if (posted_.size() == 1) {
        loop_->backend().wake();
    }
    return true;
}

Loop::Loop(std::unique_ptr<Backend> backend)
    : outer_(std::exchange(current_loop, this)), backend_(std::move(backend)), now_(backend_->now()), timers_(now_),
      mailbox_(std::make_shared<Mailbox>()) {
    mailbox_->loop_ = this;
}

Loop::~Loop() {
    {
        const std::lock_guard lock{mailbox_->mutex_};
        mailbox_->loop_ = nullptr;
        mailbox_->posted_.clear();
    }
    locals_.clear();
    current_loop = outer_;
}

Loop& Loop::current() noexcept { return *current_loop; }

void Loop::turn() {
    if (!ready_.empty() || oldest_ != nullptr) {
        take_in(0);
    } else {
        take_in(timers_.next());
    }
}

void Loop::settle() {
    while (take_in(0) > 0) {
    }
}

int Loop::take_in(std::optional<std::int64_t> until) {
    const int events = backend_->wait(until);
    now_ = backend_->now();
    const int fired = timers_.advance(now_);
    const bool posted = run_posted();
    const bool ran = run_ready();
    const int flushed = events == 0 || must_flush() ? flush_oldest() : 0;
    return events + fired + static_cast<int>(posted) + static_cast<int>(ran) + flushed;
}

bool Loop::run_posted() {
    std::vector<std::function<void()>> posted;
    {
        const std::lock_guard lock{mailbox_->mutex_};
        posted.swap(mailbox_->posted_);
    }
    for (const auto& call : posted) {
        call();
    }
    return !posted.empty();
}

bool Loop::run_ready() {
    running_.swap(ready_);
    for (const std::coroutine_handle<> task : running_) {
        task.resume();
        while (next_) {
            std::exchange(next_, nullptr).resume();
        }
    }
    const bool ran = !running_.empty();
    running_.clear();
    return ran;
}

void Loop::flush_later(Flushable& flushable, std::size_t bytes) {
    if (flushable.queued_on_ == nullptr) {
        flushable.queued_on_ = this;
        flushable.since_ = static_cast<std::uint32_t>(now_);
        flushable.bytes_ = 0;
        flushable.previous_ = newest_;
        flushable.next_ = nullptr;
        (newest_ != nullptr ? newest_->next_ : oldest_) = &flushable;
        newest_ = &flushable;
    }
    const auto room = std::numeric_limits<std::uint32_t>::max() - flushable.bytes_;
    const auto added = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, room));
    flushable.bytes_ += added;
    unflushed_bytes_ += added;
}

void Loop::forget(Flushable& flushable) noexcept {
    (flushable.previous_ != nullptr ? flushable.previous_->next_ : oldest_) = flushable.next_;
    (flushable.next_ != nullptr ? flushable.next_->previous_ : newest_) = flushable.previous_;
    unflushed_bytes_ -= flushable.bytes_;
    flushable.queued_on_ = nullptr;
}

bool Loop::must_flush() const noexcept {
    return oldest_ != nullptr && (unflushed_bytes_ > kMostUnflushedBytes ||
                                  static_cast<std::uint32_t>(now_) - oldest_->since_ > kLongestWaitMs);
}

int Loop::flush_oldest() {
    int flushed = 0;
    for (; flushed < kFlushesAtOnce && oldest_ != nullptr; ++flushed) {
        Flushable& flushable = *oldest_;
        forget(flushable);
        flushable.flush();
    }
    return flushed;
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
