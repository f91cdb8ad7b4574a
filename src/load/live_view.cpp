#include "load/live_view.hpp"

#include "load/format.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <unistd.h>

namespace c10k::load {
namespace {

// CPU seconds of this process.
double cpu_seconds() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string per_second(std::uint64_t count, double seconds) {
    return count_text(static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds))) + "/s";
}

}  // namespace

LiveView::LiveView(const Collector& collector)
    : collector_(collector), is_terminal_(::isatty(STDERR_FILENO) == 1), cpu_shown_(cpu_seconds()) {}

LiveView::~LiveView() {
    if (is_terminal_) {
        std::fputs("\r\x1b[K", stderr);
    }
}

void LiveView::show(const Collector::Snapshot& recent) {
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - shown_).count();
    const double cpu = cpu_seconds();
    const std::string text = line(recent, seconds, (cpu - cpu_shown_) / seconds);
    std::fprintf(stderr, is_terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
    std::fflush(stderr);
    shown_ = now;
    cpu_shown_ = cpu;
}

std::string LiveView::line(const Collector::Snapshot& recent, double seconds, double cpu) const {
    Gauges all;
    for (const Collector::OfLoop& loop : recent.loops) {
        all.open += loop.gauges.open;
        all.in_flight += loop.gauges.in_flight;
        all.waiting += loop.gauges.waiting;
    }
    const Tally& tally = recent.tally;
    const double since = std::chrono::duration<double>(shown_ - began_).count() + seconds;
    std::string text = decimal_text(since, 0) + " s: " + count_text(static_cast<std::uint64_t>(all.open)) + " open";
    if (collector_.plan().mode == Mode::kConnect) {
        text += ", " + per_second(tally.opened, seconds) + " opened";
    } else {
        text += ", " + per_second(tally.all_sent, seconds) + " sent, " + per_second(tally.all_received, seconds) +
                " received";
    }
    if (!tally.recent.empty()) {
        text += ", p50 " + time_text(tally.recent.percentile(50)) + ", p99 " + time_text(tally.recent.percentile(99));
    }
    text += ", " + count_text(static_cast<std::uint64_t>(all.in_flight)) + " in flight";
    if (all.waiting > 0) {
        text += ", " + count_text(static_cast<std::uint64_t>(all.waiting)) + " waiting";
    }
    if (tally.errors.total() > 0) {
        text += ", " + count_text(tally.errors.total()) + " errors";
    }
    return text + ", own CPU " + decimal_text(100 * cpu, 0) + " %";
}

}  // namespace c10k::load
