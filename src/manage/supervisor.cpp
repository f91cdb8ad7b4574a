#include "manage/supervisor.hpp"

#include "base/address.hpp"
#include "loop/sockets.hpp"
#include "manage/diagnostics.hpp"
#include "manage/process.hpp"
#include "manage/watcher.hpp"
#include "web/checks.hpp"
#include "web/reload.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
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
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kStandInVariable = "C10K_STAND_IN";
// An editor writes a file in several steps, and a checkout writes many: how long nothing must have changed.
constexpr milliseconds kQuietTime{30};
constexpr milliseconds kLookInterval{500};  // of a watcher that has to be asked

// ---- What a changed file means

enum class Change { kNone, kStyle, kPage, kSettings, kProgram };

Change meaning_of(const fs::path& file) {
    static const std::set<std::string> kProgramSuffixes{".c",   ".cc",  ".cpp", ".cxx", ".h",    ".hh",
                                                        ".hpp", ".hxx", ".inl", ".ipp", ".cmake"};
    const std::string suffix = file.extension().string();
    if (kProgramSuffixes.contains(suffix) || file.filename() == "CMakeLists.txt") {
        return Change::kProgram;
    }
    if (file.filename() == SettingsReader::kDefaultFile) {
        return Change::kSettings;
    }
    const auto lies_in = [&file](std::string_view folder) {
        return std::any_of(file.begin(), file.end(), [folder](const fs::path& part) { return part == folder; });
    };
    if (suffix == ".css") {
        return Change::kStyle;
    }
    // Not an editor's notes beside the file: ".page.html.swp", "page.html~", "4913".
    const bool is_real = !file.filename().string().starts_with('.') && !suffix.empty() && !suffix.ends_with('~');
    return is_real && (lies_in("templates") || lies_in("static")) ? Change::kPage : Change::kNone;
}

// ---- Programs that serve

// Hears READY=1 of one program (sd_notify(3)).
class ReadySocket {
public:
    ReadySocket() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // Without a name: the kernel chooses an abstract one.
        if (socket_ < 0 || ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)) < 0) {
            throw_errno("notify socket");
        }
        socklen_t size = sizeof address;
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        const std::size_t length = size - offsetof(sockaddr_un, sun_path);
        name_ = '@' + std::string{address.sun_path + 1, length - 1};
    }
    ~ReadySocket() { ::close(socket_); }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool heard() const noexcept {
        std::array<char, 256> text;
        const ssize_t size = ::recv(socket_, text.data(), text.size(), 0);
        return size > 0 && std::string_view{text.data(), static_cast<std::size_t>(size)}.starts_with("READY=1");
    }

private:
    int socket_;
    std::string name_;
};

enum class Role {
    kSite,     // the user's program
    kStandIn,  // ours, while that one does not work
};

struct Program {
    Program(std::uint64_t its_number, Role its_role, const Start& start)
        : number(its_number), role(its_role), process(start) {}

    std::uint64_t number;
    Role role;
    Process process;
};

// The listening sockets, one for each loop of the program.
class Listeners {
public:
    explicit Listeners(const Settings& settings) {
        const Address address = Address::resolve(settings.host, static_cast<std::uint16_t>(settings.port));
        const int backlog = static_cast<int>(settings.backlog);
        try {
            if (settings.workers == 1) {
                descriptors_.push_back(open_listener(address, backlog, PortUse::kAlone, Blocking::kNo));
                return;
            }
            const PortReservation reservation{address};
            for (std::uint32_t i = 0; i < settings.workers; ++i) {
                descriptors_.push_back(open_listener(reservation.address(), backlog, PortUse::kShared, Blocking::kNo));
            }
        } catch (const std::system_error& error) {
            throw std::runtime_error("cannot listen on " + address.text() + ": " + error.code().message());
        }
    }
    ~Listeners() {
        for (const int descriptor : descriptors_) {
            ::close(descriptor);
        }
    }
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;

    [[nodiscard]] const std::vector<int>& descriptors() const noexcept { return descriptors_; }

private:
    std::vector<int> descriptors_;
};

// The signals that matter here, as a descriptor. Programs that are started do not inherit that.
class Signals {
public:
    Signals() {
        sigset_t set;
        sigemptyset(&set);
        for (const int number : {SIGINT, SIGTERM, SIGCHLD}) {
            sigaddset(&set, number);
        }
        ::sigprocmask(SIG_BLOCK, &set, &former_);
        descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~Signals() {
        ::close(descriptor_);
        ::sigprocmask(SIG_SETMASK, &former_, nullptr);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    // Takes those that have come. Returns whether one of them asks to stop.
    [[nodiscard]] bool take() const noexcept {
        bool stop = false;
        for (signalfd_siginfo info; ::read(descriptor_, &info, sizeof info) == sizeof info;) {
            stop = stop || info.ssi_signo != SIGCHLD;
        }
        return stop;
    }

private:
    sigset_t former_;
    int descriptor_;
};

void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

std::string seconds_since(Clock::time_point begin) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>(Clock::now() - begin).count());
    return text.data();
}

// ---- The supervisor

class Supervisor {
public:
    Supervisor(const Project& project, const Settings& settings, const ReloadOptions& options,
               std::vector<std::string> command)
        : project_(project), options_(options), command_(std::move(command)), listeners_(settings),
          watcher_(options.watching == ReloadOptions::Watching::kPolling ? c10k::poll(project.source)
                                                                         : watch(project.source)) {}

    void run() {
        start(Role::kSite);
        while (!failed_) {
            wait_for_news();
            if (signals_.take()) {
                stop();
                return;
            }
            look_for_changes();
            look_at_build();
            look_at_programs();
        }
        stop();
        throw std::runtime_error("The page that stands in for the program does not work either: see above.");
    }

private:
    void wait_for_news() const {
        std::vector<pollfd> awaited{{signals_.descriptor(), POLLIN, 0}, {watcher_->descriptor(), POLLIN, 0}};
        if (starting_) {
            awaited.push_back({ready_->descriptor(), POLLIN, 0});
        }
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

    // ---- From a changed file to what is done about it

    void look_for_changes() {
        const std::vector<fs::path> news = watcher_->look();
        for (const fs::path& file : news) {
            if (meaning_of(file) != Change::kNone) {
                changed_.insert(file);
                last_change_ = Clock::now();
            }
        }
        if (!changed_.empty() && Clock::now() - last_change_ >= kQuietTime) {
            act_on({changed_.begin(), changed_.end()});
            changed_.clear();
        }
    }

    void act_on(const std::vector<fs::path>& changed) {
        std::set<Change> changes;
        for (const fs::path& file : without_ignored(project_.source, changed)) {
            changes.insert(meaning_of(file));
            if (options_.telling == ReloadOptions::Telling::kAlsoWhy) {
                say("Changed: " + file.lexically_relative(project_.source).string());
            }
        }
        state_.styles += changes.count(Change::kStyle);
        state_.pages += changes.count(Change::kPage);
        board_.write(state_);
        if (changes.contains(Change::kProgram)) {
            change_began_ = last_change_;
            start_build();
        } else if (changes.contains(Change::kSettings)) {
            change_began_ = last_change_;
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
        printed_.clear();
        say("Building...");
        build_.emplace(Start{.command = project_.build_command(), .output = Start::Output::kCollected});
    }

    void look_at_build() {
        if (!build_) {
            return;
        }
        printed_ += build_->read_output();
        if (build_->output_descriptor() >= 0) {
            return;
        }
        build_->wait();
        const bool succeeded = build_->succeeded();
        build_.reset();
        if (must_build_again_) {
            start_build();
        } else if (succeeded) {
            use_build();
        } else {
            std::fprintf(stderr, "%s\nThe build failed; the program before it goes on.\n", printed_.c_str());
            explain("The build failed", find_problems(printed_, project_.source));
        }
    }

    void use_build() {
        const bool is_new = version() != started_version_;
        if (is_new || !serving_ || serving_->role == Role::kStandIn) {
            start(Role::kSite);
        } else {
            say("Nothing has changed in the program.");
            explain("", {});
        }
    }

    // ---- Programs

    // Of the program that was built last. There is none if it could not be linked.
    [[nodiscard]] fs::file_time_type version() const {
        std::error_code error;
        const fs::file_time_type time = fs::last_write_time(project_.program, error);
        return error ? fs::file_time_type::min() : time;
    }

    void start(Role role) {
        starting_.reset();
        ready_.emplace();
        const std::uint64_t number = ++last_number_;
        Start start{.command = command_};
        start.descriptors = listeners_.descriptors();
        const std::size_t listeners = start.descriptors.size();
        start.descriptors.push_back(board_.descriptor());
        start.environment = {
            {"LISTEN_FDS", std::to_string(listeners)},
            {"NOTIFY_SOCKET", ready_->name()},
            {Reload::kBoardVariable, std::to_string(Start::kFirstDescriptor + listeners)},
            {Reload::kProgramVariable, std::to_string(number)},
        };
        if (role == Role::kStandIn) {
            start.command.front() =
                "/proc/self/exe";  // this very program: the newest one may be the one that is broken
            start.environment[kStandInVariable] = "1";
        } else {
            started_version_ = version();
        }
        starting_ = std::make_unique<Program>(number, role, start);
    }

    void look_at_programs() {
        std::erase_if(leaving_, [](const auto& program) { return program->process.has_ended(); });
        if (serving_ && serving_->process.has_ended()) {
            lose_program();
        }
        if (starting_ && ready_->heard()) {
            take_over();
        } else if (starting_ && starting_->process.has_ended()) {
            give_up_start();
        }
    }

    void lose_program() {
        const std::string how = serving_->process.how_it_ended();
        failed_ = serving_->role == Role::kStandIn;
        serving_.reset();
        std::fprintf(stderr, "The program has ended: %s. The next one that can be built takes its place.\n",
                     how.c_str());
        explain("The program has ended: " + how, {{"", "Its last words are in the terminal."}});
        if (!starting_) {
            start(Role::kStandIn);
        }
    }

    void give_up_start() {
        const std::string how = starting_->process.how_it_ended();
        failed_ = starting_->role == Role::kStandIn;
        starting_.reset();
        std::fprintf(stderr, "The new program did not start: %s.\n", how.c_str());
        explain("The new program did not start: " + how, {{"", "Its reason is in the terminal."}});
        if (!serving_ && !failed_) {
            start(Role::kStandIn);
        }
    }

    void take_over() {
        state_.program = starting_->number;
        if (starting_->role == Role::kSite) {
            state_.heading.clear();
            state_.problems.clear();
        }
        board_.write(state_);  // before the old one is told to end: it looks there why
        if (serving_) {
            serving_->process.signal(SIGTERM);
            leaving_.push_back(std::move(serving_));
            if (starting_->role == Role::kSite) {
                say("Reloaded, " + seconds_since(change_began_) + " after the change.");
            }
        }
        serving_ = std::move(starting_);
    }

    void explain(std::string heading, std::vector<ReloadState::Problem> problems) {
        state_.heading = std::move(heading);
        state_.problems = std::move(problems);
        board_.write(state_);
    }

    // ---- The end

    void stop() {
        build_.reset();
        for (auto* program : {&starting_, &serving_}) {
            if (*program) {
                (*program)->process.signal(SIGTERM);
                leaving_.push_back(std::move(*program));
            }
        }
        while (!leaving_.empty()) {
            pollfd awaited{signals_.descriptor(), POLLIN, 0};
            ::poll(&awaited, 1, -1);
            if (signals_.take()) {
                leaving_.clear();  // asked for twice: at once
            }
            std::erase_if(leaving_, [](const auto& program) { return program->process.has_ended(); });
        }
    }

    Project project_;
    ReloadOptions options_;
    std::vector<std::string> command_;
    Signals signals_;
    Listeners listeners_;
    ReloadBoard board_;
    ReloadState state_;
    std::unique_ptr<Watcher> watcher_;

    std::set<fs::path> changed_;  // and not acted on
    Clock::time_point last_change_;
    Clock::time_point change_began_;

    std::optional<Process> build_;
    bool must_build_again_ = false;  // something changed after it began
    std::string printed_;            // by the build

    std::uint64_t last_number_ = 0;
    fs::file_time_type started_version_;
    std::unique_ptr<Program> serving_;
    std::unique_ptr<Program> starting_;
    std::optional<ReadySocket> ready_;  // of the one that starts
    std::vector<std::unique_ptr<Program>> leaving_;
    bool failed_ = false;  // even the stand-in does not work
};

}  // namespace

void supervise(const Project& project, const Settings& settings, const ReloadOptions& options,
               std::vector<std::string> command) {
    require_no_error(check_settings(settings));
    std::signal(SIGPIPE, SIG_IGN);  // whoever reads our output may go away
    Supervisor{project, settings, options, std::move(command)}.run();
}

bool is_stand_in() { return std::getenv(kStandInVariable) != nullptr; }

}  // namespace c10k
