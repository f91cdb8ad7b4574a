#include "base/log.hpp"

#include "c10k/text.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

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

void write(spdlog::level::level_enum level, std::string_view line) {
    if (silences == 0 && logger().should_log(level)) {
        logger().log(level, printable(line));
    }
}

}  // namespace

Silence::Silence() noexcept { ++silences; }

Silence::~Silence() { --silences; }

void set_level(Level level) {
    switch (level) {
        case Level::kDebug: logger().set_level(spdlog::level::debug); break;
        case Level::kInfo: logger().set_level(spdlog::level::info); break;
        case Level::kWarning: logger().set_level(spdlog::level::warn); break;
        case Level::kError: logger().set_level(spdlog::level::err); break;
    }
}

void debug(std::string_view line) { write(spdlog::level::debug, line); }
void info(std::string_view line) { write(spdlog::level::info, line); }
void warning(std::string_view line) { write(spdlog::level::warn, line); }
void error(std::string_view line) { write(spdlog::level::err, line); }

}  // namespace c10k::log
