#pragma once

#include <c10k/command_options.hpp>

#include <cstdint>
#include <string>

// The whole number that `text` is. One outside of `range` becomes one just below or above it, for the command to refuse
// in its own words. Throws c10k::OptionError unless `text` is decimal digits and nothing else.
[[nodiscard]] std::uint64_t clamp_number(const std::string& text, c10k::CommandOptions::Range range);

// An option that takes such a number. Requires: `number` holds all that clamp_number() returns.
template <typename Number>
void add_clamped_number(c10k::CommandOptions& options, const std::string& names, Number& number,
                        c10k::CommandOptions::Range range, const std::string& help) {
    const auto set = [&number, range](const std::string& text) {
        number = static_cast<Number>(clamp_number(text, range));
    };
    options.value(names, set, help).type("NUMBER").default_text(std::to_string(number));
}
