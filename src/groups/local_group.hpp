#pragma once

#include "c10k/groups.hpp"
#include "connection/websocket_connection.hpp"
#include "groups/group_directory.hpp"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace c10k {

// The members of one group on one loop, and their way to the others.
class LocalGroup {
public:
    LocalGroup(Groups& groups, const std::string& name);
    // Requires: it has no members.
    ~LocalGroup();
    LocalGroup(const LocalGroup&) = delete;
    LocalGroup& operator=(const LocalGroup&) = delete;

    // Throws std::bad_alloc, and then nothing has changed.
    void add(Membership& membership, WebSocketConnection& member);
    void remove(Membership& membership) noexcept;
    // `membership` has moved in memory.
    void moved(Membership& membership) noexcept { entries_[membership.index_].membership = &membership; }

    // The groups end: its members leave, and from now on it has none.
    void outlive_groups() noexcept;

    // Throws std::logic_error on another thread than the one of its loop. `what` is the call.
    void check_thread(std::string_view what) const;

    // For all members of the group, on this loop and on others. They throw std::bad_alloc, and then nobody has got it.
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

    [[nodiscard]] bool has_others() const noexcept { return shared_ && (shared_->loops & ~bit_) != 0; }
    [[nodiscard]] bool is_on_its_thread() const noexcept { return std::this_thread::get_id() == thread_; }

    // Both are null when the groups have ended.
    Groups* groups_;
    std::shared_ptr<SharedGroup> shared_;
    std::uint64_t bit_;  // of this loop
    std::thread::id thread_ = std::this_thread::get_id();
    std::vector<Entry> entries_;
};

}  // namespace c10k
