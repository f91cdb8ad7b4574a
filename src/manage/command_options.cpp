#include "c10k/command_options.hpp"

#include "base/text.hpp"
#include "c10k/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

namespace c10k {
namespace {

std::string not_a(const std::string& text, const std::string& what) {
    return '\'' + printable(text) + "' is not " + what;
}

// CLI11 itself reads "0x10" as 16 and "010" as 8, and a number that does not fit as the largest that does.
std::uint64_t parse_number(const std::string& text, CommandOptions::Range range) {
    const auto number = to_number<std::uint64_t>(text);
    if (!number || *number < range.min || *number > range.max) {
        throw OptionError(
            not_a(text, "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max)));
    }
    return *number;
}

double parse_decimal(const std::string& text) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end || !std::isfinite(number)) {
        throw OptionError(not_a(text, "a number"));
    }
    return number;
}

std::string decimal_text(double number) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", number);
    return text.data();
}

// The name that messages use: "--size" of "-s,--size".
std::string main_name(const std::string& names) {
    const std::size_t begin = std::min(names.find("--"), names.rfind(',') + 1);
    return names.substr(begin, names.find(',', begin) - begin);
}

// `set`, whose errors name the option.
std::function<void(const std::string&)> named_setter(const std::string& names,
                                                     std::function<void(const std::string&)> set) {
    return [set = std::move(set), name = main_name(names)](const std::string& text) {
        try {
            set(text);
        } catch (const OptionError& error) {
            throw CLI::ValidationError(name, error.what());
        }
    };
}

}  // namespace

CommandOption& CommandOption::type(const std::string& name) {
    option_.type_name(name);
    return *this;
}

CommandOption& CommandOption::default_text(const std::string& text) {
    option_.default_str(text);
    return *this;
}

CommandOption& CommandOption::required() {
    option_.required();
    return *this;
}

CommandOption& CommandOption::not_empty() {
    option_.check([](const std::string& text) { return std::string{text.empty() ? "it is empty" : ""}; });
    return *this;
}

CommandOption CommandOptions::text(const std::string& names, std::string& value, const std::string& help) {
    const auto set = [&value](const std::string& text) { value = text; };
    return this->value(names, set, help).default_text(value);
}

CommandOption CommandOptions::decimal(const std::string& names, double& value, const std::string& help) {
    const auto set = [&value](const std::string& text) { value = parse_decimal(text); };
    return this->value(names, set, help).type("NUMBER").default_text(decimal_text(value));
}

CommandOption CommandOptions::flag(const std::string& names, bool& value, const std::string& help) {
    return CommandOption{*command_.add_flag(names, value, help)};
}

CommandOption CommandOptions::value(const std::string& names, std::function<void(const std::string&)> set,
                                    const std::string& help) {
    return CommandOption{*command_.add_option_function<std::string>(names, named_setter(names, std::move(set)), help)};
}

CommandOption CommandOptions::values(const std::string& names, std::function<void(const std::string&)> set,
                                     const std::string& help) {
    const auto read = [set = named_setter(names, std::move(set))](const std::vector<std::string>& texts) {
        std::for_each(texts.begin(), texts.end(), set);
    };
    CLI::Option* const option = command_.add_option_function<std::vector<std::string>>(names, read, help);
    return CommandOption{*option->allow_extra_args(false)};
}

CommandOption CommandOptions::add_number(const std::string& names, std::function<void(std::uint64_t)> set, Range range,
                                         const std::string& help) {
    const auto read = [set = std::move(set), range](const std::string& text) { set(parse_number(text, range)); };
    return value(names, read, help).type("NUMBER");
}

CommandOption CommandOptions::add_optional_number(const std::string& names, std::function<void(std::uint64_t)> set,
                                                  std::uint64_t without, Range range, const std::string& help) {
    const auto read = [set = std::move(set), without, range](const std::string& text) {
        set(text.empty() ? without : parse_number(text, range));
    };
    CLI::Option* const option =
        command_.add_option_function<std::string>(names, named_setter(names, read), help)->expected(0, 1);
    return CommandOption{*option}.type("[NUMBER]");
}

}  // namespace c10k
