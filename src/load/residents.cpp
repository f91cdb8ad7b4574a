#include "load/residents.hpp"

#include "load/resident.hpp"
#include "load/stamp.hpp"

#include <optional>
#include <string>
#include <utility>

namespace c10k::load {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLookInterval{2};

}  // namespace

Residents::Residents(Collector& collector, Recorder& recorder, Endpoint server, std::size_t loop)
    : collector_(collector), recorder_(recorder), server_(std::move(server)), loop_(loop) {
    if (plan().mode != Mode::kHold) {
        messages_ = plan().sizes.messages(plan().kind);
    }
}

Residents::~Residents() = default;

Task<> Residents::run() {
    co_await task_group([this](TaskGroup& group) -> Task<> {
        co_await open_all(group);
        while (opening_ > 0) {
            co_await sleep_for(kLookInterval);
        }
        co_await collector_.meet(0);
        window_ = collector_.window();
        recorder_.measure(window_);
        if (collector_.open > 0) {
            co_await work();
        }
        co_await collector_.meet(1);
        co_await drain();
        co_await collector_.meet(2);
        close_all();
    });
}

Task<> Residents::open_all(TaskGroup& group) {
    const auto begin = Clock::now();
    const auto all = static_cast<double>(plan().connections);
    for (std::size_t i = loop_; i < plan().connections; i += plan().loops) {
        const auto due = begin + Duration{static_cast<std::int64_t>(static_cast<double>(plan().ramp.count()) *
                                                                    static_cast<double>(i) / all)};
        if (due > Clock::now()) {
            co_await pacer_.wait_until(due);
        } else if (i / plan().loops % 64 == 0) {
            co_await yield();
        }
        ++opening_;
        group.spawn(live(due), [this](const std::exception_ptr& failure) { note_failure(failure); });
    }
}

Task<> Residents::live(Clock::time_point due) {
    bool is_open = false;
    std::exception_ptr failure;
    try {
        co_await connect(server_, [this, due, &is_open](WebSocket& socket) {
            is_open = true;
            return converse(socket, due);
        });
    } catch (const Stopped&) {
        failure = std::current_exception();
    } catch (...) {
        failure = std::current_exception();
        if (!is_open) {
            recorder_.note_failed_handshake();
        }
    }
    opening_ -= is_open ? 0 : 1;
    if (failure) {
        std::rethrow_exception(failure);
    }
}

Task<> Residents::converse(WebSocket& socket, Clock::time_point due) {
    --opening_;
    recorder_.note_opened(due);
    std::exception_ptr failure;
    try {
        Resident resident{*this, socket};
        while (const std::optional<Message> message = co_await socket.recv()) {
            resident.take(*message);
        }
        resident.note_unanswered();
    } catch (...) {
        failure = std::current_exception();
    }
    recorder_.note_ended(is_over_ || failure ? Recorder::End::kWanted : Recorder::End::kLost);
    if (failure) {
        std::rethrow_exception(failure);
    }
    if (!is_over_) {
        const CloseInfo& info = socket.close_info();
        recorder_.note_error("the connection ended with " + std::to_string(info.code) +
                             (info.reason.empty() ? "" : ": " + info.reason));
    }
}

void Residents::note_failure(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        recorder_.note_error(error.what());
    }
}

Task<> Residents::work() {
    if (plan().mode == Mode::kHold || (plan().mode == Mode::kBroadcast && loop_ != 0)) {
        while (Clock::now() < window_.end && !has_nobody()) {
            co_await sleep_for(50ms);
        }
    } else if (plan().mode == Mode::kBroadcast) {
        co_await broadcast();
    } else if (plan().is_open_model()) {
        co_await echo_on_schedule();
    } else {
        co_await echo_without_pause();
    }
}

bool Residents::has_nobody() {
    if (collector_.open == 0) {
        collector_.end("no connection was left: the run ended early");
    }
    return collector_.has_ended();
}

Task<> Residents::echo_on_schedule() {
    const Schedule schedule{plan().rate, 0s};
    const Pacer::Share share{window_.begin - plan().warm_up, window_.end, loop_, plan().loops};
    const auto on_due = [this](Clock::time_point due, Clock::time_point now) { return begin_message(due, now); };
    co_await pacer_.keep(schedule, share, on_due);
}

bool Residents::begin_message(Clock::time_point due, Clock::time_point now) {
    if (has_nobody()) {
        return false;
    }
    recorder_.note_due(due);
    recorder_.note_late(due, now);
    if (residents_.empty()) {
        recorder_.note_error("not sent: no connection of this loop was left");
    } else {
        residents_[next_resident_++ % residents_.size()]->add(due);
    }
    return true;
}

// A closed model: as many messages as may be in flight, and each answer brings the next one.
Task<> Residents::echo_without_pause() {
    for (std::size_t i = 0; i < residents_.size(); ++i) {
        for (std::size_t j = 0; j < plan().in_flight; ++j) {
            residents_[i]->add(Clock::now());
        }
    }
    while (Clock::now() < window_.end && !has_nobody()) {
        co_await sleep_for(kLookInterval);
    }
}

Task<> Residents::broadcast() {
    const Schedule schedule{plan().rate, 0s};
    Clock::time_point free{};  // when the server had taken the message before
    for (std::uint64_t i = 0; !has_nobody(); ++i) {
        const auto due = window_.begin - plan().warm_up + schedule.due(i);
        if (due >= window_.end) {
            break;
        }
        if (due > Clock::now()) {
            co_await pacer_.wait_until(due);
        } else if (i % 64 == 0) {
            co_await yield();
        }
        while (!residents_.empty() && residents_.front()->socket().is_full() && Clock::now() < window_.end) {
            co_await sleep_for(1ms);
            free = Clock::now();
        }
        recorder_.note_due(due);
        recorder_.note_late(std::max(due, free), Clock::now());
        say_to_all(due);
    }
}

void Residents::say_to_all(Clock::time_point due) {
    if (residents_.empty() || residents_.front()->socket().is_full() || !residents_.front()->socket().is_open()) {
        recorder_.note_error(residents_.empty() ? "not sent: no connection of the first loop was left"
                                                : "not sent: the server does not read what is sent");
        return;
    }
    speaker_ = residents_.front();
    const auto origin = collector_.origin();
    const Stamp stamp{collector_.run(), due - origin, Clock::now() - origin};
    const std::string payload = stamp.text() + std::string{next_message().view().substr(Stamp::kBytes)};
    const auto receivers = static_cast<std::size_t>(collector_.open - 1);
    recorder_.note_sent(due, payload.size(), receivers);
    if (recorder_.is_measured(due)) {
        collector_.missing += static_cast<std::int64_t>(receivers);
    }
    (void)residents_.front()->socket().send(Message{plan().kind, payload});  // is queued now
}

Task<> Residents::drain() {
    const auto end = Clock::now() + plan().timeout;
    const auto is_done = [this] {
        return plan().mode == Mode::kBroadcast ? collector_.missing <= 0
                                               : recorder_.gauges.in_flight + recorder_.gauges.waiting == 0;
    };
    while (!is_done() && Clock::now() < end && collector_.open > 0) {
        co_await sleep_for(kLookInterval);
    }
}

void Residents::close_all() {
    is_over_ = true;
    for (Resident* const resident : residents_) {
        resident->socket().close();
    }
}

const Message& Residents::next_message() { return messages_[next_message_++ % messages_.size()]; }

}  // namespace c10k::load
