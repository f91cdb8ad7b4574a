#pragma once

#include "c10k/semaphore.hpp"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace c10k {

// Bounds how many handshakes of one kind are in flight at once: a client or a server that cannot keep up with them gets
// fewer in the same time, instead of losing those that wait for too long.
//
// It begins with `kFirst`, lets one more in for each that was quick, and is back at the beginning after one that was
// not. It never stops at fewer, since a server may want some of its peers to be there before it answers one.
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
    // No bound any more: what waits for its turn waits in vain.
    void open();

private:
    std::size_t first_;
    std::size_t most_;
    std::uint64_t successes_ = 0;
    Semaphore semaphore_;
};

// The handshakes of the clients of one loop, apart for each server.
class Handshakes {
public:
    // Which of them are counted together: those with the server at one address, and with the same bound.
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

    // The windows of one server for as long as somebody is, or wants to be, its client.
    class Use {
    public:
        Use(Handshakes& all, const Key& key);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

        OfServer* operator->() const noexcept { return &entry_->second; }

    private:
        Handshakes& all_;
        std::map<Key, OfServer>::iterator entry_;
    };

private:
    std::map<Key, OfServer> servers_;
};

}  // namespace c10k
