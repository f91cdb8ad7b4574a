#include "usage/man_page.hpp"

#include "base/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

namespace c10k::usage {
namespace {

// Escapes text so that roff shows it as it is, without requests and escapes, line by line.
std::string plain(std::string_view text) {
    std::string result;
    bool at_start = true;
    for (const char c : text) {
        if (at_start && (c == '.' || c == '\'')) {
            result += "\\&";
        }
        at_start = c == '\n';
        if (c == '\\') {
            result += "\\e";
        } else if (c == '-') {
            result += "\\-";
        } else if (c == '\'') {
            result += "\\(aq";
        } else if (c == '`') {
            result += "\\(ga";
        } else {
            result += c;
        }
    }
    return result;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

// "-v, --verbosity TEXT"
std::string heading_of(const CLI::Option& option) {
    std::string text;
    for (const std::string& name : names_of(option)) {
        text += (text.empty() ? "" : ", ") + bold(name);
    }
    if (option.get_positional()) {
        text = italic(option.get_name(true));
    } else if (takes_value(option)) {
        text += ' ' + italic(type_of(option));
    }
    return text;
}

std::string entry(const CLI::Option& option) {
    const std::string by_default = option.get_default_str();
    std::string text = ".TP\n" + heading_of(option) + '\n';
    if (const std::string& description = option.get_description(); !description.empty()) {
        text += plain(description) + '\n';
    }
    return text + (by_default.empty() ? "" : "By default " + italic(by_default) + ".\n");
}

std::string entries(const CLI::App& app) {
    std::string text;
    for (const CLI::Option* option : arguments_of(app)) {
        text += entry(*option);
    }
    for (const CLI::Option* option : options_of(app)) {
        // The page lists --help once, with the options of the program.
        const bool is_help = option == app.get_help_ptr() || option == app.get_help_all_ptr();
        text += is_help && app.get_parent() != nullptr ? "" : entry(*option);
    }
    return text;
}

std::string paragraphs(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) {
            result += ".PP\n" + plain(text.substr(0, end)) + '\n';
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

// The first sentence, without its dot.
std::string title_of(const CLI::App& app) {
    std::string text = app.get_description();
    text = text.substr(0, text.find(". "));
    return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

std::string command_section(const CLI::App& command) {
    std::string heading = plain(command.get_name()) + " [" + italic("OPTIONS") + ']';
    for (const CLI::Option* argument : arguments_of(command)) {
        const std::string name = italic(argument->get_name(true));
        heading += ' ' + (argument->get_required() ? name : '[' + name + ']');
    }
    return ".SS " + heading + '\n' + plain(command.get_description()) + ".\n" + entries(command) +
           paragraphs(command.get_footer());
}

}  // namespace

std::string man_page(const Program& program) {
    const std::string name = program.app.get_name();
    std::string text = ".\\\" Made by: " + name + " man\n.TH " + upper(plain(name)) + " 1 \"\" \"" +
                       plain(program.version) + "\"\n.SH NAME\n" + plain(name) + " \\- " +
                       plain(title_of(program.app)) + "\n.SH SYNOPSIS\n" + bold(name) + ' ' + italic("COMMAND") + " [" +
                       italic("OPTIONS") + "]\n.SH OPTIONS\n" + entries(program.app) + ".SH COMMANDS\n";
    for (const CLI::App* command : commands_of(program.app)) {
        text += command_section(*command);
    }
    if (!program.settings.empty()) {
        text += ".SH SETTINGS\n";
    }
    for (const Setting& setting : program.settings) {
        text += ".TP\n" + bold(setting.name) + " = " + italic(setting.value.empty() ? "(empty)" : setting.value) +
                '\n' + plain(setting.reason) + '\n';
    }
    return text + program.more_for_man_page;
}

}  // namespace c10k::usage
