#include "manage/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace c10k {
namespace {

constexpr int kCannotRun = 127;

// Copies first to where nothing is in the way, then to their places.
void pass(const std::vector<int>& descriptors) {
    const int free = Start::kFirstDescriptor + static_cast<int>(descriptors.size());
    std::vector<int> copies;
    copies.reserve(descriptors.size());
    for (const int descriptor : descriptors) {
        copies.push_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, free));
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
        ::dup2(copies[i], Start::kFirstDescriptor + static_cast<int>(i));
    }
}

// In the new process: becomes the program.
[[noreturn]] void become(const Start& start, int output, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(kCannotRun);  // it has ended meanwhile
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (output >= 0) {
        ::dup2(output, STDOUT_FILENO);
        ::dup2(output, STDERR_FILENO);
    }
    pass(start.descriptors);
    for (const auto& [name, value] : start.environment) {
        value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    }
    if (!start.descriptors.empty()) {
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    }
    if (start.function) {
        ::_exit(start.function());
    }
    std::vector<char*> arguments;
    for (const std::string& argument : start.command) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(kCannotRun);
}

}  // namespace

Process::Process(const Start& start) {
    std::array<int, 2> pipe{-1, -1};
    if (start.output == Start::Output::kCollected && ::pipe2(pipe.data(), O_CLOEXEC) < 0) {
        throw std::system_error(errno, std::system_category(), "pipe");
    }
    output_ = pipe[0];
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become(start, pipe[1], parent);
    }
    if (pipe[1] >= 0) {
        ::close(pipe[1]);
        ::fcntl(output_, F_SETFL, O_NONBLOCK);
    }
    if (pid_ < 0) {
        throw std::system_error(errno, std::system_category(), "fork");
    }
    ::setpgid(pid_, pid_);  // parent and child both do this: either may run first
}

Process::~Process() {
    if (!status_) {
        signal(SIGKILL);
        wait();
    }
    if (output_ >= 0) {
        ::close(output_);
    }
}

void Process::signal(int number) const noexcept {
    if (!status_) {
        ::kill(-pid_, number);
    }
}

bool Process::has_ended() {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        status_ = status;
    }
    return status_.has_value();
}

void Process::wait() {
    int status = 0;
    while (!status_) {
        if (::waitpid(pid_, &status, 0) == pid_) {
            status_ = status;
        } else if (errno != EINTR) {
            status_ = 0;
        }
    }
}

void Process::end(std::chrono::milliseconds most) {
    const auto deadline = std::chrono::steady_clock::now() + most;
    signal(SIGTERM);
    while (output_ >= 0 && std::chrono::steady_clock::now() < deadline) {  // each of them has it open
        const auto left = deadline - std::chrono::steady_clock::now();
        pollfd ready{output_, POLLIN, 0};
        ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
        read_output();
    }
}

std::optional<int> Process::exit_status() const noexcept {
    return status_ && WIFEXITED(*status_) ? std::optional{WEXITSTATUS(*status_)} : std::nullopt;
}

std::string Process::how_it_ended() const {
    const int status = status_.value_or(0);
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        return "killed by signal " + std::to_string(number) + " (" + ::strsignal(number) + ')';
    }
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

std::string Process::read_output() {
    std::string text;
    constexpr std::size_t kMost = 1024 * 1024;  // others have their turn while it prints and prints
    std::array<char, 16 * 1024> buffer;
    while (output_ >= 0 && text.size() < kMost) {
        const ssize_t size = ::read(output_, buffer.data(), buffer.size());
        if (size > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(size));
        } else if (size < 0 && errno == EAGAIN) {
            break;
        } else if (size == 0 || errno != EINTR) {
            ::close(output_);
            output_ = -1;
        }
    }
    return text;
}

std::string output_of(const std::vector<std::string>& command) {
    Process process{{.command = command, .output = Start::Output::kCollected}};
    std::string text;
    while (process.output_descriptor() >= 0) {
        pollfd ready{process.output_descriptor(), POLLIN, 0};
        ::poll(&ready, 1, -1);
        text += process.read_output();
    }
    process.wait();
    return text;
}

}  // namespace c10k
