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

// A WebSocket's place in a group. It leaves with the destructor, and at the latest when the view of the WebSocket ends,
// or the Groups do: from then on it is empty, and may be kept, left and destroyed like any empty one.
// Thread: that of the loop, until it is empty; the program is aborted, with a line in the log, if another one leaves.
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

// A group of WebSockets, known by its name. Cheap to keep and to copy; the group exists as long as somebody does. It
// may outlive the Groups it came from: then it has no members, and nobody can join.
//
// Thread: that of the loop whose Groups it came from; join(), send() and close() throw std::logic_error on another.
class Group {
public:
    // Waits until the membership is in force everywhere: what is sent to the group after that reaches `socket`. Also
    // before the 101, which then goes out first. Throws std::logic_error if its Groups have gone.
    Task<Membership> join(WebSocket& socket);

    // Queues `message` for every member and never waits. A member that stays too far behind meets what its route says
    // of slow members: it is closed with 1013, unless that is something else. Messages of one sender reach a member in
    // their order. The frame is encoded once, however many members there are. If another loop has more than
    // mailbox_bytes to read, the message is lost to its members, and each meets the same as if it were too slow.
    void send(const Message& message);

    // Begins the closing handshake with every member. A member whose view has not answered its handshake yet is refused
    // with 503.
    // Throws std::invalid_argument if a close frame may not carry `code` (RFC 6455, 7.4), or `reason` is not UTF-8; a
    // reason is cut to 123 bytes.
    void close(std::uint16_t code = CloseCode::kNormal, std::string_view reason = {});

private:
    friend class Groups;
    explicit Group(std::shared_ptr<LocalGroup> local) noexcept : local_(std::move(local)) {}

    std::shared_ptr<LocalGroup> local_;
};

// The groups of a program, as one of its loops sees them. With Values, the only state that loops share. A site is lent
// them as long as it lives.
// Thread: that of the loop.
class Groups {
public:
    // Those of a program with one loop.
    Groups();
    // Those of loop number `loop` of a program. Requires: it is made on the thread of the loop. Throws std::logic_error
    // if no loop runs on this thread, or the directory is for fewer loops.
    Groups(std::shared_ptr<GroupDirectory> directory, std::size_t loop);
    ~Groups();
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;

    // The group of that name; the parts are kept apart, so no two lists of parts name the same group. Finding one that
    // this loop does not have yet takes a lock: keep what you send to often.
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
