#pragma once

#include "base/address.hpp"
#include "base/log.hpp"
#include "c10k/timer.hpp"
#include "connection/loop_services.hpp"
#include "server/admission.hpp"
#include "server/connection_list.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace c10k {

class PendingConnections;

// A connection whose first request is not complete. Anybody can open as many as they like.
class PendingConnection {
public:
    // A member of `connection`, which is aborted if there are too many and this one is late.
    PendingConnection(PendingConnections& pending, ServerConnection& connection, const Address& client) noexcept;
    ~PendingConnection() { leave(); }
    PendingConnection(const PendingConnection&) = delete;
    PendingConnection& operator=(const PendingConnection&) = delete;

    // Its first request has come whole. Does nothing if it has left.
    void note_request() noexcept;
    // It is pending no more. Does nothing if it has left.
    void leave() noexcept;

private:
    friend class PendingConnections;

    PendingConnections* pending_;  // null once it has left
    ServerConnection& connection_;
    PendingConnection* older_;
    PendingConnection* newer_ = nullptr;
    std::int64_t since_;  // ms of the loop's clock
    std::size_t crowd_;
};

// The pending connections of one server. Servers with one Admission divide the limit evenly: a loop never waits for
// what another loop holds. When the share is full, the server stops accepting, and further clients wait in the kernel's
// backlog. A request makes room, and so does the end of a connection that is late.
//
// A connection is late after half of the head time. While only late connections make room, that time shrinks to a 128th
// of the head time; it grows again when many ask. It does not shrink for addresses with few pending connections beside
// those with many: peers that are slow from 250 addresses take nothing from an honest one that is far away. See
// docs/internals/decisions/0012-newcomers-wait-outside.md.
class PendingConnections final : private Timer {
public:
    // Accepts new connections.
    class Source {
    public:
        virtual void pause_accepting() = 0;
        virtual void resume_accepting() = 0;

    protected:
        ~Source() = default;
    };

    // The services, the source and the admission outlive it. At most `most` connections are pending, of all servers.
    PendingConnections(LoopServices& services, Source& source, std::size_t most, std::chrono::milliseconds head_time,
                       Admission& admission);
    ~PendingConnections();
    PendingConnections(const PendingConnections&) = delete;
    PendingConnections& operator=(const PendingConnections&) = delete;

    // The source has to pause.
    [[nodiscard]] bool is_full() const noexcept { return is_full_; }
    // The source has accepted another connection. Pauses it if that was the last that may be pending.
    void note_accepted();

private:
    friend class PendingConnection;

    // Addresses share one by their hash: two that do are one crowd, which costs the smaller one its privilege.
    static constexpr std::size_t kCrowds = 4096;

    void on_time() override;
    // Ends some of the late connections. Returns whether there are more.
    bool end_late();
    [[nodiscard]] bool is_late(const PendingConnection& connection) const noexcept;
    // How long a first request may take, judging by the time since the last look.
    void judge_pace() noexcept;
    [[nodiscard]] bool has_room() const noexcept;
    // How many of the limit are this server's.
    [[nodiscard]] std::size_t share() const noexcept;

    Loop& loop_;
    Source& source_;
    const std::size_t most_;
    const std::int64_t patience_;  // ms, as are all times here
    const std::int64_t interval_;
    Admission& admission_;
    Counters& counters_;
    PendingConnection* oldest_ = nullptr;
    PendingConnection* newest_ = nullptr;
    std::array<std::uint32_t, kCrowds> crowds_{};  // how many of each are here
    std::size_t count_ = 0;
    std::size_t crowds_here_ = 0;
    std::int64_t late_after_;
    std::int64_t next_judgement_ = 0;
    std::size_t asked_ = 0;  // since the last judgement
    std::size_t ended_ = 0;  // the same
    log::RateLimit complaint_;
    bool is_full_ = false;
    bool is_clearing_ = false;  // some who are late are still to be ended
};

}  // namespace c10k
