#include "c10k/manage.hpp"

#include "c10k/internal/require.hpp"
#include "loop/backends.hpp"
#include "loop/loop.hpp"
#include "manage/commands.hpp"
#include "manage/control.hpp"
#include "manage/fallback_site.hpp"
#include "manage/file_limit.hpp"
#include "manage/load.hpp"
#include "manage/project.hpp"
#include "manage/replay.hpp"
#include "manage/runserver_supervisor.hpp"
#include "manage/serve_supervisor.hpp"
#include "manage/setting_options.hpp"
#include "manage/top.hpp"
#include "task/run.hpp"
#include "usage/completion.hpp"
#include "usage/man_page.hpp"
#include "usage/mistake.hpp"
#include "web/checks.hpp"
#include "web/listening.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {
namespace {

constexpr const char* kVersion = "manage (c10k) " C10K_VERSION;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kInterrupted = 130;  // as shells say it of SIGINT

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
0 if all went well, 1 if the command failed (or the status that its help names), 2 if the arguments are wrong, 130 if a
command was interrupted before its end.
)";

// Runs it, and turns what it throws into a line and an exit status.
int report_errors(const std::function<void()>& run) {
    try {
        run();
        return 0;
    } catch (const Stopped&) {
        return kInterrupted;
    } catch (const CommandError& error) {
        std::fflush(stdout);
        print_error(error);
        return error.status();
    } catch (const std::exception& error) {
        std::fflush(stdout);
        print_error(error);
        return kFailed;
    }
}

// The commands of a program with their options, and the one that the arguments choose.
// "auto|epoll|io_uring"
std::string backend_names() {
    std::string names;
    for (const NamedBackend& one : kBackends) {
        names += (names.empty() ? "" : "|") + std::string{one.name};
    }
    return names;
}

class CommandLine {
public:
    CommandLine(int argc, char** argv, SiteFactory site, AppSettings settings)
        : argc_(argc), argv_(argv), site_(std::move(site)), settings_(std::move(settings)) {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", kVersion, "Print the version");
        app_.set_help_all_flag("--help-all", "Help of all commands");
        add_runserver();
        add_serve();
        add_restart();
        add_urls();
        add_check();
        add_certificate();
        add(load_);
        add(replay_);
        add_top();
    }

    // A command of the user's.
    void add(Command& command) {
        const std::string_view help = command.help();
        const std::size_t first_line = std::min(help.find('\n'), help.size());
        CLI::App* added = add_command(std::string{command.name()}, std::string{help.substr(0, first_line)},
                                      [this, &command] { run_command(command); });
        added->footer(std::string{help.substr(std::min(first_line + 1, help.size()))});
        CommandOptions options{*added};
        command.declare_options(options);
        declare_with_cli11(command, *added);
        added->add_option("--backend", backend_, "How its loops talk to the kernel")
            ->type_name(backend_names())
            ->capture_default_str();
    }

    // Runs what the arguments choose, and returns the exit status.
    int run() {
        add_completion();
        add_man();
        try {
            app_.parse(argc_, argv_);
        } catch (const CLI::ParseError& error) {
            if (error.get_exit_code() == 0) {
                return app_.exit(error);
            }
            std::fprintf(stderr, "%s\n", usage::explain_mistake(describe(), error, argc_, argv_).c_str());
            return kBadUsage;
        }
        return report_errors(chosen_);
    }

private:
    CLI::App* add_command(const std::string& name, const std::string& help, std::function<void()> action) {
        CLI::App* command = app_.add_subcommand(name, help);
        command->final_callback([this, action = std::move(action)] { chosen_ = action; });
        return command;
    }

    // ---- Serving

    // The options of the commands that serve.
    void add_serving_options(CLI::App& command) {
        settings_.add_address_to(
            command,
            "[HOST:]PORT to listen on, 127.0.0.1:8000 by default; *:PORT is everything, localhost:PORT IPv4 and IPv6, "
            "port 0 any that is free; or unix:PATH");
        settings_.add_setting(command, "--workers", "workers", "Number of loops, each on a thread; 1 by default")
            ->type_name("NUMBER")
            ->check(CLI::Range(1, 64));
        settings_
            .add_setting(command, "--backend", "backend",
                         "How a loop talks to the kernel; auto takes io_uring where the kernel allows it")
            ->type_name(backend_names());
        settings_
            .add_setting(command, "-v,--verbosity", "verbosity",
                         "0: log failures only; 1: also requests, and up to 20 WebSockets per second one by one; 2: "
                         "each WebSocket")
            ->type_name("0|1|2");
        settings_
            .add_setting(command, "--record", "record",
                         "Keep all messages of its WebSockets in a file of this folder, for manage replay")
            ->type_name("FOLDER");
        settings_.add_to(command);
    }

    void add_runserver() {
        CLI::App* command = add_command("runserver", "Serve the site until CONTROL-C; restart when its sources change",
                                        [this] { run_runserver(); });
        command->footer("Try: manage runserver, then open http://127.0.0.1:8000/ and change a template or a view");
        add_serving_options(*command);
        command->add_flag("--noreload", is_reload_off_, "Do not build and restart when the sources change");
        command->add_flag_function(
            "--poll", [this](std::int64_t) { reload_.watching = ReloadOptions::Watching::kPolling; },
            "Look at the files twice a second, for file systems that report no changes (networks)");
        command->add_flag_function(
            "--why", [this](std::int64_t) { reload_.telling = ReloadOptions::Telling::kAlsoWhy; },
            "Name the files whose changes lead to something");
        command->add_flag_function(
            "--debug", [this](std::int64_t) { settings_.set("debug", "true"); },
            "Show pages that explain errors; never in public");
    }

    void run_runserver() const {
        const Settings settings = settings_.read().settings();
        const std::optional<Project> project = Project::of_this_program();
        if (is_fallback()) {
            runserver(fallback_site(), settings);
        } else if (is_reload_off_) {
            runserver(site_, settings);
        } else if (project) {
            run_runserver_supervisor(*project, settings, reload_, serving_command(project->program));
        } else {
            std::puts("This program lies in no build folder of CMake: it is not watched for changes (--noreload).");
            runserver(site_, settings);
        }
    }

    void add_serve() {
        CLI::App* command = add_command("serve", "Serve the site in production; restart on request", [this] {
            const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
            run_serve_supervisor(settings_.read().settings(), serving_command(program));
        });
        command->footer(
            "`manage restart`, or SIGHUP, starts the program that is installed by then, with its settings, on the same "
            "sockets; only when it serves is the old one told to end. Nobody is refused, and WebSockets are closed "
            "with 1012. SIGTERM ends it: WebSockets are closed with 1001.");
        add_serving_options(*command);
    }

    // The command that starts `program` with the arguments of this one, so that it serves.
    [[nodiscard]] std::vector<std::string> serving_command(const std::filesystem::path& program) const {
        std::vector<std::string> command{program, "runserver"};
        command.insert(command.end(), argv_ + 2, argv_ + argc_);
        command.emplace_back("--noreload");
        return command;
    }

    void add_restart() {
        CLI::App* command =
            add_command("restart", "Make `manage serve` start a new program, and wait until it serves", [this] {
                if (const auto problem = ask_for_restart(listening_addresses(settings_.read().settings()))) {
                    throw CommandError(*problem);
                }
                std::puts("The new program serves, and the old one lets its connections end.");
            });
        settings_.add_address_to(*command, "The address that `manage serve` was given, 127.0.0.1:8000 by default");
        settings_.add_to(*command);
    }

    // ---- Looking at the site

    void add_urls() {
        settings_.add_to(
            *add_command("urls", "List the routes", [this] { list_urls(site_, settings_.read().settings()); }));
    }

    void add_check() {
        CLI::App* command =
            add_command("check", "Check the settings, the site and the machine: faults, and how many connections fit",
                        [this] { check(site_, settings_.read(), format_); });
        command->add_flag_function(
            "--all", [this](std::int64_t) { format_ = Format::kAllText; },
            "Also list each setting with its value, its origin and its reason, and each limit of the "
            "machine");
        command->add_flag_function(
            "--json", [this](std::int64_t) { format_ = Format::kJson; },
            "All of that in one JSON object, for programs");
        settings_.add_to(*command);
    }

    void add_certificate() {
        constexpr int kMaxDays = 3650;
        CLI::App* command = add_command("certificate", "Make a certificate for development, for https:// and wss://",
                                        [this] { make_certificate(certificate_); });
        command->add_option("names", certificate_.names, "Hosts and IP addresses besides localhost, 127.0.0.1 and ::1");
        command->add_option("--folder", certificate_.folder, "The folder for its files")
            ->type_name("FOLDER")
            ->capture_default_str();
        command->add_option("--days", certificate_.days, "How many days it is valid")
            ->check(CLI::Range(1, kMaxDays))
            ->capture_default_str();
        command->add_flag_function(
            "--force", [this](std::int64_t) { certificate_.replacing = Replacing::kYes; }, "Replace existing files");
    }

    void add_top() {
        CLI::App* command = add_command("top", "Show what a running server does, in this terminal", [this] {
            const Settings settings = settings_.read().settings();
            Loop loop{make_backend(BackendChoice::kAuto)};
            c10k::run(loop, run_top(top_, settings));
        });
        command->add_option("--url", top_.url, "The address of the dashboard, as the server prints it at its start")
            ->type_name("URL");
        command
            ->add_option("--token", top_.token,
                         "Its token, if the address has none; everybody on this machine can read it here")
            ->type_name("TOKEN");
        command->add_option("--ca", top_.ca, "For https://: a file with the certificate of the authority to trust")
            ->type_name("FILE");
        command->add_flag("--once", top_.is_once, "Print one line, and end");
        command->add_flag("--json", top_.is_json, "Print the figures as JSON, an object a line");
        command->footer("Try: manage top --url 'http://127.0.0.1:40123/_live/#token=...'");
        settings_.add_to(*command);
    }

    // ---- The user's commands

    // Programs that declare their options with CLI11 still compile.
    static void declare_with_cli11(Command& command, CLI::App& options) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        command.add_options(options);
#pragma GCC diagnostic pop
    }

    void run_command(Command& command) const {
        Loop loop{make_backend(parse_backend(backend_))};
        c10k::run(loop, command.run());
    }

    // ---- How the program tells of itself

    void add_completion() {
        CLI::App* command =
            add_command("completion", "Print a script that completes these commands in a shell", [this] {
                usage::require_known(shell_);
                std::fputs(usage::bash_completion(describe(), names_of_this_program()).c_str(), stdout);
            });
        command->add_option("shell", shell_, "The shell: bash")->type_name("bash")->required();
        command->footer("Try: source <(manage completion bash)");
    }

    void add_man() {
        add_command("man", "Print this help as a man page", [this] {
            std::fputs(usage::man_page(describe()).c_str(), stdout);
        })->footer("Try: manage man | man -l -");
    }

    [[nodiscard]] usage::Program describe() const {
        usage::Program program{app_, kVersion, {}, kRestOfManPage};
        for (const SettingInForce& setting : settings_.reader().describe()) {
            const std::string unit = setting.unit.empty() ? "" : " (" + std::string{setting.unit} + ')';
            const bool has_two = setting.default_in_debug != setting.default_value;
            const std::string in_debug = has_two ? ", with debug " + setting.default_in_debug : "";
            std::string defaults = setting.default_value;
            defaults.append(in_debug).append(unit);
            program.settings.push_back({std::string{setting.name}, defaults, std::string{setting.reason}});
        }
        return program;
    }

    // manage, and what this program is called itself.
    [[nodiscard]] std::vector<std::string> names_of_this_program() const {
        std::vector<std::string> names{app_.get_name()};
        if (const std::string own = std::filesystem::path{argv_[0]}.filename().string(); own != names.front()) {
            names.push_back(own);
        }
        return names;
    }

    int argc_;
    char** argv_;
    SiteFactory site_;
    CLI::App app_{"Runs the site and what belongs to it. `manage COMMAND --help` tells more about each.", "manage"};
    std::function<void()> chosen_;

    // The values that the options have stored.
    SettingOptions settings_;
    bool is_reload_off_ = false;
    ReloadOptions reload_;
    Format format_ = Format::kText;
    CertificateOptions certificate_;
    LoadCommand load_;
    ReplayCommand replay_;
    TopOptions top_;
    std::string backend_ = "auto";
    std::string shell_;
};

}  // namespace

CommandError::CommandError(const std::string& reason, int status) : std::runtime_error(reason), status_(status) {
    internal::require(status >= 1 && status <= 255, "CommandError(): the status is from 1 to 255");
}

void Command::declare_options(CommandOptions& /*options*/) {}
void Command::add_options(CLI::App& /*options*/) {}

std::size_t connection_limit() { return Loop::current().backend().capacity(); }

int manage(int argc, char** argv, SiteFactory site, std::initializer_list<Command*> commands, AppSettings settings) {
    raise_file_limit();
    CommandLine command_line{argc, argv, std::move(site), std::move(settings)};
    for (Command* command : commands) {
        command_line.add(*command);
    }
    return command_line.run();
}

}  // namespace c10k
