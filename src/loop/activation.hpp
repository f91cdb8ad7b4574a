#pragma once

#include <vector>

namespace c10k {

// A program takes its sockets from the process that started it, and tells that process when it serves: systemd, or the
// outer process of serve or runserver.

// The listening sockets that were handed to this process: sd_listen_fds(3). Whoever asks first gets them, and programs
// that this process starts do not. Throws std::runtime_error if one of them is no TCP or unix socket that listens.
[[nodiscard]] std::vector<int> take_inherited_listeners();

// Tells that this program now serves, if anybody wants to know: sd_notify(3), and to the outer process by a socket that
// only this program has inherited, as anybody may write to one with a name.
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
