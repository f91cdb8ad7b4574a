#pragma once

#include "c10k/semaphore.hpp"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace c10k {

// Bounds how many handshakes of one kind are in flight at once: a client or a server that cannot keep up gets fewer in
// the same time, and loses none because it waited too long.
//
// The bound begins at `kFirst`, grows by one for each quick handshake, and returns to `kFirst` after a slow one. It
// never goes lower, because a server may want some of its peers to be there before it answers one.
class HandshakeWindow {
public:
    static constexpr std::uint32_t kFirst = 64;

    // At most `most` at once.
    explicit HandshakeWindow(std::uint32_t most) noexcept;

    // Suspends until one more may begin; the permit is held until it has ended.
    [[nodiscard]] Semaphore::AcquireAwaiter turn(Semaphore::OnStop on_stop = Semaphore::OnStop::kThrow) noexcept {
        return semaphore_.acquire(on_stop);
    }
    // How many have succeeded.
    [[nodiscard]] std::uint64_t successes() const noexcept { return successes_; }
    // One has, which would have failed after `limit`.
    void note_success(std::chrono::milliseconds took, std::chrono::milliseconds limit);
    // Removes the bound: waiting for a turn would be in vain.
    void open();

private:
    std::size_t first_;
    std::size_t most_;
    std::uint64_t successes_ = 0;
    Semaphore semaphore_;
};

// The handshakes of the clients of one loop, apart for each server.
class HandshakeWindows {
public:
    // The handshakes that count together: those with the server at one address and with the same bound.
    struct Key {
        std::string address;  // its bytes
        std::uint32_t most = 0;

        friend auto operator<=>(const Key&, const Key&) = default;
    };

    struct OfServer {
        explicit OfServer(std::uint32_t most) noexcept : opening(most), closing(most) {}

        HandshakeWindow opening;
        HandshakeWindow closing;
        std::size_t clients = 0;
    };

    // The windows of one server, which exist as long as it has a client or one that wants to connect.
    class Use {
    public:
        Use(HandshakeWindows& all, const Key& key);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

        OfServer* operator->() const noexcept { return &entry_->second; }

    private:
        HandshakeWindows& all_;
        std::map<Key, OfServer>::iterator entry_;
    };

private:
    std::map<Key, OfServer> servers_;
};

}  // namespace c10k
