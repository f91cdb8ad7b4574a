#pragma once

#include "load/collector.hpp"

#include <cstdio>
#include <memory>
#include <string>

namespace c10k::load {

// Writes the times of each second into a file, in the format of HdrHistogram's logs (version 1.3): plotters and other
// tools read it. The series have tags, such as reply.corrected; the values are nanoseconds.
class HistogramLog {
public:
    // Throws std::runtime_error with a text for the user if the file cannot be written.
    HistogramLog(const std::string& path, const Plan& plan);
    ~HistogramLog();
    HistogramLog(const HistogramLog&) = delete;
    HistogramLog& operator=(const HistogramLog&) = delete;

    // What has been measured since the last call.
    void add(const Tally& recent);
    // Throws as the constructor if something could not be written.
    void close();

private:
    void add(const char* tag, const Histogram& histogram, double length);

    std::string path_;
    const Plan& plan_;
    std::FILE* file_;
    Clock::time_point began_ = Clock::now();
    double written_until_ = 0;  // seconds
};

}  // namespace c10k::load
