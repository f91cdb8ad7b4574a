#include "c10k/manage.hpp"

#include "loop/backends.hpp"
#include "loop/loop.hpp"
#include "manage/commands.hpp"
#include "manage/control.hpp"
#include "manage/fallback_site.hpp"
#include "manage/file_limit.hpp"
#include "manage/project.hpp"
#include "manage/serve_supervisor.hpp"
#include "manage/supervisor.hpp"
#include "task/run.hpp"
#include "usage/completion.hpp"
#include "usage/man_page.hpp"
#include "usage/mistake.hpp"
#include "web/checks.hpp"
#include "web/listening.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace c10k {
namespace {

constexpr const char* kVersion = "manage (c10k) " C10K_VERSION;
constexpr const char* kBackends = "auto|epoll|io_uring";

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kInterrupted = 130;  // as shells say it of SIGINT

// The address that a user gives a command, "8000", "127.0.0.1:8000", "[::1]:8000" or "unix:/run/site.sock".
struct ListeningAddress {
    std::string host;  // "" if it says none
    std::string port;

    // Throws CommandError.
    static ListeningAddress parse(const std::string& text);
};

ListeningAddress ListeningAddress::parse(const std::string& text) {
    const auto refuse = [&text](const std::string& why, const std::string& spelling) {
        throw CommandError("the address '" + text + "' " + why + ": write " + spelling);
    };
    const Settings defaults;
    if (text.starts_with("unix:")) {
        return {text, std::to_string(defaults.port)};
    }
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) {
        return {"", text};
    }
    if (const std::size_t mark = text.find("://"); mark != std::string::npos) {
        const std::string rest = text.substr(mark + 3);
        refuse("is a URL", rest.substr(0, rest.find('/')));
    }
    if (text.starts_with('/') || text.starts_with("./")) {
        refuse("is a path", "unix:" + text);
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || text.ends_with(']')) {
        refuse("has no port", (text.empty() ? defaults.host : text) + ':' + std::to_string(defaults.port));
    }
    const std::string host = text.substr(0, colon);
    if (host.empty()) {
        refuse("has no host", "*" + text + " for all that this machine has, or " + defaults.host + text);
    }
    if (host.find(':') != std::string::npos && !host.starts_with('[')) {
        refuse("leaves open where its port begins",
               '[' + text + "]:" + std::to_string(defaults.port) + ", or [" + host + "]:" + text.substr(colon + 1));
    }
    return {host, text.substr(colon + 1)};
}

// Settings as the options of a command: they go before the environment and the file.
class SettingOptions {
public:
    void add_to(CLI::App& command) {
        command
            .add_option("--settings", file_,
                        "A file of settings, one `name = value` a line; without it c10k.conf, if there is one")
            ->type_name("FILE");
        command
            .add_option("--set", assignments_,
                        "Sets one setting: --set ping_interval=10s (manage check --all lists them)")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
    }

    void add_address_to(CLI::App& command, const std::string& help) {
        command.add_option("address", address_, help)->type_name("ADDRESS");
    }

    void set(std::string name, std::string value) { flags_.emplace_back(std::move(name), std::move(value)); }

    [[nodiscard]] SettingsReader read() const {
        SettingsReader reader;
        if (file_) {
            if (file_->empty()) {
                throw CommandError("--settings: the name of the file is empty");
            }
            reader.read_file(*file_);
        } else if (std::filesystem::exists(SettingsReader::kDefaultFile)) {
            reader.read_file(SettingsReader::kDefaultFile);
        }
        reader.read_environment(environ);
        for (const std::string& assignment : assignments_) {
            reader.apply_assignment(assignment);
        }
        for (const auto& [name, value] : flags_) {
            reader.apply_flag(name, value);
        }
        if (address_) {
            const ListeningAddress address = ListeningAddress::parse(*address_);
            if (!address.host.empty()) {
                reader.apply("host", address.host, "the address " + *address_);
            }
            reader.apply("port", address.port, "the address " + *address_);
        }
        return reader;
    }

private:
    std::optional<std::string> file_;
    std::optional<std::string> address_;
    std::vector<std::string> assignments_;
    std::vector<std::pair<std::string, std::string>> flags_;
};

struct Reloading {
    bool is_off = false;
    ReloadOptions options;
};

// What the commands that serve have in common.
void add_serving(CLI::App* command, SettingOptions& settings) {
    settings.add_address_to(*command,
                            "[HOST:]PORT to listen on, 127.0.0.1:8000 by default; *:PORT is everything, localhost:PORT "
                            "IPv4 and IPv6, port 0 any that is free; or unix:PATH");
    command
        ->add_option_function<std::string>(
            "--workers", [&](const std::string& count) { settings.set("workers", count); },
            "How many loops serve, one a thread; 1 by default")
        ->type_name("NUMBER")
        ->check(CLI::Range(1, 64));
    command
        ->add_option_function<std::string>(
            "--backend", [&](const std::string& name) { settings.set("backend", name); },
            "How a loop talks to the kernel; auto takes io_uring where the kernel allows it")
        ->type_name(kBackends);
    command
        ->add_option_function<std::string>(
            "-v,--verbosity", [&](const std::string& level) { settings.set("verbosity", level); },
            "0: failures only, 1: also requests, and WebSockets up to 20 a second one by one, 2: each WebSocket")
        ->type_name("0|1|2");
    settings.add_to(*command);
}

void add_runserver(CLI::App& app, SettingOptions& settings, Reloading& reload, std::function<void()> run) {
    CLI::App* command = app.add_subcommand("runserver", "Serve the site until CONTROL-C, anew when its sources change");
    command->footer("Try: manage runserver, then open http://127.0.0.1:8000/ and change a template or a view");
    add_serving(command, settings);
    command->add_flag("--noreload", reload.is_off, "Do not build and start anew when the sources change");
    command->add_flag_function(
        "--poll", [&](std::int64_t) { reload.options.watching = ReloadOptions::Watching::kPolling; },
        "Look at the files twice a second, where the file system does not tell of changes (a network's)");
    command->add_flag_function(
        "--why", [&](std::int64_t) { reload.options.telling = ReloadOptions::Telling::kAlsoWhy; },
        "Name the files whose changes lead to something");
    command->add_flag_function(
        "--debug", [&](std::int64_t) { settings.set("debug", "true"); }, "Pages that explain errors; never in public");
    command->final_callback(std::move(run));
}

void add_serve(CLI::App& app, SettingOptions& settings, std::function<void()> run) {
    CLI::App* command = app.add_subcommand("serve", "Serve the site in production, and anew when it is told to");
    command->footer(
        "`manage restart`, or SIGHUP, starts the program that is installed by then, with its settings, on the same "
        "sockets; only when it serves is the old one told to end. Nobody is refused, and WebSockets are closed with "
        "1012. "
        "SIGTERM ends it: WebSockets are closed with 1001.");
    add_serving(command, settings);
    command->final_callback(std::move(run));
}

void add_restart(CLI::App& app, SettingOptions& settings, std::function<void()> run) {
    CLI::App* command =
        app.add_subcommand("restart", "Have `manage serve` start its program anew, and wait until it serves");
    settings.add_address_to(*command, "The address that `manage serve` was given, 127.0.0.1:8000 by default");
    settings.add_to(*command);
    command->final_callback(std::move(run));
}

void restart(const Settings& settings) {
    if (const std::optional<std::string> problem = ask_for_restart(listening_addresses(settings))) {
        throw CommandError(*problem);
    }
    std::puts("The new program serves, and the old one lets its connections end.");
}

// What starts `program` so that it serves, with the arguments of this one.
std::vector<std::string> serving_command(const std::filesystem::path& program, int argc, char** argv) {
    std::vector<std::string> command{program, "runserver"};
    command.insert(command.end(), argv + 2, argv + argc);
    command.emplace_back("--noreload");
    return command;
}

void add_certificate(CLI::App& app, CertificateOptions& options, std::function<void()> run) {
    constexpr int kMaxDays = 3650;
    CLI::App* command =
        app.add_subcommand("certificate", "Make a certificate to develop with, for https:// and wss://");
    command->add_option("names", options.names, "Hosts and IP addresses besides localhost, 127.0.0.1 and ::1");
    command->add_option("--folder", options.folder, "Where its files go")->type_name("FOLDER")->capture_default_str();
    command->add_option("--days", options.days, "How long it is good")
        ->check(CLI::Range(1, kMaxDays))
        ->capture_default_str();
    command->add_flag_function(
        "--force", [&](std::int64_t) { options.replacing = Replacing::kYes; }, "Replace the files that are there");
    command->final_callback(std::move(run));
}

// ---- How the program tells of itself

constexpr const char* kRestOfManPage = R"(.SH FILES
.TP
.I c10k.conf
Settings, one \fIname\fR = \fIvalue\fR a line, read from the folder that the program is started in. Lines that begin with
# are comments.
.SH ENVIRONMENT
.TP
.BI C10K_ NAME
The setting of that name, in capitals. It goes before c10k.conf; options go before both.
.SH EXIT STATUS
0 if all went well, 1 if the command failed, 2 if the arguments are wrong, 130 if a command was interrupted before its end.
)";

usage::Program describe(const CLI::App& app) {
    usage::Program program{app, kVersion, {}, kRestOfManPage};
    for (const SettingInForce& setting : SettingsReader{}.describe()) {
        const std::string unit = setting.unit.empty() ? "" : " (" + std::string{setting.unit} + ')';
        program.settings.push_back(
            {std::string{setting.name}, setting.default_value + unit, std::string{setting.reason}});
    }
    return program;
}

// manage, and what this program is called itself.
std::vector<std::string> names_of_this_program(const CLI::App& app, const char* called) {
    std::vector<std::string> names{app.get_name()};
    if (const std::string own = std::filesystem::path{called}.filename().string(); own != names.front()) {
        names.push_back(own);
    }
    return names;
}

// Runs it, and turns what it throws into a line and an exit status.
int report_errors(const std::function<void()>& run) {
    try {
        run();
        return 0;
    } catch (const Stopped&) {
        return kInterrupted;
    } catch (const std::exception& error) {
        std::fflush(stdout);
        print_error(error);
        return kFailed;
    }
}

}  // namespace

std::size_t connection_limit() { return Loop::current().backend().capacity(); }

int manage(int argc, char** argv, SiteFactory site, std::initializer_list<Command*> commands) {
    raise_file_limit();
    CLI::App app{"Runs the site and what belongs to it. `manage COMMAND --help` tells more about each.", "manage"};
    app.require_subcommand(1);
    app.set_version_flag("--version", kVersion, "Print the version");
    app.set_help_all_flag("--help-all", "Help of all commands");

    SettingOptions settings;
    std::function<void()> chosen;
    Reloading reload;
    add_runserver(app, settings, reload, [&] {
        chosen = [&] {
            const Settings in_force = settings.read().settings();
            const std::optional<Project> project = Project::of_this_program();
            if (is_stand_in()) {
                runserver(fallback_site(), in_force);
            } else if (reload.is_off) {
                runserver(site, in_force);
            } else if (project) {
                supervise(*project, in_force, reload.options, serving_command(project->program, argc, argv));
            } else {
                std::puts("This program lies in no build folder of CMake: it is not watched for changes (--noreload).");
                runserver(site, in_force);
            }
        };
    });

    add_serve(app, settings, [&] {
        chosen = [&] {
            const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
            run_master(settings.read().settings(), serving_command(program, argc, argv));
        };
    });
    add_restart(app, settings, [&] { chosen = [&] { restart(settings.read().settings()); }; });

    CLI::App* urls = app.add_subcommand("urls", "List the routes");
    settings.add_to(*urls);
    urls->final_callback([&] { chosen = [&] { list_urls(site, settings.read().settings()); }; });

    CLI::App* checks =
        app.add_subcommand("check", "Check the settings, the site and the machine: what is wrong, and what fits");
    Format format = Format::kText;
    checks->add_flag_function(
        "--all", [&](std::int64_t) { format = Format::kAllText; },
        "Also list each setting with its value, where that is from and why it is so, and each limit of the machine");
    checks->add_flag_function(
        "--json", [&](std::int64_t) { format = Format::kJson; }, "All of that in one JSON object, for programs");
    settings.add_to(*checks);
    checks->final_callback([&] { chosen = [&] { check(site, settings.read(), format); }; });

    CertificateOptions certificate;
    add_certificate(app, certificate, [&] { chosen = [&] { make_certificate(certificate); }; });

    std::string backend = "auto";
    for (Command* command : commands) {
        const std::string_view help = command->help();
        CLI::App* added =
            app.add_subcommand(std::string{command->name()}, std::string{help.substr(0, help.find('\n'))});
        if (const std::size_t more = help.find('\n'); more != std::string_view::npos) {
            added->footer(std::string{help.substr(more + 1)});
        }
        command->add_options(*added);
        added->add_option("--backend", backend, "How its loops talk to the kernel")
            ->type_name(kBackends)
            ->capture_default_str();
        added->final_callback([&chosen, &backend, command] {
            chosen = [&backend, command] {
                Loop loop{make_backend(parse_backend(backend))};
                run(loop, command->run());
            };
        });
    }

    std::string shell;
    CLI::App* completion = app.add_subcommand("completion", "Print a script that completes all this in a shell");
    completion->add_option("shell", shell, "Which shell: bash")->type_name("bash")->required();
    completion->footer("Try: source <(manage completion bash)");
    completion->final_callback([&] {
        chosen = [&] {
            usage::require_known(shell);
            std::fputs(usage::bash_completion(describe(app), names_of_this_program(app, argv[0])).c_str(), stdout);
        };
    });
    CLI::App* man = app.add_subcommand("man", "Print all this as a man page");
    man->footer("Try: manage man | man -l -");
    man->final_callback([&] { chosen = [&] { std::fputs(usage::man_page(describe(app)).c_str(), stdout); }; });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            return app.exit(error);
        }
        std::fprintf(stderr, "%s\n", usage::explain_mistake(describe(app), error, argc, argv).c_str());
        return kBadUsage;
    }
    return report_errors(chosen);
}

}  // namespace c10k
