#pragma once

#include "base/address.hpp"

#include <optional>
#include <string>
#include <vector>

namespace c10k {

// The socket by which `manage restart` reaches `manage serve`. Its name contains the user and the server's address
// (unix(7), an abstract name: it leaves no file behind). The rest of the name is random, so that no other user can have
// taken it before. Connecting asks for a restart, and the answer says how it went. `serve` answers only the same user
// and root, and `restart` asks only a socket that belongs to one of them.
class ControlSocket {
public:
    // Throws std::system_error.
    explicit ControlSocket(const Address& served);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    // Readable when a `manage restart` asks.
    [[nodiscard]] int descriptor() const noexcept { return listener_; }
    // Whether a `manage restart` has asked since the last call.
    [[nodiscard]] bool is_asked();
    // Answers every unanswered request: success if `problem` is empty.
    void answer(const std::string& problem);

private:
    int listener_;
    std::vector<int> asking_;
};

// Asks the first `manage serve` with one of these addresses for a restart, and waits for the answer. Returns the
// problem; empty if the new program serves. Throws std::runtime_error if there is no `manage serve` to ask.
[[nodiscard]] std::optional<std::string> ask_for_restart(const std::vector<Address>& served);

}  // namespace c10k
