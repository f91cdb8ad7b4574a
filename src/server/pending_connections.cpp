#include "server/pending_connections.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

// How often the server looks for late connections, in parts of the time that each may take; and how short that time may
// become.
constexpr std::int64_t kJudgements = 64;
constexpr std::int64_t kMaxHurry = 64;
// How many late connections the server ends before the loop looks for input again.
constexpr std::size_t kEndedAtOnce = 1024;

}  // namespace

PendingConnection::PendingConnection(PendingConnections& pending, ServerConnection& connection,
                                     const Address& client) noexcept
    : pending_(&pending), connection_(connection), older_(pending.newest_), since_(pending.loop_.now()),
      crowd_(std::hash<std::string_view>{}(client.subnet_key()) % PendingConnections::kCrowds) {
    (older_ != nullptr ? older_->newer_ : pending.oldest_) = this;
    pending.newest_ = this;
    ++pending.count_;
    pending.crowds_here_ += pending.crowds_[crowd_]++ == 0 ? 1 : 0;
}

void PendingConnection::note_request() noexcept {
    if (pending_ != nullptr) {
        ++pending_->asked_;
        leave();
    }
}

void PendingConnection::leave() noexcept {
    if (pending_ == nullptr) {
        return;
    }
    PendingConnections& pending = *std::exchange(pending_, nullptr);
    (older_ != nullptr ? older_->newer_ : pending.oldest_) = newer_;
    (newer_ != nullptr ? newer_->older_ : pending.newest_) = older_;
    --pending.count_;
    pending.crowds_here_ -= --pending.crowds_[crowd_] == 0 ? 1 : 0;
    if (pending.is_full_ && pending.has_room()) {
        pending.start(std::chrono::milliseconds{0});
    }
}

PendingConnections::PendingConnections(LoopServices& services, Source& source, std::size_t most,
                                       std::chrono::milliseconds head_time, Admission& admission)
    : loop_(services.loop), source_(source), most_(std::max<std::size_t>(most, 1)),
      patience_(std::max<std::int64_t>(head_time.count() / 2, 1)),
      interval_(std::max<std::int64_t>(patience_ / kJudgements, 1)), admission_(admission),
      counters_(*services.counters), late_after_(patience_) {
    ++admission_.servers;
}

PendingConnections::~PendingConnections() { --admission_.servers; }

std::size_t PendingConnections::share() const noexcept {
    return std::max<std::size_t>(most_ / std::max<std::size_t>(admission_.servers, 1), 1);
}

// A little below the limit: otherwise each request would resume accepting for one connection.
bool PendingConnections::has_room() const noexcept { return count_ < share() - share() / 16; }

void PendingConnections::note_accepted() {
    if (count_ >= share() && !is_full_) {
        is_full_ = true;
        source_.pause_accepting();
    }
    if (count_ >= share() / 2 && !is_running()) {
        start(std::chrono::milliseconds{interval_});
    }
}

// Everything that could be read was read before: a connection that has sent its request is not pending any more.
void PendingConnections::on_time() {
    if (loop_.now() >= next_judgement_) {
        is_clearing_ = (is_clearing_ || !has_room()) && end_late();
        if (!is_clearing_) {
            judge_pace();
            next_judgement_ = loop_.now() + interval_;
        }
    }
    if (is_full_ && has_room()) {
        is_full_ = false;
        source_.resume_accepting();  // which may fill it again
    }
    if (is_clearing_) {
        start(std::chrono::milliseconds{0});
    } else if (is_full_ || late_after_ < patience_ || (count_ > 0 && count_ >= share() / 2)) {
        start(std::chrono::milliseconds{std::max<std::int64_t>(next_judgement_ - loop_.now(), 1)});
    }
}

bool PendingConnections::end_late() {
    std::size_t ended = 0;
    for (PendingConnection* connection = oldest_;
         connection != nullptr && loop_.now() - connection->since_ >= late_after_;) {
        PendingConnection* newer = connection->newer_;
        if (count_ <= share() / 4) {
            break;  // that is room enough until the next judgement
        }
        if (ended == kEndedAtOnce) {
            return true;
        }
        if (is_late(*connection)) {
            ++ended;
            ++ended_;
            counters_.count(Limit::kMaxNewcomers);
            connection->connection_.abort();
        }
        connection = newer;
    }
    if (ended > 0 && complaint_.is_due(loop_.now())) {
        log::warning(
            "as many connections as max_newcomers allows have not made a request; those that are late are ended");
    }
    return false;
}

bool PendingConnections::is_late(const PendingConnection& connection) const noexcept {
    const bool is_of_a_small_crowd = crowds_[connection.crowd_] * 2 * crowds_here_ <= count_;
    return loop_.now() - connection.since_ >= (is_of_a_small_crowd ? patience_ : late_after_);
}

void PendingConnections::judge_pace() noexcept {
    const std::size_t ended = std::exchange(ended_, 0);
    const std::size_t asked = std::exchange(asked_, 0);
    if (!is_full_ || (asked > ended && asked > share() / kJudgements)) {
        late_after_ = std::min(late_after_ * 2, patience_);
    } else if (ended > 0 || late_after_ < patience_) {
        late_after_ = std::max(late_after_ / 2, std::max<std::int64_t>(patience_ / kMaxHurry, 1));
    }
}

}  // namespace c10k
