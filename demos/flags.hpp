#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>

// Options of a program that mean what they say. They refuse any other value by name, and say which values they take.
// CLI11 itself reads "0x10" as 16, "010" as 8, and a number that does not fit as the largest that does.

struct NumberRange {
    std::uint64_t least = 0;
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

// Parses `text`, which must be decimal digits and nothing else. Throws CLI::ValidationError, which names the option,
// unless the number is in `range`.
[[nodiscard]] std::uint64_t parse_number(const std::string& option, const std::string& text, NumberRange range);

// The same, but whole numbers outside of `range` become one below or above it, for their command to refuse.
[[nodiscard]] std::uint64_t clamp_number(const std::string& option, const std::string& text, NumberRange range);

// Parses `text` as a finite number. Throws as above.
[[nodiscard]] double parse_decimal(const std::string& option, const std::string& text);

// An option that takes a whole number, "-s,--size"; `parse` is one of the above. Requires: everything that `parse`
// returns fits a Number.
template <typename Number>
CLI::Option* add_number(CLI::App& options, const std::string& names, Number& number, NumberRange range,
                        const std::string& description, decltype(&parse_number) parse = &parse_number) {
    const std::string name = names.substr(names.find("--"));
    return options
        .add_option_function<std::string>(
            names,
            [&number, name, range, parse](const std::string& text) {
                number = static_cast<Number>(parse(name, text, range));
            },
            description)
        ->type_name("NUMBER");
}

// An option that takes a text, which must not be empty.
CLI::Option* add_text(CLI::App& options, const std::string& names, std::string& text, const std::string& description);
