#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace c10k::usage {

// --help, the man page, completion and error messages all read the descriptions of a program's commands and options in
// CLI11. The type of an option names its values: FILE, FOLDER, or the words themselves, "auto|epoll|io_uring".

// A setting, which a man page and completion list besides the options, since no option describes it.
struct Setting {
    std::string name;
    std::string value;  // by default; perhaps with a unit
    std::string reason;
};

struct Program {
    const CLI::App& app;
    std::string version;            // "c10k 0.1.0"
    std::vector<Setting> settings;  // for --set
    std::string more_for_man_page;  // as roff has it, at the end; perhaps ""
};

// The commands, without those that are hidden.
[[nodiscard]] std::vector<const CLI::App*> commands_of(const CLI::App& app);
// The options and the positional arguments, in their order.
[[nodiscard]] std::vector<const CLI::Option*> options_of(const CLI::App& app);
[[nodiscard]] std::vector<const CLI::Option*> arguments_of(const CLI::App& app);
// "-v", "--verbosity"
[[nodiscard]] std::vector<std::string> names_of(const CLI::Option& option);
[[nodiscard]] bool takes_value(const CLI::Option& option);
// "FILE" of "FILE ...", and of "INT in [1 - 64]" "INT"; "" of a flag.
[[nodiscard]] std::string type_of(const CLI::Option& option);

}  // namespace c10k::usage
