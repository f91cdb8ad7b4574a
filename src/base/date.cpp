#include "base/date.hpp"

#include <array>
#include <string_view>

namespace c10k {

std::string http_date(std::chrono::system_clock::time_point time) {
    // By hand: strftime would ask the locale for the names, and snprintf() reads its format anew for each file.
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{midnight};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - midnight)};

    std::string text;
    text.reserve(std::string_view{"Sun, 06 Nov 1994 08:49:37 GMT"}.size());
    const auto add_two_digits = [&text](unsigned number) {
        text += static_cast<char>('0' + number / 10);
        text += static_cast<char>('0' + number % 10);
    };
    text += kDays[std::chrono::weekday{midnight}.c_encoding()];
    text += ", ";
    add_two_digits(static_cast<unsigned>(date.day()));
    text += ' ';
    text += kMonths[static_cast<unsigned>(date.month()) - 1];
    text += ' ';
    if (const int year = static_cast<int>(date.year()); year >= 0 && year < 10'000) {
        add_two_digits(static_cast<unsigned>(year) / 100);
        add_two_digits(static_cast<unsigned>(year) % 100);
    } else {
        text += std::to_string(year);
    }
    text += ' ';
    add_two_digits(static_cast<unsigned>(clock.hours().count()));
    text += ':';
    add_two_digits(static_cast<unsigned>(clock.minutes().count()));
    text += ':';
    add_two_digits(static_cast<unsigned>(clock.seconds().count()));
    text += " GMT";
    return text;
}

}  // namespace c10k
