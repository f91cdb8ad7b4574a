#pragma once

#include "c10k/close_code.hpp"
#include "c10k/internal/ends_with_view.hpp"
#include "c10k/message.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {

class CrossLoopBatch;
class GroupDirectory;
class Groups;
class LocalGroup;

// A WebSocket's place in a group. The destructor leaves the group. The membership becomes empty at the latest when the
// view of the WebSocket ends, or the Groups do; you may keep, leave and destroy an empty one anywhere. Thread: that of
// the loop, until it is empty. If another thread leaves, the program aborts with a line in the log.
class [[nodiscard]] Membership final : private internal::EndsWithView {
public:
    Membership() = default;
    Membership(Membership&& other) noexcept;
    Membership& operator=(Membership&& other) noexcept;
    ~Membership() { leave(); }

    // Does nothing if it is empty.
    void leave() noexcept;
    // How many members the group had in the whole program, with this one, when it joined.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    friend class Group;
    friend class LocalGroup;

    void on_view_ended() noexcept override { leave(); }

    std::shared_ptr<LocalGroup> local_;
    std::uint32_t index_ = 0;  // among the members on this loop
    std::uint32_t count_ = 0;
};

// A group of WebSockets with a name. Cheap to keep and to copy; the group exists as long as a Group or a Membership
// refers to it. It may outlive its Groups: then it has no members, and no WebSocket can join.
//
// Thread: that of the loop whose Groups it came from; its functions throw std::logic_error on another.
class Group {
public:
    // Waits until the membership is in force everywhere: every later message to the group reaches `socket`. A view may
    // join before the 101, which then goes out first. Throws std::logic_error if its Groups have gone.
    Task<Membership> join(WebSocket& socket);

    // Queues `message` for every member and never waits. A member that falls too far behind is treated as its route
    // says of slow members: by default the server closes it with 1013. Messages of one sender reach a member in their
    // order. The frame is encoded once, however many members there are. If the queue of another loop holds more than
    // mailbox_bytes, the members there lose the message, and are treated as if they were too slow.
    void send(const Message& message);

    // Begins the closing handshake with every member. Refuses a member with 503 if its view has not answered its
    // handshake yet.
    // Throws std::invalid_argument if a close frame may not carry `code` (RFC 6455, 7.4), or `reason` is not UTF-8; a
    // reason is cut to 123 bytes.
    void close(std::uint16_t code = CloseCode::kNormal, std::string_view reason = {});

    // How many members it has now in the whole program.
    [[nodiscard]] std::size_t count() const;

private:
    friend class Groups;
    explicit Group(std::shared_ptr<LocalGroup> local) noexcept : local_(std::move(local)) {}

    std::shared_ptr<LocalGroup> local_;
};

// The groups of a program, as one of its loops sees them. With Values, the only state that loops share. A site borrows
// them as long as it lives.
// Thread: that of the loop.
class Groups {
public:
    // The groups of a program with one loop.
    Groups();
    // The groups of a program on its loop number `loop`. Requires: it is made on the thread of the loop. Throws
    // std::logic_error if no loop runs on this thread, or the directory is for fewer loops.
    Groups(std::shared_ptr<GroupDirectory> directory, std::size_t loop);
    ~Groups();
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    // The group of that name; different lists of parts name different groups. Finding a group that this loop does not
    // have yet takes a lock: keep a group that you send to often.
    [[nodiscard]] Group named(std::string_view name) { return named({name}); }
    [[nodiscard]] Group named(std::string_view kind, std::string_view name) { return named({kind, name}); }
    [[nodiscard]] Group named(std::initializer_list<std::string_view> parts);

private:
    friend class LocalGroup;

    std::shared_ptr<GroupDirectory> directory_;
    std::size_t loop_;
    std::unique_ptr<CrossLoopBatch> batch_;
    // In order, not hashed: peers may choose the names.
    std::map<std::string, std::weak_ptr<LocalGroup>> local_groups_;
};

}  // namespace c10k
