#pragma once

#include "base/address.hpp"
#include "c10k/settings.hpp"
#include "live/live_listener.hpp"
#include "manage/process.hpp"
#include "manage/signals.hpp"
#include "web/listening.hpp"

#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

namespace c10k {

// Programs that serve one after another on the same listening sockets. The sockets stay open here, and each program
// inherits them (LISTEN_FDS). When the new program reports that it serves (READY=1), the old one gets SIGUSR2, which
// tells it to end. So nobody is refused. Thread: the only one of this process.
class Handover {
public:
    // Listens, unless the sockets were handed to this process. Throws std::runtime_error if it cannot. The programs
    // inherit the dashboard's socket, too.
    Handover(const Settings& settings, std::optional<LiveListener> dashboard);
    // Kills the programs that are left.
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // Where the programs listen.
    [[nodiscard]] Address address() const noexcept;

    // The number of the descriptor in `start.descriptors` at `index`, as the program has it.
    [[nodiscard]] int descriptor_number(std::size_t index) const noexcept;
    // Starts the next program; one that is still starting is given up. Throws std::system_error.
    void start(Start start);

    // Descriptors that are readable when there is news.
    void add_to(std::vector<pollfd>& awaited) const;
    enum class News {
        kNone,
        kServes,      // the program that was starting; the one before was told to end
        kNotStarted,  // the program that was starting has ended instead
        kEnded,       // the serving program has ended by itself
    };
    // The next news since the last call. To be called after SIGCHLD, and until there is none.
    [[nodiscard]] News look();
    // How the program of the last news ended: "exit status 1".
    [[nodiscard]] const std::string& how_it_ended() const noexcept { return how_it_ended_; }
    // Whether a signal ended it.
    [[nodiscard]] bool was_killed() const noexcept { return was_killed_; }

    [[nodiscard]] bool is_starting() const noexcept { return starting_ != nullptr; }
    // The program that serves; null if none does.
    [[nodiscard]] const Process* serving() const noexcept { return serving_.get(); }

    // Tells all programs to end (SIGTERM), and waits until they have. One more of `signals` than SIGCHLD kills them.
    void stop(const Signals& signals);

private:
    class ReadySocket;

    std::optional<UnixListener> unix_listener_;
    std::vector<int> listeners_;
    std::optional<LiveListener> dashboard_;
    std::unique_ptr<Process> serving_;
    std::unique_ptr<Process> starting_;
    std::unique_ptr<ReadySocket> ready_;  // of the one that is starting
    std::vector<std::unique_ptr<Process>> leaving_;
    std::string how_it_ended_;
    bool was_killed_ = false;
};

}  // namespace c10k
