#pragma once

#include "c10k/groups.hpp"
#include "connection/websocket_connection.hpp"
#include "groups/hub.hpp"

#include <string>
#include <vector>

namespace c10k {

// The members of one group on one loop, and their way to the others.
class Room {
public:
    Room(Groups& groups, const std::string& name);
    ~Room();
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    void add(Membership& membership, WebSocketConnection& member);
    void remove(Membership& membership) noexcept;
    // `membership` has moved in memory.
    void moved(Membership& membership) noexcept { entries_[membership.index_].membership = &membership; }

    // For all members of the group, on this loop and on others.
    void send(const Message& message);
    void close(std::uint16_t code, std::string_view reason);

    // For those on this loop.
    void deliver(const Message& message);
    void close_members(const CloseInfo& info);
    // Messages have not come here, because too much was unread.
    void lose();

private:
    struct Entry {
        WebSocketConnection* member;
        Membership* membership;
    };

    [[nodiscard]] bool has_others() const noexcept { return (shared_->loops & ~bit_) != 0; }

    Groups& groups_;
    std::shared_ptr<SharedGroup> shared_;
    std::uint64_t bit_;  // of this loop
    std::vector<Entry> entries_;
};

}  // namespace c10k
