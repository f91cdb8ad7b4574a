#include "measurement.hpp"

#include <bit>
#include <cstdio>
#include <ctime>
#include <limits>
#include <numeric>

namespace benchmarks {
namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) {
        fail_errno("cannot read the CPU time of the server");
    }
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::chrono::nanoseconds cpu_of(pid_t process) {
    clockid_t clock{};
    if (::clock_getcpuclockid(process, &clock) != 0) {
        fail("there is no process " + std::to_string(process));
    }
    return read_clock(clock);
}

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void Latencies::add(Clock::duration latency) noexcept {
    const auto value = static_cast<std::uint64_t>(latency.count());
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kBitsKept ? width - kBitsKept : 0;
    ++counts_[(std::size_t{shift} << kBitsKept) + (value >> shift)];
}

double Latencies::quantile(double part) const noexcept {
    const auto all = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
    auto rank = static_cast<std::uint64_t>(part * static_cast<double>(all));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (rank < counts_[i]) {
            const std::size_t shift = i >> kBitsKept;
            return static_cast<double>((i & ((1U << kBitsKept) - 1)) << shift) / 1000;
        }
        rank -= counts_[i];
    }
    return 0;
}

Measurement::Measurement(const Arguments& arguments)
    : warm_up_(std::chrono::seconds{arguments.number("warm-up", 0)}),
      length_(std::chrono::seconds{arguments.number("seconds", 0)}), limit_(arguments.number("messages", 0)),
      server_(static_cast<int>(arguments.number("server", 0))) {
    if (limit_ == 0) {
        limit_ = std::numeric_limits<std::uint64_t>::max();
    }
}

Measurement::Moment Measurement::now() const {
    return {Clock::now(), server_ != 0 ? cpu_of(server_) : std::chrono::nanoseconds{},
            read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

void Measurement::start() { begin_ = now(); }

bool Measurement::is_running() {
    const auto passed = Clock::now() - begin_.time;
    if (!warm_) {
        if (passed < warm_up_) {
            return true;
        }
        warm_ = true;
        messages_ = 0;
        latencies_.clear();
        begin_ = now();
        return true;
    }
    if (messages_ < limit_ && (length_ == Clock::duration::zero() || passed < length_)) {
        return true;
    }
    end_ = now();
    return false;
}

void Measurement::print() const {
    std::printf(
        R"({"messages": %llu, "seconds": %.6f, "server_cpu": %.6f, "client_cpu": %.6f, "p50_us": %.1f, "p99_us": %.1f})"
        "\n",
        static_cast<unsigned long long>(messages_), seconds(end_.time - begin_.time),
        seconds(end_.server_cpu - begin_.server_cpu), seconds(end_.client_cpu - begin_.client_cpu),
        latencies_.quantile(0.5), latencies_.quantile(0.99));
    std::fflush(stdout);
}

}  // namespace benchmarks
