#pragma once

#include "base/address.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace c10k {

// What the backends that use the kernel's sockets share: how a socket is made before a backend takes it over.
// All throw std::system_error.

// What the kernel may hold of a socket's bytes that it has not sent yet: behind a peer that does not read, more would
// be memory that no limit of ours counts. The kernel takes about a fifth more.
inline constexpr int kMaxUnsentBytes = 128 * 1024;

enum class Blocking : std::uint8_t { kYes, kNo };

// Who else may listen on the port of a listener.
enum class PortUse : std::uint8_t {
    kAlone,
    kShared,  // other listeners of this user that say so too; the kernel spreads the connections over them
};

// A listening socket. Those it accepts inherit its options. It takes up to 200 ms to find that the port is in use.
[[nodiscard]] int open_listener(const Address& address, int backlog, PortUse use, Blocking blocking);

// Makes ready a listening socket that another program has opened.
void prepare_inherited(int descriptor, Blocking blocking);

// Bounds what the kernel holds unsent of those that a listener accepts.
void limit_unsent(int listener, int most_bytes) noexcept;

// Bounds how long the machines behind those that a listener accepts may say nothing, not even that they are there.
void limit_silence(int listener, std::chrono::seconds most) noexcept;

// Keeps a port for listeners that share it. Nobody else may listen there when it is made; port 0 becomes a free one.
class PortReservation {
public:
    explicit PortReservation(const Address& address);
    ~PortReservation();
    PortReservation(const PortReservation&) = delete;
    PortReservation& operator=(const PortReservation&) = delete;

    [[nodiscard]] Address address() const noexcept;

private:
    int descriptor_;  // bound, and not listening
};

// A socket that is to be connected to `to`. It comes from `from`, unless that has no family: then the kernel chooses.
// The port is chosen at connect(), so that one source address has all its ports for each destination.
[[nodiscard]] int open_dialling(const Address& to, const Address& from, Blocking blocking);

[[nodiscard]] Address local_address_of(int descriptor) noexcept;
[[nodiscard]] Address peer_address_of(int descriptor) noexcept;

// Descriptors or memory have run out: nobody can be accepted for a while.
[[nodiscard]] bool out_of_resources(int error) noexcept;

[[noreturn]] void throw_errno(const char* what);

// How many files this process may have open.
[[nodiscard]] std::size_t open_file_limit() noexcept;
// How many of those sockets may take. The rest is for what the program opens itself, so that a client who is served
// gets its static file however many others come.
[[nodiscard]] std::size_t socket_file_limit() noexcept;
// Whether sockets have taken as many as they may. `open` is any descriptor that is open.
[[nodiscard]] bool sockets_have_all(int open) noexcept;

// Milliseconds of a clock that never jumps.
[[nodiscard]] std::int64_t steady_milliseconds() noexcept;

}  // namespace c10k
