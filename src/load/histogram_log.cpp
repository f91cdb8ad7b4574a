#include "load/histogram_log.hpp"

#include "c10k/text.hpp"

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace c10k::load {
namespace {

[[noreturn]] void fail(const std::string& path) {
    throw std::runtime_error("cannot write " + printable(path) + ": " + std::generic_category().message(errno));
}

}  // namespace

HistogramLog::HistogramLog(const std::string& path, const Plan& plan)
    : path_(path), plan_(plan), file_(std::fopen(path.c_str(), "we")) {
    if (file_ == nullptr) {
        fail(path_);
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::fprintf(file_,
                 "#[Histogram log format version 1.3]\n"
                 "#[StartTime: %.3f (seconds since epoch)]\n"
                 "#[Values are nanoseconds; Interval_Max is in milliseconds]\n"
                 "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
                 std::chrono::duration<double>(now).count());
}

HistogramLog::~HistogramLog() {
    if (file_ != nullptr) {
        std::fclose(file_);
    }
}

void HistogramLog::add(const Tally& recent) {
    const double now = std::chrono::duration<double>(Clock::now() - began_).count();
    const double length = now - written_until_;
    if (plan_.is_open_model()) {
        add("reply.corrected", recent.reply.corrected, length);
        add("handshake.corrected", recent.handshake.corrected, length);
        add("session.corrected", recent.session.corrected, length);
    }
    add("reply.raw", recent.reply.raw, length);
    add("handshake.raw", recent.handshake.raw, length);
    add("session.raw", recent.session.raw, length);
    written_until_ = now;
}

void HistogramLog::add(const char* tag, const Histogram& histogram, double length) {
    if (!histogram.empty()) {
        std::fprintf(file_, "Tag=%s,%.3f,%.3f,%.3f,%s\n", tag, written_until_, length,
                     std::chrono::duration<double, std::milli>(histogram.max()).count(), histogram.encoded().c_str());
    }
}

void HistogramLog::close() {
    const bool is_good = std::ferror(file_) == 0;
    if (std::fclose(std::exchange(file_, nullptr)) != 0 || !is_good) {
        fail(path_);
    }
}

}  // namespace c10k::load
