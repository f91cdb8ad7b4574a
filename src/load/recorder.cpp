#include "load/recorder.hpp"

#include <ctime>

namespace c10k::load {
namespace {

constexpr std::chrono::milliseconds kFlushInterval{250};

// What this thread has used.
Duration cpu_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

void Recorder::note_opened(Clock::time_point due) {
    ++tally_.opened;
    ++gauges.open;
    const auto open = ++collector_.open;
    for (auto peak = collector_.peak.load(); peak < open && !collector_.peak.compare_exchange_weak(peak, open);) {
    }
    const auto took = Clock::now() - due;
    if (!collector_.plan().has_arrivals() || is_measured(due)) {
        tally_.handshake.corrected.record(took);
    }
    if (collector_.plan().mode == Mode::kConnect) {
        tally_.recent.record(took);
    }
}

void Recorder::note_handshake(Duration took) {
    if (!collector_.plan().has_arrivals() || is_measured(Clock::now() - took)) {
        tally_.handshake.raw.record(took);
    }
}

void Recorder::note_ended(End end) {
    --gauges.open;
    --collector_.open;
    tally_.lost += end == End::kLost ? 1 : 0;
}

void Recorder::note_late(Clock::time_point due, Clock::time_point now) {
    if (is_measured(due)) {
        tally_.late.record(now - due);
    }
}

void Recorder::note_sent(Clock::time_point due, std::size_t bytes, std::size_t expected) {
    ++tally_.all_sent;
    if (is_measured(due)) {
        ++tally_.sent;
        tally_.expected += expected;
        tally_.bytes_sent += bytes;
    }
}

void Recorder::note_received(std::size_t bytes) {
    ++tally_.all_received;
    tally_.bytes_received += is_measured(Clock::now()) ? bytes : 0;
}

void Recorder::note_reply(Clock::time_point due, Clock::time_point sent) {
    const auto now = Clock::now();
    tally_.recent.record(now - due);
    if (is_measured(due)) {
        ++tally_.answered;
        tally_.reply.record(due, sent, now);
    }
}

void Recorder::note_session(Clock::time_point due, Clock::time_point begun) {
    if (is_measured(due)) {
        ++tally_.finished;
        tally_.session.record(due, begun, Clock::now());
    }
}

Task<> Recorder::flush_regularly() {
    while (true) {
        co_await sleep_for(kFlushInterval);
        flush();
    }
}

void Recorder::flush() {
    measure_cpu();
    state_.gauges = gauges;
    collector_.add(loop_, tally_, state_);
    tally_.clear();
}

void Recorder::measure_cpu() {
    const auto now = Clock::now();
    if (window_.end == Clock::time_point{} || now < window_.begin || has_measured_cpu_) {
        return;
    }
    if (cpu_at_begin_ < Duration::zero()) {
        cpu_at_begin_ = cpu_time();
        began_ = now;
        return;
    }
    state_.busy = cpu_time() - cpu_at_begin_;
    state_.wall = now - began_;
    has_measured_cpu_ = now >= window_.end;
}

}  // namespace c10k::load
