#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

// The program's log: lines on standard error with the time in front. Text from a peer can neither end a line nor
// command a terminal, because the log makes every line printable() (c10k/text.hpp). Thread: any.
namespace c10k::log {

enum class Level { kDebug, kInfo, kWarning, kError };

void set_level(Level level);

// While one of these lives, this thread logs nothing: for simulations, in which failures are part of the test.
class Silence {
public:
    Silence() noexcept;
    ~Silence();
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
};

// While one of these lives, this thread's lines go to `write` instead of standard error; to standard error again with
// null. `write` outlives it.
class Redirect {
public:
    using Write = std::function<void(Level level, std::string_view line)>;

    explicit Redirect(const Write* write) noexcept;
    ~Redirect();
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

private:
    const Write* former_;
};

void write(Level level, std::string_view line);
void debug(std::string_view line);
void info(std::string_view line);
void warning(std::string_view line);
void error(std::string_view line);

// Limits lines that a peer can cause as often as it likes to one per second.
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
