#include "load/stamp.hpp"

#include <charconv>
#include <cstdio>
#include <system_error>

namespace c10k::load {
namespace {

constexpr std::string_view kBegin = "c10k:";
constexpr std::size_t kRunDigits = 8;
constexpr std::size_t kTimeDigits = 12;
static_assert(kBegin.size() + kRunDigits + 1 + kTimeDigits + 1 + kTimeDigits + 1 == Stamp::kBytes);

// Takes so many hexadecimal digits and the character behind them off the beginning.
std::optional<std::uint64_t> take_number(std::string_view& text, std::size_t digits, char end) {
    std::uint64_t number = 0;
    const char* const last = text.data() + digits;
    const auto [stopped, error] = std::from_chars(text.data(), last, number, 16);
    if (error != std::errc{} || stopped != last || *last != end) {
        return std::nullopt;
    }
    text.remove_prefix(digits + 1);
    return number;
}

}  // namespace

std::string Stamp::text() const {
    char text[kBytes + 1];
    std::snprintf(text, sizeof text, "c10k:%08x:%012llx:%012llx;", run,
                  static_cast<unsigned long long>(due.count()) & 0xffffffffffffULL,
                  static_cast<unsigned long long>(sent.count()) & 0xffffffffffffULL);
    return text;
}

std::optional<Stamp> Stamp::find_in(std::string_view message) {
    const std::size_t begin = message.find(kBegin);
    if (begin == std::string_view::npos || message.size() - begin < kBytes) {
        return std::nullopt;
    }
    message.remove_prefix(begin + kBegin.size());
    const auto run = take_number(message, kRunDigits, ':');
    const auto due = run ? take_number(message, kTimeDigits, ':') : std::nullopt;
    const auto sent = due ? take_number(message, kTimeDigits, ';') : std::nullopt;
    if (!sent) {
        return std::nullopt;
    }
    return Stamp{static_cast<std::uint32_t>(*run), Duration{static_cast<std::int64_t>(*due)},
                 Duration{static_cast<std::int64_t>(*sent)}};
}

}  // namespace c10k::load
