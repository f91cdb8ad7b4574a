#pragma once

#include <vector>

namespace c10k {

// A program takes its sockets from the process that started it, and tells that process when it serves: systemd, or the
// outer process of serve or runserver.

// The listening sockets that this process has inherited: sd_listen_fds(3). The first caller gets them, and programs
// that this process starts do not. Throws std::runtime_error if one of them is not a listening TCP or unix socket.
[[nodiscard]] std::vector<int> take_inherited_listeners();

// Reports that this program now serves: to systemd by sd_notify(3), and to the outer process by a socket that only this
// program has inherited, because anybody may write to a socket with a name.
class ReadyNotice {
public:
    // The number of the inherited descriptor, in the environment.
    static constexpr const char* kVariable = "C10K_READY_SOCKET";

    // Takes the descriptor; programs that this process starts do not get it. Requires: no other thread runs yet.
    ReadyNotice();
    ~ReadyNotice();
    ReadyNotice(const ReadyNotice&) = delete;
    ReadyNotice& operator=(const ReadyNotice&) = delete;

    // Thread: any.
    void send() const noexcept;

private:
    int socket_ = -1;
};

}  // namespace c10k
