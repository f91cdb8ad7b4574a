#include "base/log.hpp"

#include "c10k/text.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace c10k::log {
namespace {

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> instance = [] {
        auto made = spdlog::stderr_color_mt("c10k");
        made->set_pattern("[%d/%b/%Y %H:%M:%S] %^%v%$");
        return made;
    }();
    return *instance;
}

constinit thread_local int silences = 0;
constinit thread_local const Redirect::Write* redirection = nullptr;

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::kDebug: return spdlog::level::debug;
        case Level::kInfo: return spdlog::level::info;
        case Level::kWarning: return spdlog::level::warn;
        default: return spdlog::level::err;
    }
}

}  // namespace

Silence::Silence() noexcept { ++silences; }

Silence::~Silence() { --silences; }

Redirect::Redirect(const Write* write) noexcept : former_(std::exchange(redirection, write)) {}

Redirect::~Redirect() { redirection = former_; }

void set_level(Level level) { logger().set_level(to_spdlog(level)); }

void write(Level level, std::string_view line) {
    if (silences > 0 || !logger().should_log(to_spdlog(level))) {
        return;
    }
    if (redirection != nullptr) {
        (*redirection)(level, printable(line));
    } else {
        logger().log(to_spdlog(level), printable(line));
    }
}

void debug(std::string_view line) { write(Level::kDebug, line); }
void info(std::string_view line) { write(Level::kInfo, line); }
void warning(std::string_view line) { write(Level::kWarning, line); }
void error(std::string_view line) { write(Level::kError, line); }

}  // namespace c10k::log
