#include "manage/runserver_supervisor.hpp"

#include "base/file_state.hpp"
#include "live/dashboard.hpp"
#include "manage/build_explanation.hpp"
#include "manage/build_meter.hpp"
#include "manage/build_output.hpp"
#include "manage/build_record.hpp"
#include "manage/build_step.hpp"
#include "manage/change.hpp"
#include "manage/crash_explanation.hpp"
#include "manage/folder_tree.hpp"
#include "manage/handover.hpp"
#include "manage/memory_file.hpp"
#include "manage/process.hpp"
#include "manage/signals.hpp"
#include "manage/watcher.hpp"
#include "web/checks.hpp"
#include "web/crash_note.hpp"
#include "web/failure_explanation.hpp"
#include "web/reload.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kFallbackVariable = "C10K_STAND_IN";
// How long nothing must have changed: an editor writes a file in several steps, and a checkout writes many files.
constexpr milliseconds kQuietTime{30};
constexpr milliseconds kLookInterval{500};  // of a watcher that has to be asked
constexpr milliseconds kBuildEndTime{2'000};

// ---- What a build is for

enum class Purpose {
    kCheck,  // whether the program that there is at the start is that of the sources
    kBuild,
};

// The process of a build runs this.
int run_build(const Project& project, Purpose purpose, const std::set<fs::path>& changed) {
    try {
        return static_cast<int>(purpose == Purpose::kCheck ? check_build(project) : build(project, changed));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(BuildEnd::kFailed);
    }
}

enum class Role {
    kSite,      // the user's program
    kFallback,  // ours, while that one does not work
};

struct ServedProgram {
    std::uint64_t number;
    Role role;
};

void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

std::int64_t milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
}

std::string seconds_since(Clock::time_point begin) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>(Clock::now() - begin).count());
    return text.data();
}

// ---- The supervisor

class RunserverSupervisor {
public:
    RunserverSupervisor(const Project& project, const Settings& settings, const ReloadOptions& options,
                        std::vector<std::string> command)
        : project_(project), options_(options), command_(std::move(command)), signals_({SIGINT, SIGTERM, SIGCHLD}),
          programs_(settings, open_dashboard(settings, Development::kYes)),
          watcher_(options.watching == ReloadOptions::Watching::kPolling ? c10k::poll(project.source)
                                                                         : watch(project.source)) {}

    void run() {
        start(Role::kSite);
        begin(Purpose::kCheck);
        while (!failed_) {
            wait_for_news();
            for (const int number : signals_.take()) {
                if (number != SIGCHLD) {
                    stop();
                    return;
                }
            }
            look_for_changes();
            look_at_build();
            look_at_programs();
        }
        stop();
        throw std::runtime_error("The fallback site does not work either: see above.");
    }

private:
    void wait_for_news() const {
        std::vector<pollfd> awaited{{signals_.descriptor(), POLLIN, 0}, {watcher_->descriptor(), POLLIN, 0}};
        programs_.add_to(awaited);
        if (build_) {
            awaited.push_back({build_->output_descriptor(), POLLIN, 0});
        }
        milliseconds time{-1};
        if (watcher_->descriptor() < 0) {
            time = kLookInterval;
        }
        if (!changed_.empty()) {
            time = kQuietTime;
        }
        ::poll(awaited.data(), awaited.size(), static_cast<int>(time.count()));
    }

    // ---- From a changed file to a build or a reload

    void look_for_changes() {
        const std::vector<fs::path> news = watcher_->look();
        tell_limitation();
        for (const fs::path& file : news) {
            note_change(file);
            if (build_) {
                changed_during_build_.insert(file);
            }
        }
        if (!changed_.empty() && Clock::now() - last_change_ >= kQuietTime) {
            act_on({changed_.begin(), changed_.end()});
            changed_.clear();
        }
    }

    void note_change(const fs::path& file) {
        if (change_of(file, record_) != Change::kNone) {
            changed_.insert(file);
            last_change_ = Clock::now();
        }
    }

    // Only its record tells that a build reads a file whose name looks like no source, and the record of the build that
    // has just ended may be the first to name it.
    void load_record() {
        const BuildRecord before = std::exchange(record_, BuildRecord::load(project_.build));
        for (const fs::path& file : std::exchange(changed_during_build_, {})) {
            if (change_of(file, record_) != change_of(file, before)) {
                note_change(file);
            }
        }
    }

    void tell_limitation() {
        if (const std::string why = watcher_->limitation(); why != told_limitation_) {
            std::fprintf(stderr, "Changed files are looked for twice a second: %s.\n", why.c_str());
            told_limitation_ = why;
        }
    }

    void act_on(const std::vector<fs::path>& changed) {
        std::set<Change> changes;
        for (const fs::path& file : without_ignored(project_.source, changed)) {
            if (are_settings_in_force(file)) {
                continue;
            }
            changes.insert(change_of(file, record_));
            if (options_.telling == ReloadOptions::Telling::kAlsoWhy) {
                say("Changed: " + file.lexically_relative(project_.source).string());
            }
        }
        state_.styles += changes.count(Change::kStyle);
        state_.pages += changes.count(Change::kPage);
        state_.took_ms = milliseconds_since(last_change_);
        status_.write(state_);
        if (changes.contains(Change::kProgram)) {
            change_began_ = last_change_;
            unbuilt_.insert(changed.begin(), changed.end());
            start_build();
        } else if (changes.contains(Change::kSettings)) {
            change_began_ = last_change_;
            start_with_settings();
        }
    }

    // A watcher that has lost count names every file, too, that has not changed.
    [[nodiscard]] bool are_settings_in_force(const fs::path& file) const {
        return file == settings_file() && settings_ && FileState::of(file) == settings_;
    }
    [[nodiscard]] fs::path settings_file() const { return project_.source / SettingsReader::kDefaultFile; }

    // While a program is being linked there is none that could start.
    void start_with_settings() {
        if (build_) {
            must_start_ = true;
        } else {
            start(Role::kSite);
        }
    }

    // ---- Building

    void start_build() {
        if (build_) {
            must_build_again_ = true;
            return;
        }
        must_build_again_ = false;
        printed_ = {};
        say("Building...");
        begin(Purpose::kBuild);
        unbuilt_.clear();
        meter_.begin();
        tell_progress();
    }

    void tell_progress() {
        state_.building = meter_.now();
        status_.write(state_);
    }

    void begin(Purpose purpose) {
        purpose_ = purpose;
        build_.emplace(Start{.function = [this, purpose] { return run_build(project_, purpose, unbuilt_); },
                             .output = Start::Output::kCollected});
    }

    void look_at_build() {
        if (!build_) {
            return;
        }
        const std::string news = build_->read_output();
        printed_.add(news);
        if (meter_.add(news)) {
            tell_progress();
        }
        if (build_->output_descriptor() >= 0) {
            return;
        }
        build_->wait();
        const std::optional<int> status = build_->exit_status();
        build_.reset();
        meter_.end(status == static_cast<int>(BuildEnd::kUpToDate) ? BuildMeter::End::kSucceeded
                                                                   : BuildMeter::End::kFailed);
        state_.building.reset();
        load_record();
        if (must_build_again_) {
            start_build();
        } else if (purpose_ == Purpose::kCheck) {
            use_check(status == static_cast<int>(BuildEnd::kOutdated));
        } else if (status == static_cast<int>(BuildEnd::kUpToDate)) {
            problems_.reset();
            use_build();
        } else {
            const std::string printed = printed_.text();
            std::fprintf(stderr, "%s\nThe build failed; the program before it goes on.\n", printed.c_str());
            problems_ = explain_build(printed, project_.source);
            if (serving_.role == Role::kSite) {
                problems_->lead += " The last good build goes on serving; clients notice nothing.";
            }
            explain(*problems_);
            if (must_start_) {
                start(Role::kSite);
            }
        }
    }

    void use_check(bool is_outdated) {
        if (is_outdated) {
            change_began_ = Clock::now();
            start_build();
        } else if (must_start_) {
            start(Role::kSite);
        }
    }

    void use_build() {
        const bool is_new = version() != started_version_;
        if (is_new || must_start_ || programs_.serving() == nullptr || serving_.role == Role::kFallback) {
            start(Role::kSite);
        } else {
            say("Nothing has changed in the program.");
            explain({});
        }
    }

    // ---- Programs

    // The state of the last program built. Empty if it could not be linked.
    [[nodiscard]] fs::file_time_type version() const {
        std::error_code error;
        const fs::file_time_type time = fs::last_write_time(project_.program, error);
        return error ? fs::file_time_type::min() : time;
    }

    void start(Role role) {
        starting_ = {++last_number_, role};
        Start start{.command = command_};
        start.descriptors = {status_.descriptor(), crash_.descriptor()};
        crash_.clear();
        start.environment = {
            {Reload::kStatusVariable, std::to_string(programs_.descriptor_number(0))},
            {Reload::kProgramVariable, std::to_string(starting_.number)},
            {kSourceVariable, project_.source.string()},
            {kCrashVariable, std::to_string(programs_.descriptor_number(1))},
        };
        if (role == Role::kFallback) {
            start.command.front() =
                "/proc/self/exe";  // this very program: the newest one may be the one that is broken
            start.environment[kFallbackVariable] = "1";
        } else {
            started_version_ = version();
            settings_ = FileState::of(settings_file());
            if (settings_ && !settings_->is_settled()) {
                settings_.reset();  // the program may read what is written next
            }
            must_start_ = false;
        }
        programs_.start(std::move(start));
    }

    void look_at_programs() {
        for (;;) {
            switch (programs_.look()) {
                case Handover::News::kNone: return;
                case Handover::News::kServes: take_over(); break;
                case Handover::News::kNotStarted: give_up_start(); break;
                case Handover::News::kEnded: on_program_died(); break;
            }
        }
    }

    void on_program_died() {
        const std::string& how = programs_.how_it_ended();
        failed_ = serving_.role == Role::kFallback;
        std::fprintf(stderr, "The program has ended: %s. The next one that can be built takes its place.\n",
                     how.c_str());
        explain(explain_end(how));
        const std::optional<CrashNote> note = read_crash_note(crash_.descriptor());
        if (!programs_.is_starting()) {
            start(Role::kFallback);
        }
        if (note && version() == started_version_) {  // nobody waits while addr2line reads the program
            add_crash(state_.explanation, *note, project_.program, project_.source);
            status_.write(state_);
        }
    }

    [[nodiscard]] Explanation explain_end(const std::string& how) const {
        return {.heading = programs_.was_killed() ? "The program crashed" : "The program ended",
                .lead = "It had served for " + seconds_since(served_since_) + ": " + how +
                        ". The port stays open, and a page like this answers meanwhile.",
                .problems = {{.text = "Its last words are in the terminal."}},
                .foot = "The next good build takes its place."};
    }

    void give_up_start() {
        const std::string& how = programs_.how_it_ended();
        failed_ = starting_.role == Role::kFallback;
        std::fprintf(stderr, "The new program did not start: %s.\n", how.c_str());
        explain({.heading = "The new program did not start",
                 .lead = "It ended by itself: " + how + '.',
                 .problems = {{.text = "Its reason is in the terminal."}},
                 .foot = "The next good build takes its place."});
        if (programs_.serving() == nullptr && !failed_) {
            start(Role::kFallback);
        }
    }

    void take_over() {
        const bool is_first = serving_.number == 0;
        serving_ = starting_;
        served_since_ = Clock::now();
        if (serving_.role == Role::kSite) {  // for the fallback no page loads again: what was typed into it stays
            state_.program = serving_.number;
            state_.explanation = problems_.value_or(Explanation{});  // it serves, but it is not what the files say
            if (!is_first) {
                state_.took_ms = milliseconds_since(change_began_);
                say("Reloaded, " + seconds_since(change_began_) + " after the change.");
            }
        }
        status_.write(state_);
    }

    void explain(Explanation explanation) {
        state_.explanation = std::move(explanation);
        status_.write(state_);
    }

    // ---- The end

    void stop() {
        if (build_) {
            build_->end(kBuildEndTime);  // a compiler that is killed leaves half a file
            build_.reset();
        }
        programs_.stop(signals_);
    }

    Project project_;
    ReloadOptions options_;
    std::vector<std::string> command_;
    Signals signals_;
    Handover programs_;
    ReloadStatus status_;
    ReloadState state_;
    MemoryFile crash_;  // for the note of a program
    std::unique_ptr<Watcher> watcher_;
    std::string told_limitation_;

    std::set<fs::path> changed_;  // and not acted on
    std::set<fs::path> unbuilt_;  // since the last build began
    std::set<fs::path> changed_during_build_;
    Clock::time_point last_change_;
    Clock::time_point change_began_;

    std::optional<Process> build_;
    Purpose purpose_ = Purpose::kCheck;
    bool must_build_again_ = false;        // something changed after it began
    bool must_start_ = false;              // the settings have changed since
    std::optional<Explanation> problems_;  // of the last one, if it failed
    BuildMeter meter_;
    BuildRecord record_;   // of what is built
    BuildOutput printed_;  // by the build

    std::uint64_t last_number_ = 0;
    fs::file_time_type started_version_;
    std::optional<FileState> settings_;      // their file when the last program was started, if that is sure
    ServedProgram serving_{0, Role::kSite};  // the last that did
    Clock::time_point served_since_;
    ServedProgram starting_{0, Role::kSite};
    bool failed_ = false;  // even the fallback does not work
};

}  // namespace

void run_runserver_supervisor(const Project& project, const Settings& settings, const ReloadOptions& options,
                              std::vector<std::string> command) {
    require_no_error(check_settings(settings));
    std::signal(SIGPIPE, SIG_IGN);  // whoever reads our output may go away
    RunserverSupervisor{project, settings, options, std::move(command)}.run();
}

bool is_fallback() { return std::getenv(kFallbackVariable) != nullptr; }

}  // namespace c10k
