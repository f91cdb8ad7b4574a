#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// How many connections a program has, over all its loops. Thread: any.
class Admission {
public:
    // The limit under which a connection of the server counts.
    enum class Kind : std::uint8_t {
        kTcp,     // a TCP connection with one client
        kShared,  // a TCP connection whose clients are its streams
        kStream,  // a client on one of those
    };
    // An address that a connection came from; small, because every connection keeps one.
    using AddressSlot = std::uint32_t;
    // The slot of connections whose address is not counted.
    static constexpr AddressSlot kUncounted = 0;

    Admission() = default;
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    std::atomic<std::size_t> connections{0};  // clients, as max_connections counts them
    std::atomic<std::size_t> tcp_connections{0};
    std::atomic<std::size_t> servers{0};  // that divide max_newcomers among them

    [[nodiscard]] static bool is_client(Kind kind) noexcept { return kind != Kind::kShared; }
    [[nodiscard]] static bool is_tcp(Kind kind) noexcept { return kind != Kind::kStream; }

    // Counts one more connection from `address`, which are any bytes. Empty if there are `most` already.
    [[nodiscard]] std::optional<AddressSlot> enter(std::string_view address, std::uint32_t most);
    void leave(AddressSlot slot) noexcept;

private:
    // Makes sure that a slot is free, before anything is changed: it may throw.
    void make_room();

    struct Count {
        std::uint32_t connections = 0;
        const std::string* address = nullptr;  // in slots_, whose keys stay where they are
    };

    std::mutex mutex_;
    std::map<std::string, AddressSlot> slots_;  // in order, not hashed: decision 10
    std::vector<Count> counts_;                 // by slot, less one
    std::vector<AddressSlot> free_;             // has room for all, so that leave() allocates nothing
};

}  // namespace c10k
