#pragma once

#include "base/address.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace c10k {

// Shared by the backends that use the kernel's sockets: how to make a socket before a backend takes it over. All
// functions throw std::system_error.

// How many unsent bytes the kernel may hold for a socket. Behind a peer that does not read, more would be memory that
// no limit of ours counts. The kernel takes about a fifth more.
inline constexpr int kMaxUnsentBytes = 128 * 1024;

enum class Blocking : std::uint8_t { kYes, kNo };

// Whether others may listen on the port of a listener.
enum class PortUse : std::uint8_t {
    kAlone,
    kShared,  // other sharing listeners of this user may; the kernel spreads the connections over them
};

// A listening socket. Accepted sockets inherit its options. It takes up to 200 ms to find that the port is in use.
[[nodiscard]] int open_listener(const Address& address, int backlog, PortUse use, Blocking blocking);

// Prepares a listening socket that another program has opened.
void prepare_inherited(int descriptor, Blocking blocking);

// Bounds how many unsent bytes the kernel holds for each socket that a listener accepts.
void limit_unsent(int listener, int most_bytes) noexcept;

// Bounds how long the machine behind an accepted socket may stay silent when the kernel asks whether it is there.
void limit_silence(int listener, std::chrono::seconds most) noexcept;

// Reserves a port for listeners that share it. No other listener may be there when it is made; port 0 becomes a free
// one.
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

// A socket for connecting to `to`. It connects from `from`; if that has no family, the kernel chooses. The kernel
// chooses the port at connect(), so that one source address has all its ports for each destination.
[[nodiscard]] int open_dialling(const Address& to, const Address& from, Blocking blocking);

[[nodiscard]] Address local_address_of(int descriptor) noexcept;
[[nodiscard]] Address peer_address_of(int descriptor) noexcept;
// The address that the peer of an accepted socket connected to. Asks the kernel only if `listener`, the address that
// its listener has, stands for several.
[[nodiscard]] Address local_address_of_accepted(int descriptor, const Address& listener) noexcept;

// Whether descriptors or memory have run out, so that accepting fails for a while.
[[nodiscard]] bool out_of_resources(int error) noexcept;

[[noreturn]] void throw_errno(const char* what);

// How many files this process may have open.
[[nodiscard]] std::size_t open_file_limit() noexcept;
// How many of those sockets may use. The rest is for files that the program opens itself, so that a connected client
// gets its static file however many others come.
[[nodiscard]] std::size_t socket_file_limit() noexcept;
// Whether sockets use as many as they may. `open` is any open descriptor.
[[nodiscard]] bool sockets_have_all(int open) noexcept;

// A clock that never jumps, in microseconds and in milliseconds.
[[nodiscard]] std::int64_t steady_microseconds() noexcept;
[[nodiscard]] inline std::int64_t steady_milliseconds() noexcept { return steady_microseconds() / 1000; }

}  // namespace c10k
