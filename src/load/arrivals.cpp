#include "load/arrivals.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace c10k::load {
namespace {

constexpr std::chrono::milliseconds kLookInterval{2};

// What a client says and hears.
class Conversation final : public ScriptListener {
public:
    Conversation(Recorder& recorder, Clock::time_point due) : recorder_(recorder), client_due_(due) {}

    void on_sent(std::size_t bytes) override { recorder_.note_sent(Clock::now(), bytes, 0); }
    void on_received(std::size_t bytes) override { recorder_.note_received(bytes); }
    void on_reply(Duration since_due, Duration since_sent) override {
        const auto now = Clock::now();
        recorder_.note_reply(now - since_due, now - since_sent);
    }

private:
    Recorder& recorder_;
    Clock::time_point client_due_;
};

}  // namespace

Arrivals::Arrivals(Collector& collector, Recorder& recorder, Endpoint server, std::size_t loop)
    : collector_(collector), recorder_(recorder), server_(std::move(server)), loop_(loop),
      schedule_(collector.plan().rate, collector.plan().ramp) {}

std::size_t Arrivals::most_at_once() const noexcept {
    return plan().connections / plan().loops + (loop_ < plan().connections % plan().loops ? 1 : 0);
}

Task<> Arrivals::run() {
    co_await task_group([this](TaskGroup& group) -> Task<> {
        co_await collector_.meet(0);
        window_ = collector_.window();
        begin_ = window_.begin - plan().warm_up;
        recorder_.measure(window_);
        if (plan().is_open_model()) {
            co_await arrive_on_schedule(group);
        } else {
            co_await arrive_without_pause(group);
        }
        co_await drain();
        is_over_ = true;
        recorder_.note_error("not begun: too many clients were there", due_ - started_);
        recorder_.gauges.waiting = 0;
        group.stop();
    });
}

Task<> Arrivals::arrive_on_schedule(TaskGroup& group) {
    const Pacer::Share share{begin_, window_.end, loop_, plan().loops};
    const auto on_due = [this, &group](Clock::time_point due, Clock::time_point now) { return begin(group, due, now); };
    co_await pacer_.keep(schedule_, share, on_due);
}

bool Arrivals::begin(TaskGroup& group, Clock::time_point due, Clock::time_point now) {
    recorder_.note_due(due);
    recorder_.note_late(due, now);
    ++due_;
    ++recorder_.gauges.waiting;
    start_waiting(group);
    return true;
}

void Arrivals::start_waiting(TaskGroup& group) {
    for (; started_ < due_ && present_ < most_at_once(); ++started_) {
        const auto due = begin_ + schedule_.due(loop_ + started_ * plan().loops);
        --recorder_.gauges.waiting;
        ++recorder_.gauges.in_flight;
        ++present_;
        group.spawn(visit(group, due), [this](const std::exception_ptr& failure) { note_failure(failure); });
    }
}

// A closed model: so many clients at once, and each that leaves brings the next one.
Task<> Arrivals::arrive_without_pause(TaskGroup& group) {
    while (Clock::now() < window_.end) {
        for (std::size_t i = 0; present_ < most_at_once() && i < 64; ++i) {
            recorder_.note_due(Clock::now());
            ++recorder_.gauges.in_flight;
            ++present_;
            group.spawn(visit(group, Clock::now()),
                        [this](const std::exception_ptr& failure) { note_failure(failure); });
        }
        co_await yield();
    }
}

Task<> Arrivals::visit(TaskGroup& group, Clock::time_point due) {
    const auto begun = Clock::now();
    bool is_open = false;
    std::exception_ptr failure;
    try {
        co_await connect(server_, [this, due, &is_open](WebSocket& socket) {
            is_open = true;
            return converse(socket, due);
        });
        recorder_.note_session(due, begun);
    } catch (const Stopped&) {
        failure = std::current_exception();
        recorder_.note_error("a client had not finished", is_over_ ? 1 : 0);
    } catch (...) {
        failure = std::current_exception();
        if (!is_open) {
            recorder_.note_failed_handshake();
        }
    }
    if (is_open) {
        recorder_.note_ended(Recorder::End::kWanted);
    }
    --present_;
    --recorder_.gauges.in_flight;
    if (!is_over_) {
        start_waiting(group);
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

Task<> Arrivals::converse(WebSocket& socket, Clock::time_point due) {
    recorder_.note_opened(due);
    if (plan().mode == Mode::kScript) {
        Conversation conversation{recorder_, due};
        co_await plan().script.run(socket, conversation);
    }
}

void Arrivals::note_failure(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        recorder_.note_error(error.what());
    }
}

Task<> Arrivals::drain() {
    const auto end = Clock::now() + plan().timeout;
    while ((present_ > 0 || started_ < due_) && Clock::now() < end) {
        co_await sleep_for(kLookInterval);
    }
}

}  // namespace c10k::load
