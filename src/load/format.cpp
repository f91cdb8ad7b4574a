#include "load/format.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

namespace c10k::load {
namespace {

// Three digits: "1.23", "12.3", "123".
std::string three_digits(double number) { return decimal_text(number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0); }

}  // namespace

std::string count_text(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3; at -= 3) {
        text.insert(at - 3, 1, ',');
    }
    return text;
}

std::string time_text(Duration time) {
    const auto us = std::chrono::duration<double, std::micro>(time).count();
    if (us < 999.5) {
        return decimal_text(us, 0) + " us";
    }
    return us < 999'500 ? three_digits(us / 1e3) + " ms" : three_digits(us / 1e6) + " s";
}

std::string bytes_text(std::uint64_t bytes) {
    if (bytes < 1000) {
        return std::to_string(bytes) + " B";
    }
    constexpr std::array<std::string_view, 4> kUnits{"kB", "MB", "GB", "TB"};
    double number = static_cast<double>(bytes) / 1e3;
    std::size_t unit = 0;
    for (; number >= 1000 && unit + 1 < kUnits.size(); ++unit) {
        number /= 1e3;
    }
    return decimal_text(number, 1) + ' ' + std::string{kUnits[unit]};
}

std::string decimal_text(double number, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, number);
    return text.data();
}

}  // namespace c10k::load
