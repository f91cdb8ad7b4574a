#pragma once

#include "c10k/server.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"

#include <initializer_list>
#include <stdexcept>
#include <string_view>

namespace CLI {
class App;
}

namespace c10k {

// What a command cannot do, in one line for the user: printed without a trace, and the program exits with 1.
class CommandError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A command of manage: `manage NAME [options]`.
class Command {
public:
    virtual ~Command() = default;

    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    // What it does, for --help: a line, then perhaps more.
    [[nodiscard]] virtual std::string_view help() const noexcept = 0;
    // Declares options that are stored in this object (CLI11).
    virtual void add_options(CLI::App& options) = 0;
    // Runs on a loop of its own; SIGINT and SIGTERM stop it. Throws CommandError.
    virtual Task<> run() = 0;
};

// How many connections the loop of this thread can hold, as the limits of the process are: with epoll that is the limit
// of open files, with io_uring many times as much.
[[nodiscard]] std::size_t connection_limit();

// Runs the command that the arguments name: runserver, serve, restart, urls, check, certificate, completion, man, or
// one of `commands`. The types of their options are shown, and completed in a shell, as CLI11's type_name() has them:
// FILE, FOLDER, or the words themselves, "fast|slow". Returns the exit status: 0; 1 if it failed, which one line on
// standard error explains; 2 if the arguments are wrong; 130 if a command was interrupted before its end.
int manage(int argc, char** argv, SiteFactory site, std::initializer_list<Command*> commands);

// A Site is built once per loop: `explicit Site(Services&)`, and `Urls urls()`.
template <typename Site>
int manage(int argc, char** argv, std::initializer_list<Command*> commands = {}) {
    return manage(argc, argv, site_factory<Site>(), commands);
}

}  // namespace c10k
