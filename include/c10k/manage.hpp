#pragma once

#include "c10k/app_setting.hpp"
#include "c10k/command_options.hpp"
#include "c10k/server.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace c10k {

// The reason why a command fails, in one line for the user. manage() prints it without a trace and returns status() as
// the exit status of the program.
//
//     throw CommandError("the slowest reply took 120 ms, more than --limit 100ms", 99);
class CommandError : public std::runtime_error {
public:
    // Requires: `status` is from 1 to 255, which a shell tells from success. Throws std::logic_error otherwise.
    explicit CommandError(const std::string& reason, int status = 1);

    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

// A command of manage: `manage NAME [options]`.
class Command {
public:
    virtual ~Command() = default;

    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    // Describes the command for --help: a line, then perhaps more.
    [[nodiscard]] virtual std::string_view help() const noexcept = 0;
    // Declares the options that it takes, if it takes any. They store what the user gives in this object.
    virtual void declare_options(CommandOptions& options);
    // Deprecated: declare_options() does the same without CLI11. A command that overrides this one still has its
    // options.
    [[deprecated("override declare_options(), which needs no CLI11")]] virtual void add_options(CLI::App& options);
    // Runs on a loop of its own; SIGINT and SIGTERM stop it. Throws CommandError.
    virtual Task<> run() = 0;
};

// How many connections the loop of this thread can hold, as the limits of the process are: with epoll that is the limit
// of open files, with io_uring many times as much.
[[nodiscard]] std::size_t connection_limit();

// Runs the command that the arguments name: runserver, serve, restart, urls, check, certificate, top, completion,
// man, or one of `commands`. Returns the exit status: 0; 1 or the status of its CommandError if it failed, which one
// line on standard error explains; 2 if the arguments are wrong; 130 if a command was interrupted before its end.
int manage(int argc, char** argv, SiteFactory site, std::initializer_list<Command*> commands,
           AppSettings settings = {});

namespace internal {

template <typename Site>
concept NeedsASiteForItsSettings = std::is_member_function_pointer_v<decltype(&Site::settings)>;

}  // namespace internal

// The settings that a Site declares for its apps.
template <typename Site>
[[nodiscard]] AppSettings settings_of() {
    if constexpr (requires { AppSettings{Site::settings()}; }) {
        return Site::settings();
    } else {
        static_assert(!internal::NeedsASiteForItsSettings<Site>,
                      "settings() of a Site is static, and returns AppSettings");
        return {};
    }
}

// A Site is built once per loop: `explicit Site(Services&)`, and `Urls urls()`. If its apps have settings of their own,
// it also has a `static AppSettings settings()`.
template <typename Site>
int manage(int argc, char** argv, std::initializer_list<Command*> commands = {}) {
    return manage(argc, argv, site_factory<Site>(), commands, settings_of<Site>());
}

}  // namespace c10k
