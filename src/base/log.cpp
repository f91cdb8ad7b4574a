#include "base/log.hpp"

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

}  // namespace

void set_level(Level level) {
    switch (level) {
        case Level::kDebug: logger().set_level(spdlog::level::debug); break;
        case Level::kInfo: logger().set_level(spdlog::level::info); break;
        case Level::kWarning: logger().set_level(spdlog::level::warn); break;
        case Level::kError: logger().set_level(spdlog::level::err); break;
    }
}

void debug(std::string_view line) { logger().debug(line); }
void info(std::string_view line) { logger().info(line); }
void warning(std::string_view line) { logger().warn(line); }
void error(std::string_view line) { logger().error(line); }

}  // namespace c10k::log
