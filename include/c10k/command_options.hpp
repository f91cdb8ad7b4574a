#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace c10k {

// An option refuses the text that the user gave it. what() follows the option's name: "'x' is not a colour".
class OptionError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// An option that has been declared, to say more about it.
class CommandOption {
public:
    explicit CommandOption(CLI::Option& option) noexcept : option_(option) {}

    // The name of its value in --help. Shells complete FILE, FOLDER, and the words of a type such as "fast|slow".
    CommandOption& type(const std::string& name);
    // The default that --help shows, instead of the value that the option's variable has.
    CommandOption& default_text(const std::string& text);
    // Makes the option required.
    CommandOption& required();
    // Refuses an empty text.
    CommandOption& not_empty();

private:
    CLI::Option& option_;
};

// Declares the options of a command. Each stores what the user gives in a variable, which must live as long as the
// command.
//
// Names are "--size" or "-s,--size"; a name without dashes, "url", is that of a positional argument. If an option
// refuses a text, the program ends with exit status 2 and a line that names the option.
class CommandOptions {
public:
    // A range of whole numbers, with both ends.
    struct Range {
        std::uint64_t min = 0;
        std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    };

    explicit CommandOptions(CLI::App& command) noexcept : command_(command) {}

    CommandOption text(const std::string& names, std::string& value, const std::string& help);

    // A whole number in decimal digits. Without a range, any that `value` can hold.
    template <std::integral Number>
    CommandOption number(const std::string& names, Number& value, const std::string& help) {
        return number(names, value, {.max = kMaxOf<Number>}, help);
    }
    // A number in the range that `value` can hold.
    template <std::integral Number>
    CommandOption number(const std::string& names, Number& value, Range range, const std::string& help) {
        range.max = std::min(range.max, kMaxOf<Number>);
        const auto set = [&value](std::uint64_t number) { value = static_cast<Number>(number); };
        return add_number(names, set, range, help).default_text(std::to_string(value));
    }
    // The same for an option that has no default.
    template <std::integral Number>
    CommandOption number(const std::string& names, std::optional<Number>& value, const std::string& help) {
        const auto set = [&value](std::uint64_t number) { value = static_cast<Number>(number); };
        return add_number(names, set, {.max = kMaxOf<Number>}, help);
    }

    // An option that may be given without a number, and stands for `without` then.
    template <std::integral Number>
    CommandOption optional_number(const std::string& names, std::optional<Number>& value, Number without, Range range,
                                  const std::string& help) {
        range.max = std::min(range.max, kMaxOf<Number>);
        const auto set = [&value](std::uint64_t number) { value = static_cast<Number>(number); };
        return add_optional_number(names, set, static_cast<std::uint64_t>(without), range, help);
    }

    // A finite number, "0.5".
    CommandOption decimal(const std::string& names, double& value, const std::string& help);

    // Takes no value: `value` becomes true.
    CommandOption flag(const std::string& names, bool& value, const std::string& help);

    // Any other value: calls `set` with its text, which throws OptionError if it refuses the text.
    CommandOption value(const std::string& names, std::function<void(const std::string&)> set, const std::string& help);
    // The same for an option that may be given again: calls `set` for each.
    CommandOption values(const std::string& names, std::function<void(const std::string&)> set,
                         const std::string& help);

private:
    template <typename Number>
    static constexpr auto kMaxOf = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());

    CommandOption add_number(const std::string& names, std::function<void(std::uint64_t)> set, Range range,
                             const std::string& help);
    CommandOption add_optional_number(const std::string& names, std::function<void(std::uint64_t)> set,
                                      std::uint64_t without, Range range, const std::string& help);

    CLI::App& command_;
};

}  // namespace c10k
