#include "usage/mistake.hpp"

#include "base/spelling.hpp"
#include "c10k/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k::usage {
namespace {

// The word that the user perhaps meant, also by its beginning alone; "" if none.
std::string suggestion(std::string_view word, const std::vector<std::string>& words) {
    if (word.size() <= 2) {
        return "";  // a single letter is near to every other one
    }
    const std::vector<std::string_view> views{words.begin(), words.end()};
    if (const std::string_view near = nearest(word, views); !near.empty()) {
        return std::string{near};
    }
    std::vector<std::string> longer;
    const std::size_t dashes = std::min(word.find_first_not_of('-'), word.size());
    std::copy_if(words.begin(), words.end(), std::back_inserter(longer),
                 [&](const std::string& candidate) { return word.size() > dashes + 1 && candidate.starts_with(word); });
    return longer.size() == 1 ? longer.front() : "";
}

std::string did_you_mean(const std::string& word) { return word.empty() ? "" : "; did you mean " + word + '?'; }

std::vector<std::string> names_of_options(const CLI::App& app) {
    std::vector<std::string> all;
    for (const CLI::Option* option : options_of(app)) {
        const std::vector<std::string> names = names_of(*option);
        all.insert(all.end(), names.begin(), names.end());
    }
    return all;
}

std::string explain_command(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* command : commands_of(app)) {
        names.push_back(command->get_name());
    }
    std::string meant = suggestion(word, names);
    if (meant.empty() && app.get_option_no_throw("--" + word) != nullptr) {
        meant = "--" + word;
    }
    return "unknown command " + printable(word) + did_you_mean(meant);
}

// The setting that "--max-body-bytes" names, if the command takes settings; "" if it rather names an option.
std::string setting_meant(const Program& program, const CLI::App& command, std::string_view option) {
    if (command.get_option_no_throw("--set") == nullptr || !option.starts_with("--")) {
        return "";
    }
    std::string name{option.substr(2)};
    std::replace(name.begin(), name.end(), '-', '_');
    std::vector<std::string> names;
    for (const Setting& setting : program.settings) {
        names.push_back(setting.name);
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        return name;
    }
    return suggestion(option, names_of_options(command)).empty() ? suggestion(name, names) : "";
}

std::string explain_extra(const Program& program, const CLI::App& command, const std::string& whose,
                          const std::string& word) {
    if (!word.starts_with('-') || word == "-") {
        return whose + " takes no argument " + printable(word);
    }
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string option = word.substr(0, equals);
    const std::string problem = whose + " has no option " + printable(option);
    if (const std::string setting = setting_meant(program, command, option); !setting.empty()) {
        return problem + "; the setting " + setting + " is --set " + setting + "=VALUE";
    }
    std::string meant = suggestion(option, names_of_options(command));
    if (meant.empty() && program.app.get_option_no_throw(option) != nullptr) {
        meant = program.app.get_name() + ' ' + option;
    }
    return problem + did_you_mean(meant);
}

}  // namespace

std::string explain_mistake(const Program& program, const CLI::ParseError& error, int argc, char** argv) {
    const CLI::App& app = program.app;
    const std::vector<std::string> arguments{argv + std::min(argc, 1), argv + argc};
    const auto first = std::find_if(arguments.begin(), arguments.end(),
                                    [](const std::string& argument) { return !argument.starts_with('-'); });
    const std::string word = first == arguments.end() ? "" : *first;
    const CLI::App* command = nullptr;
    for (const CLI::App* candidate : commands_of(app)) {
        command = candidate->get_name() == word ? candidate : command;
    }
    const std::string whose = command != nullptr ? app.get_name() + ' ' + word : app.get_name();

    std::string problem = app.get_name() + ": " + error.what();
    if (first != arguments.end() && command == nullptr) {
        problem = app.get_name() + ": " + explain_command(app, word);
    } else if (const std::vector<std::string> extra = app.remaining(true); !extra.empty()) {
        problem = explain_extra(program, command != nullptr ? *command : app, whose, extra.front());
    } else if (first == arguments.end()) {
        problem = app.get_name() + ": say a command";
    }
    return problem + "\nTry: " + whose + " --help";
}

}  // namespace c10k::usage
