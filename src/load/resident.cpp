#include "load/resident.hpp"

#include "load/stamp.hpp"

#include <algorithm>

namespace c10k::load {
namespace {

// Messages of a loop that are due and wait behind others: a schedule that its server cannot follow does not take all
// memory.
constexpr std::int64_t kMaxWaiting = 1'000'000;

}  // namespace

Residents::Resident::Resident(Residents& residents, WebSocket& socket) : all_(residents), socket_(socket) {
    all_.residents_.push_back(this);
}

Residents::Resident::~Resident() {
    auto& residents = all_.residents_;
    residents.erase(std::find(residents.begin(), residents.end(), this));
    all_.recorder_.gauges.in_flight -= static_cast<std::int64_t>(in_flight_);
    all_.recorder_.gauges.waiting -= static_cast<std::int64_t>(size() - in_flight_);
}

void Residents::Resident::note_unanswered() {
    all_.recorder_.note_error("no answer to a message", in_flight_);
    all_.recorder_.note_error("not sent: earlier messages had no answer", size() - in_flight_);
}

void Residents::Resident::add(Clock::time_point due) {
    if (all_.recorder_.gauges.waiting >= kMaxWaiting) {
        all_.recorder_.note_error("not sent: " + std::to_string(kMaxWaiting) + " messages were waiting");
        return;
    }
    slots_.push_back({.due = due});
    ++all_.recorder_.gauges.waiting;
    send_more();
}

void Residents::Resident::send_more() {
    while (in_flight_ < size() && in_flight_ < all_.plan().in_flight && socket_.is_open() && !socket_.is_full()) {
        Slot& slot = slots_[first_ + in_flight_];
        slot.message = &all_.next_message();
        slot.sent = Clock::now();
        (void)socket_.send(*slot.message);  // is queued now; the answers say when the next one may go
        ++in_flight_;
        ++all_.recorder_.gauges.in_flight;
        --all_.recorder_.gauges.waiting;
        all_.recorder_.note_sent(slot.due, slot.message->size(), 1);
    }
}

void Residents::Resident::take(const Message& message) {
    all_.recorder_.note_received(message.size());
    switch (all_.plan().mode) {
        case Mode::kEcho: take_answer(message); break;
        case Mode::kBroadcast: take_delivery(message); break;
        default: all_.recorder_.note_unasked(); break;
    }
}

void Residents::Resident::take_answer(const Message& message) {
    if (in_flight_ == 0) {
        all_.recorder_.note_unasked();
        all_.recorder_.note_error("a message that answers none");
        return;
    }
    const Slot& slot = slots_[first_];
    if (message == slot.message->view() && message.kind() == slot.message->kind()) {
        all_.recorder_.note_reply(slot.due, slot.sent);
    } else {
        all_.recorder_.note_error("an answer that is not the message");
    }
    drop_first();
    if (!all_.plan().is_open_model() && Clock::now() < all_.window_.end && !all_.is_over_) {
        add(Clock::now());
    } else {
        send_more();
    }
}

void Residents::Resident::take_delivery(const Message& message) {
    const auto stamp = Stamp::find_in(message);
    if (!stamp || stamp->run != all_.collector_.run()) {
        all_.recorder_.note_unasked();
        return;
    }
    if (this == all_.speaker_) {
        return;  // some servers relay to the sender, too
    }
    const auto due = all_.collector_.origin() + stamp->due;
    all_.recorder_.note_reply(due, all_.collector_.origin() + stamp->sent);
    if (all_.recorder_.is_measured(due)) {
        --all_.collector_.missing;
    }
}

void Residents::Resident::drop_first() {
    ++first_;
    --in_flight_;
    --all_.recorder_.gauges.in_flight;
    if (first_ == slots_.size() || first_ > slots_.size() / 2 + 64) {
        slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

}  // namespace c10k::load
