#pragma once

#include "load/collector.hpp"

#include <string>

namespace c10k::load {

// A line each second that says how a run goes, on standard error: on a terminal one that changes in place.
class LiveView {
public:
    explicit LiveView(const Collector& collector);
    ~LiveView();
    LiveView(const LiveView&) = delete;
    LiveView& operator=(const LiveView&) = delete;

    void show(const Collector::Snapshot& recent);

private:
    [[nodiscard]] std::string line(const Collector::Snapshot& recent, double seconds, double cpu) const;

    const Collector& collector_;
    bool is_terminal_;
    Clock::time_point began_ = Clock::now();
    Clock::time_point shown_ = began_;
    double cpu_shown_;
};

}  // namespace c10k::load
