#include "flags.hpp"

#include <c10k/text.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

std::uint64_t clamp_number(const std::string& text, c10k::CommandOptions::Range range) {
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
        throw c10k::OptionError('\'' + c10k::printable(text) + "' is not a whole number from " +
                                std::to_string(range.min) + " to " + std::to_string(range.max));
    }
    std::uint64_t number = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::uint64_t below = range.min - std::min<std::uint64_t>(range.min, 1);
    return error == std::errc{} ? std::clamp(number, below, range.max + 1) : range.max + 1;
}
