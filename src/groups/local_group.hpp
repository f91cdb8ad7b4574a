#pragma once

#include "c10k/groups.hpp"
#include "connection/websocket_connection.hpp"
#include "groups/shared_group.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace c10k {

// A group on one loop: its members here, and the way to its members on other loops.
class LocalGroup {
public:
    LocalGroup(Groups& groups, const std::string& name);
    // Requires: it has no members.
    ~LocalGroup();
    LocalGroup(const LocalGroup&) = delete;
    LocalGroup& operator=(const LocalGroup&) = delete;

    // Throws std::logic_error if the groups have ended, and std::bad_alloc; then nothing has changed.
    void add(Membership& membership, WebSocketConnection& connection);
    void remove(Membership& membership) noexcept;
    // `membership` has moved in memory.
    void moved(Membership& membership) noexcept { members_[membership.index_].membership = &membership; }

    // The Groups end: all members leave, and no WebSocket can join any more.
    void outlive_groups() noexcept;

    // Throws std::logic_error on a thread other than the loop's. `call` names the function that was called.
    void check_thread(std::string_view call) const;

    // All members in the program.
    [[nodiscard]] std::size_t count() const noexcept;

    // To all members in the program. Both throw std::bad_alloc, and then no member has got it.
    void send(const Message& message);
    void close(std::uint16_t code, std::string_view reason);

    // To the members on this loop. No view is resumed and no connection destroyed meanwhile, so the members stay as
    // they are. A member that gets no memory is lost; the others are not.
    void deliver(const Message& message);
    void close_members(const CloseInfo& info);
    // The queue of this loop was full: it has got no messages.
    void on_messages_lost();

private:
    struct Member {
        WebSocketConnection* connection;
        Membership* membership;
    };

    [[nodiscard]] bool has_others() const noexcept { return !is_alone_ && shared_ && (shared_->loops & ~bit_) != 0; }
    [[nodiscard]] bool is_on_its_thread() const noexcept { return std::this_thread::get_id() == thread_; }

    // Both are null when the groups have ended.
    Groups* groups_;
    std::shared_ptr<SharedGroup> shared_;
    const std::uint64_t bit_;  // of this loop
    const bool is_alone_;      // there is no other loop
    const std::thread::id thread_ = std::this_thread::get_id();
    std::vector<Member> members_;
};

}  // namespace c10k
