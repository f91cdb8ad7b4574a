#pragma once

#include "base/address.hpp"
#include "c10k/settings.hpp"
#include "loop/sockets.hpp"
#include "web/checks.hpp"

#include <deque>
#include <string>
#include <sys/types.h>
#include <system_error>
#include <vector>

namespace c10k {

// All addresses that `host` and `port` of the settings mean, IPv4 first: at least one. localhost is 127.0.0.1 and ::1
// even if the table of hosts says otherwise, as for browsers; "*" and "::" are all addresses. A unix socket is alone.
// Throws std::runtime_error with a text for a user.
[[nodiscard]] std::vector<Address> listening_addresses(const Settings& settings);

// Whether there are such addresses.
[[nodiscard]] std::vector<CheckMessage> check_listening(const Settings& settings);

// Keeps one port on several addresses for listeners that share it, as PortReservation does on one.
class PortReservations {
public:
    // An address that this machine does not have is left out if it has another one. Port 0 becomes one that is free on
    // all of them. Throws std::runtime_error with a text for a user.
    explicit PortReservations(const std::vector<Address>& wanted);

    [[nodiscard]] const std::vector<Address>& addresses() const noexcept { return addresses_; }

private:
    void reserve(const std::vector<Address>& wanted, bool is_last_try);

    std::deque<PortReservation> reservations_;
    std::vector<Address> addresses_;
};

// A unix socket that listens. A file that an ended program has left there makes way; its own is gone at the end.
class UnixListener {
public:
    // Throws std::runtime_error with a text for a user, for example if another server listens there.
    UnixListener(const Address& address, int backlog);
    ~UnixListener();
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    // The caller closes it.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    std::string path_;  // "" of an abstract name
    ino_t file_ = 0;
    int descriptor_ = -1;
};

// "cannot listen on 127.0.0.1:8000: Address already in use"
[[noreturn]] void throw_listening_failure(const Address& address, const std::error_code& error);

}  // namespace c10k
