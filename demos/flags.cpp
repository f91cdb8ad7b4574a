#include "flags.hpp"

#include <c10k/text.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& text, const std::string& accepted) {
    throw CLI::ValidationError(option, "'" + c10k::printable(text) + "' is not " + accepted);
}

bool is_digits(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string told(NumberRange range) {
    return "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
}

// The number that the digits make; empty if it does not fit.
std::optional<std::uint64_t> to_number(const std::string& digits) {
    std::uint64_t number = 0;
    const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc{} ? std::optional{number} : std::nullopt;
}

}  // namespace

std::uint64_t parse_number(const std::string& option, const std::string& text, NumberRange range) {
    const auto number = is_digits(text) ? to_number(text) : std::nullopt;
    if (!number || *number < range.least || *number > range.most) {
        refuse(option, text, told(range));
    }
    return *number;
}

std::uint64_t clamp_number(const std::string& option, const std::string& text, NumberRange range) {
    if (!is_digits(text)) {
        refuse(option, text, told(range));
    }
    return std::clamp(to_number(text).value_or(range.most + 1), range.least - std::min<std::uint64_t>(range.least, 1),
                      range.most + 1);
}

double parse_decimal(const std::string& option, const std::string& text) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end || !std::isfinite(number)) {
        refuse(option, text, "a number");
    }
    return number;
}

CLI::Option* add_text(CLI::App& options, const std::string& names, std::string& text, const std::string& description) {
    return options.add_option(names, text, description)
        ->check(CLI::Validator{[](const std::string& value) { return std::string{value.empty() ? "it is empty" : ""}; },
                               ""});
}
