#pragma once

#include "base/address.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace c10k::wire {

// Reads the header by which a proxy names the client of a connection: the PROXY protocol, version 1 (a line) or 2
// (binary), as HAProxy's proxy-protocol.txt defines it. A header that two readers could read in two ways fails, at the
// first byte that no header can have there.
class ProxyHeader {
public:
    enum class State : std::uint8_t { kReading, kComplete, kFailed };

    // The longest header that is read: of version 1 there is no longer one, of version 2 the rest would be extensions
    // without end.
    static constexpr std::size_t kMaxLine = 107;
    static constexpr std::size_t kMaxBinary = 4096;

    // Takes bytes up to the end of the header; returns how many. Takes nothing more once that is complete or has
    // failed.
    std::size_t receive(std::string_view bytes);

    [[nodiscard]] State state() const noexcept { return state_; }
    // For a human. Requires: the state is kFailed.
    [[nodiscard]] std::string_view failure() const noexcept { return failure_; }
    // The client of the connection. Of no family if the proxy does not say: it connects for itself, to see whether we
    // are there, or for a client that does not use TCP. Requires: the state is kComplete.
    [[nodiscard]] const Address& client() const noexcept { return client_; }

private:
    void take(char c);
    void take_of_line(char c);
    void take_of_binary();
    void read_line(std::string_view line);
    void read_binary();
    void fail(std::string_view why) noexcept;
    void complete(const Address& client) noexcept;

    std::string bytes_;
    State state_ = State::kReading;
    std::string_view failure_;
    Address client_;
};

}  // namespace c10k::wire
