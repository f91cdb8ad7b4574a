#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace c10k {

// How a program is started.
struct Start {
    static constexpr int kFirstDescriptor = 3;

    std::vector<std::string> command = {};  // the program, found by PATH, and its arguments
    // Instead of a program: a copy of this process calls it, and exits with its result.
    std::function<int()> function = {};
    std::map<std::string, std::string> environment = {};  // added to ours; "" takes one of ours away
    std::vector<int> descriptors = {};                    // become its descriptors from kFirstDescriptor on
    // Where its output and its errors go: to ours, or to read_output().
    enum class Output { kOurs, kCollected } output = Output::kOurs;
};

// A program that this one has started: in a process group of its own, so that CONTROL-C reaches only us, and ended with
// us. Thread: the only one of this process.
class Process {
public:
    // Throws std::system_error.
    explicit Process(const Start& start);
    // Kills it, with all that it has started, if it still runs.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void signal(int number) const noexcept;

    // Whether it has ended; does not wait.
    [[nodiscard]] bool has_ended();
    // Waits for its end.
    void wait();
    // Asks it and all that it has started to end, and waits until they have, or for `most`.
    // Requires: its output is collected.
    void end(std::chrono::milliseconds most);
    // After its end: "exit status 1", "killed by signal 11 (Segmentation fault)".
    [[nodiscard]] std::string how_it_ended() const;
    [[nodiscard]] bool succeeded() const noexcept { return status_ == 0; }
    // After its end; nothing if a signal ended it.
    [[nodiscard]] std::optional<int> exit_status() const noexcept;

    // A descriptor that can be read when it has printed something; -1 if that is not collected, or over.
    [[nodiscard]] int output_descriptor() const noexcept { return output_; }
    // The output since the last call, a megabyte at most; does not wait.
    std::string read_output();

private:
    pid_t pid_ = -1;
    int output_ = -1;
    std::optional<int> status_;
};

// The standard output and errors of a command until it ends; "" if there is no such program.
[[nodiscard]] std::string output_of(const std::vector<std::string>& command);

}  // namespace c10k
