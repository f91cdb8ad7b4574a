#include "gameoflife/feed.hpp"

#include <algorithm>
#include <utility>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

// ---- What happens

void Feed::begin(const Game& game) {
    Board forgotten{0};
    const std::lock_guard lock{mutex_};
    forgotten = change_game(game);
}

Board Feed::change_game(const Game& game) {
    if (game.number <= number_) {
        return Board{0};
    }
    number_ = game.number;
    is_running_ = false;
    workers_ = {};
    connected_ = 0;
    subscribed_ = 0;
    all_left_well_ = true;
    if (std::exchange(resets_, game.resets) != game.resets) {
        for (Channel* channel : channels_) {
            channel->put_size(game.size);
        }
    }
    note_change();
    return std::exchange(cells_, Board{game.size});
}

std::uint32_t Feed::enter(const Game& game, std::string_view peer, std::size_t loop) {
    Board forgotten{0};
    const std::lock_guard lock{mutex_};
    forgotten = change_game(game);
    if (game.number != number_) {
        return 0;
    }
    ++connected_;
    note_change();
    return workers_.add(peer, loop);
}

void Feed::subscribe(const Game& game) {
    const std::lock_guard lock{mutex_};
    if (game.number == number_) {
        ++subscribed_;
        note_change();
    }
}

void Feed::run(const Game& game) {
    const std::lock_guard lock{mutex_};
    if (game.number == number_) {
        is_running_ = true;
        note_change();
    }
}

void Feed::leave(const Game& game, const Leaving& worker) noexcept {
    const std::lock_guard lock{mutex_};
    if (game.number != number_) {
        return;
    }
    workers_.leave(worker.number);
    --connected_;
    subscribed_ -= worker.is_subscribed ? 1 : 0;
    if (worker.cell) {
        cells_.leave(worker.cell->first, worker.cell->second);
    } else {
        workers_.free(worker.number);
    }
    all_left_well_ = all_left_well_ && (!is_running_ || worker.is_well);
    note_change();
}

bool Feed::is_deserted(const Game& game) {
    const std::lock_guard lock{mutex_};
    return game.number == number_ && is_running_ && connected_ == 0;
}

bool Feed::say(const Game& game, const WorkerMessage& said, std::string_view word, std::uint32_t worker,
               std::size_t receivers) {
    const std::lock_guard lock{mutex_};
    if (game.number != number_) {
        return false;
    }
    cells_.hear(said, word, worker, milliseconds());
    messages_.count(1 + receivers);
    for (Channel* channel : channels_) {
        channel->put_word(word);
    }
    ring_all();
    return true;
}

void Feed::count_messages(std::size_t count) {
    const std::lock_guard lock{mutex_};
    messages_.count(count);
}

void Feed::ring() {
    const std::lock_guard lock{mutex_};
    ring_all();
}

void Feed::note_change() {
    ++changes_;
    ring_all();
}

void Feed::ring_all() {
    for (Alarm* alarm : alarms_) {
        alarm->ring_now();
    }
}

std::uint32_t Feed::milliseconds() const {
    const auto time = std::chrono::steady_clock::now() - began_;
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// ---- What pages see

Feed::Phase Feed::phase() const {
    if (connected_ > 0) {
        return is_running_ ? Phase::kRunning : Phase::kGathering;
    }
    if (!is_running_) {
        return Phase::kEmpty;
    }
    return all_left_well_ ? Phase::kOver : Phase::kGone;
}

Feed::Glance Feed::glance_now() const {
    return {.game = number_,
            .size = cells_.size(),
            .phase = phase(),
            .connected = connected_,
            .subscribed = subscribed_,
            .changes = changes_,
            .last_turn = cells_.last_turn()};
}

Feed::Glance Feed::glance() const {
    const std::lock_guard lock{mutex_};
    return glance_now();
}

Feed::Summary Feed::summary() {
    const std::lock_guard lock{mutex_};
    Summary summary{.glance = glance_now(),
                    .population = cells_.population(),
                    .messages_per_second = messages_.look(std::chrono::steady_clock::now()),
                    .missing = cells_.missing(),
                    .some_missing = cells_.some_missing(kMaxMissing)};
    const Board::Steps& steps = cells_.steps();
    if (steps.empty()) {
        return summary;
    }
    const std::uint64_t youngest = steps.rbegin()->first;
    summary.steps = std::pair{steps.begin()->first, youngest};
    summary.first_step = std::max(steps.begin()->first, youngest - std::min(youngest, kMaxStepCounts - 1));
    summary.step_counts.resize(static_cast<std::size_t>(youngest - summary.first_step) + 1);
    for (auto at = steps.lower_bound(summary.first_step); at != steps.end(); ++at) {
        summary.step_counts[static_cast<std::size_t>(at->first - summary.first_step)] = at->second;
    }
    return summary;
}

std::optional<Feed::CellReport> Feed::cell(int row, int col) const {
    const std::lock_guard lock{mutex_};
    if (row < 0 || col < 0 || row >= cells_.size() || col >= cells_.size() || cells_.row(row).empty()) {
        return {};
    }
    const BoardCell& cell = cells_.row(row)[static_cast<std::size_t>(col)];
    if (!cell.is_heard) {
        return {};
    }
    return CellReport{.cell = cell,
                      .word = cells_.word(row, col),
                      .milliseconds = milliseconds() - cell.milliseconds,
                      .loop = workers_.loop(cell.worker),
                      .peer = workers_.peer(cell.worker),
                      .is_connected = workers_.is_connected(cell.worker)};
}

std::uint64_t Feed::next_turn() {
    const std::lock_guard lock{mutex_};
    return cells_.next_turn();
}

bool Feed::read(std::uint64_t game, Frame& frame) const {
    const std::lock_guard lock{mutex_};
    if (game != number_) {
        return false;
    }
    frame.read(cells_);
    return true;
}

// Two pages may look soon one after the other: both see the rate of a time that is long enough to tell one.
std::uint64_t Feed::MessageRate::look(std::chrono::steady_clock::time_point now) {
    constexpr auto kLongEnough = 400ms;
    const auto time = now - since_;
    if (time >= kLongEnough) {
        rate_ = static_cast<std::uint64_t>(static_cast<double>(count_) / std::chrono::duration<double>(time).count());
        count_ = 0;
        since_ = now;
    }
    return rate_;
}

// ---- Alarms

Feed::Alarm::Alarm(Feed& feed) : feed_(feed) {
    const std::lock_guard lock{feed_.mutex_};
    feed_.alarms_.push_back(this);
}

Feed::Alarm::~Alarm() {
    const std::lock_guard lock{feed_.mutex_};
    std::erase(feed_.alarms_, this);
}

Task<> Feed::Alarm::wait() {
    Completion<> something;
    {
        const std::lock_guard lock{feed_.mutex_};
        if (std::exchange(has_rung_, false)) {
            co_return;
        }
        bell_ = something.completer();
    }
    co_await something.wait();
    const std::lock_guard lock{feed_.mutex_};
    has_rung_ = false;
}

bool Feed::Alarm::has_rung() {
    const std::lock_guard lock{feed_.mutex_};
    return std::exchange(has_rung_, false);
}

void Feed::Alarm::ring() {
    const std::lock_guard lock{feed_.mutex_};
    ring_now();
}

void Feed::Alarm::ring_now() {
    if (!std::exchange(has_rung_, true)) {
        std::exchange(bell_, {}).complete();
    }
}

}  // namespace life
