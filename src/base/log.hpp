#pragma once

#include <string_view>

// The program's log: lines on standard error with the time in front. Thread: any.
namespace c10k::log {

enum class Level { kDebug, kInfo, kWarning, kError };

void set_level(Level level);

// While one of these lives, this thread writes nothing: for simulations, which let things fail on purpose.
class Silence {
public:
    Silence() noexcept;
    ~Silence();
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
};

void debug(std::string_view line);
void info(std::string_view line);
void warning(std::string_view line);
void error(std::string_view line);

}  // namespace c10k::log
