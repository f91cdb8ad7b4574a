#include "usage/completion.hpp"

#include "base/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace c10k::usage {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : std::string{between}) + word;
    }
    return text;
}

// Values are in lower case; names of types are not.
bool is_of_words(char c) { return c == '|' || c == '_' || c == '-' || is_digit(c) || (c >= 'a' && c <= 'z'); }

// The call that completes values of that type. The names of the script's functions begin with `prefix`.
std::string values(const std::string& prefix, std::string type) {
    if (type == "FILE") {
        return prefix + "_files -f";
    }
    if (type == "FOLDER") {
        return prefix + "_files -d";
    }
    if (type == "NAME=VALUE") {
        return prefix + "_settings";
    }
    if (!type.empty() && std::all_of(type.begin(), type.end(), is_of_words)) {
        std::replace(type.begin(), type.end(), '|', ' ');
        return prefix + "_words " + quoted_for_shell(type);
    }
    return ":";
}

// The cases of one command: which value follows which option.
std::string value_cases(const std::string& prefix, const CLI::App& command) {
    std::string cases;
    for (const CLI::Option* option : options_of(command)) {
        if (!takes_value(*option)) {
            continue;
        }
        std::string patterns;
        for (const std::string& name : names_of(*option)) {
            patterns += (patterns.empty() ? "" : " | ") + quoted_for_shell(command.get_name() + ' ' + name);
        }
        cases += "        " + patterns + ") " + values(prefix, type_of(*option)) + "; return ;;\n";
    }
    return cases;
}

std::string option_words(const CLI::App& command) {
    std::vector<std::string> words;
    for (const CLI::Option* option : options_of(command)) {
        words.push_back(names_of(*option).back());
    }
    return joined(words, " ");
}

std::string argument_values(const std::string& prefix, const CLI::App& command) {
    const std::vector<const CLI::Option*> arguments = arguments_of(command);
    return arguments.empty() ? ":" : values(prefix, type_of(*arguments.front()));
}

// All scripts share this; each has a prefix of its own in place of PREFIX.
constexpr std::string_view kHelpers = R"(
PREFIX_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
PREFIX_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}
PREFIX_settings() {
    compopt -o nospace 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -W "$PREFIX_names" -S = -- "$cur")
}

PREFIX() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' i
    COMPREPLY=()
    # bash takes "--backend=epoll" for three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; ++i)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
)";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

}  // namespace

void require_known(const std::string& shell) {
    if (shell != "bash") {
        throw std::runtime_error("no completion for the shell '" + shell + "': use bash");
    }
}

std::string bash_completion(const Program& program, const std::vector<std::string>& called) {
    const std::string name = program.app.get_name();
    const std::string prefix = "_c10k_" + name;
    std::vector<std::string> commands;
    std::string value_case;
    std::string command_case;
    for (const CLI::App* command : commands_of(program.app)) {
        commands.push_back(command->get_name());
        value_case += value_cases(prefix, *command);
        const std::string options = prefix + "_words " + quoted_for_shell(option_words(*command));
        const std::string argument = argument_values(prefix, *command);
        command_case.append("        ").append(command->get_name()).append(")\n            ");
        if (argument == ":") {
            command_case += options;
        } else {
            command_case.append("if [[ $cur == -* ]]; then\n                ").append(options);
            command_case.append("\n            else\n                ").append(argument).append("\n            fi");
        }
        command_case += "\n            ;;\n";
    }
    std::vector<std::string> quoted;
    std::transform(called.begin(), called.end(), std::back_inserter(quoted), &quoted_for_shell);
    std::vector<std::string> settings;
    for (const Setting& setting : program.settings) {
        settings.push_back(setting.name);
    }
    return "# Completes the commands and options of " + name + " in bash. Made by: " + name + " completion bash\n\n" +
           prefix + "_names=" + quoted_for_shell(joined(settings, " ")) + '\n' +
           replaced(std::string{kHelpers}, "PREFIX", prefix) + "    case \"$command $prev\" in\n" + value_case +
           "    esac\n    case $command in\n        '')\n            " + prefix + "_words " +
           quoted_for_shell(joined(commands, " ") + ' ' + option_words(program.app)) + "\n            ;;\n" +
           command_case + "    esac\n}\ncomplete -F " + prefix + ' ' + joined(quoted, " ") + '\n';
}

}  // namespace c10k::usage
