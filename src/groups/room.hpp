#pragma once

#include "c10k/groups.hpp"
#include "connection/websocket_connection.hpp"

#include <string>
#include <vector>

namespace c10k {

// The members of one group on one loop.
class Room {
public:
    Room(Groups& groups, std::string name) : groups_(groups), name_(std::move(name)) {}
    ~Room();
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    void add(Membership& membership, WebSocketConnection& member);
    void remove(Membership& membership) noexcept;
    // `membership` has moved in memory.
    void moved(Membership& membership) noexcept { entries_[membership.index_].membership = &membership; }

    void send(const Message& message);
    void close(std::uint16_t code, std::string_view reason);

private:
    struct Entry {
        WebSocketConnection* member;
        Membership* membership;
    };

    Groups& groups_;
    std::string name_;
    std::vector<Entry> entries_;
};

}  // namespace c10k
