#pragma once

#include "base/address.hpp"

#include <optional>
#include <string>
#include <vector>

namespace c10k {

// How `manage restart` reaches `manage serve`: a socket of this machine that is named for the user and for the address
// that is served (unix(7), an abstract name: it leaves no file behind). The rest of the name is random, so that no
// other user can have taken it before. Who connects asks for a restart, and is told what came of it. Only the same user
// and root may, and only what belongs to one of them is asked.
class ControlSocket {
public:
    // Throws std::system_error.
    explicit ControlSocket(const Address& served);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    // It can be read when somebody asks.
    [[nodiscard]] int descriptor() const noexcept { return listener_; }
    // Whether somebody has asked since the last call.
    [[nodiscard]] bool is_asked();
    // To all who have asked and were not answered: done if `problem` is empty.
    void answer(const std::string& problem);

private:
    int listener_;
    std::vector<int> asking_;
};

// Asks the first who has one of these addresses for a restart, and waits for what comes of it. Returns the problem;
// nothing if the new program serves. Throws std::runtime_error if nobody is there to ask.
[[nodiscard]] std::optional<std::string> ask_for_restart(const std::vector<Address>& served);

}  // namespace c10k
