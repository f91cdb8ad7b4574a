#include "gameoflife/viewers.hpp"

#include "gameoflife/viewer.hpp"
#include "gameoflife/worker_message.hpp"

#include <chrono>
#include <utility>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

constexpr auto kTickTime = 25ms;
// After the last change: a page's status is due at the latest 20 ticks after it, and once more when all is quiet.
constexpr int kQuietTicks = 60;

// Pictures take at most a fifth of a loop's time: for each cell that one has read, the others of the loop have four
// times as long as that takes.
constexpr auto kRestForCell = 40ns;
constexpr auto kLeastRest = 2ms;

}  // namespace

Viewers::Viewers(Services& services, SharedGame& game) : services_(services), game_(game), alarm_(game.feed) {}

Task<> Viewers::serve(WebSocket& socket, std::string refusal) {
    if (!std::exchange(keeps_ticking_, true)) {
        services_.background.spawn(keep_ticking());
    }
    Viewer viewer{*this, socket, std::move(refusal)};
    struct Stay {
        std::vector<Viewer*>& viewers;
        Viewer* viewer;
        ~Stay() { std::erase(viewers, viewer); }
    };
    viewers_.push_back(&viewer);
    const Stay stay{viewers_, &viewer};
    socket.accept();
    wake_soon();
    std::string complaint;
    try {
        co_await task_group([&viewer](TaskGroup& group) -> Task<> { return viewer.converse(group); });
    } catch (const BadMessage& bad) {
        complaint = bad.what();
    }
    if (!complaint.empty()) {
        socket.close(CloseCode::kPolicyViolation, complaint);
    }
}

Task<> Viewers::keep_ticking() {
    int quiet_ticks = 0;
    for (;;) {
        if (quiet_ticks > kQuietTicks || viewers_.empty()) {
            co_await alarm_.wait();
            quiet_ticks = 0;
        }
        ++tick_;
        for (Viewer* viewer : viewers_) {
            viewer->wake();
        }
        co_await sleep_for(kTickTime);
        quiet_ticks = alarm_.has_rung() ? 0 : quiet_ticks + 1;
    }
}

Task<> Viewers::pay(std::size_t cells) {
    const Semaphore::Permit turn = co_await turn_.acquire();
    debt_ += cells * kRestForCell;
    if (debt_ < kLeastRest) {
        co_await yield();
    } else {
        co_await sleep_for(std::exchange(debt_, Duration{}));
    }
}

}  // namespace life
