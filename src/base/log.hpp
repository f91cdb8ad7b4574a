#pragma once

#include <cstdint>
#include <string_view>

// The program's log: lines on standard error with the time in front. What a peer has chosen of a line cannot end it or
// command a terminal: all of it is printable() (c10k/text.hpp). Thread: any.
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

// For lines that a peer can bring about as often as it likes: one of them a second is written.
class RateLimit {
public:
    // Whether a line is due. `now_ms` is of a clock that never jumps.
    [[nodiscard]] bool is_due(std::int64_t now_ms) noexcept {
        constexpr std::int64_t kSecond = 1000;
        if (now_ms < quiet_until_) {
            return false;
        }
        quiet_until_ = now_ms + kSecond;
        return true;
    }

private:
    std::int64_t quiet_until_ = 0;
};

}  // namespace c10k::log
