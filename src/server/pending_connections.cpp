#include "server/pending_connections.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

// How often it is judged who is late, in parts of the time that each may take; and how short that may become.
constexpr std::int64_t kJudgements = 32;
constexpr std::int64_t kMostHurry = 64;
// Of those who are late, how many are ended before the loop looks for input again.
constexpr std::size_t kEndedAtOnce = 1024;

}  // namespace

Newcomer::Newcomer(Newcomers& newcomers, const Address& client) noexcept
    : newcomers_(&newcomers), older_(newcomers.newest_), since_(newcomers.loop_.now()),
      crowd_(std::hash<std::string_view>{}(client.owner()) % Newcomers::kCrowds) {
    (older_ != nullptr ? older_->newer_ : newcomers.oldest_) = this;
    newcomers.newest_ = this;
    ++newcomers.count_;
    newcomers.crowds_here_ += newcomers.crowds_[crowd_]++ == 0 ? 1 : 0;
    ++newcomers.census_.newcomers;
}

void Newcomer::settle() noexcept {
    if (newcomers_ != nullptr) {
        ++newcomers_->asked_;
        leave();
    }
}

void Newcomer::leave() noexcept {
    if (newcomers_ == nullptr) {
        return;
    }
    Newcomers& newcomers = *std::exchange(newcomers_, nullptr);
    (older_ != nullptr ? older_->newer_ : newcomers.oldest_) = newer_;
    (newer_ != nullptr ? newer_->older_ : newcomers.newest_) = older_;
    --newcomers.count_;
    newcomers.crowds_here_ -= --newcomers.crowds_[crowd_] == 0 ? 1 : 0;
    --newcomers.census_.newcomers;
    if (newcomers.is_full_ && newcomers.has_room()) {
        newcomers.start(std::chrono::milliseconds{0});
    }
}

Newcomers::Newcomers(Loop& loop, Door& door, std::size_t most, std::chrono::milliseconds head_time, Census& census)
    : loop_(loop), door_(door), most_(std::max<std::size_t>(most, 1)),
      patience_(std::max<std::int64_t>(head_time.count() / 2, 1)),
      interval_(std::max<std::int64_t>(patience_ / kJudgements, 1)), census_(census), counters_(loop.local<Counters>()),
      late_after_(patience_) {}

// A little below the limit, so that not each single one who asks opens the door for one.
bool Newcomers::has_room() const noexcept { return census_.newcomers < most_ - most_ / 16; }

void Newcomers::welcomed() {
    const std::size_t all = census_.newcomers;
    if (all >= most_ && !is_full_) {
        is_full_ = true;
        door_.hold();
    }
    if (all >= most_ / 2 && !is_running()) {
        start(std::chrono::milliseconds{interval_});
    }
}

// All that could be read was read before: whoever has asked is a newcomer no more.
void Newcomers::on_time() {
    if (loop_.now() >= next_judgement_) {
        is_clearing_ = (is_clearing_ || !has_room()) && end_late();
        if (!is_clearing_) {
            judge_pace();
            next_judgement_ = loop_.now() + interval_;
        }
    }
    if (is_full_ && has_room()) {
        is_full_ = false;
        door_.go_on();  // which may fill it again
    }
    if (is_clearing_) {
        start(std::chrono::milliseconds{0});
    } else if (is_full_ || late_after_ < patience_ || (count_ > 0 && census_.newcomers >= most_ / 2)) {
        start(std::chrono::milliseconds{std::max<std::int64_t>(next_judgement_ - loop_.now(), 1)});
    }
}

bool Newcomers::end_late() {
    std::size_t ended = 0;
    for (Newcomer* newcomer = oldest_; newcomer != nullptr && loop_.now() - newcomer->since_ >= late_after_;) {
        Newcomer* newer = newcomer->newer_;
        if (census_.newcomers <= most_ / 4) {
            break;  // that is room enough until the next judgement
        }
        if (ended == kEndedAtOnce) {
            return true;
        }
        if (is_late(*newcomer)) {
            ++ended;
            ++ended_;
            counters_.limits.max_newcomers.add();
            newcomer->give_up();
        }
        newcomer = newer;
    }
    if (ended > 0 && complaint_.is_due(loop_.now())) {
        log::warning(
            "as many connections as max_newcomers allows have not made a request; those that are late are ended");
    }
    return false;
}

bool Newcomers::is_late(const Newcomer& newcomer) const noexcept {
    const bool is_of_a_small_crowd = crowds_[newcomer.crowd_] * 2 * crowds_here_ <= count_;
    return loop_.now() - newcomer.since_ >= (is_of_a_small_crowd ? patience_ : late_after_);
}

void Newcomers::judge_pace() noexcept {
    const std::size_t ended = std::exchange(ended_, 0);
    const std::size_t asked = std::exchange(asked_, 0);
    if (!is_full_ || (asked > ended && asked > most_ / kJudgements)) {
        late_after_ = std::min(late_after_ * 2, patience_);
    } else if (ended > 0 || late_after_ < patience_) {
        late_after_ = std::max(late_after_ / 2, std::max<std::int64_t>(patience_ / kMostHurry, 1));
    }
}

}  // namespace c10k
