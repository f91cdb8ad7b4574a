#include "c10k/groups.hpp"

#include "base/log.hpp"
#include "connection/counters.hpp"
#include "groups/local_group.hpp"
#include "wire/protocol.hpp"

#include <cstdlib>
#include <stdexcept>

namespace c10k {

// ---- LocalGroup

LocalGroup::LocalGroup(Groups& groups, const std::string& name)
    : groups_(&groups), shared_(groups.hub_->named(name)), bit_(std::uint64_t{1} << groups.loop_) {
    shared_->rooms[groups.loop_] = this;
}

LocalGroup::~LocalGroup() {
    if (groups_ != nullptr) {
        shared_->rooms[groups_->loop_] = nullptr;
        groups_->rooms_.erase(shared_->name);
    }
}

void LocalGroup::outlive_groups() noexcept {
    while (!entries_.empty()) {
        entries_.back().membership->leave();
    }
    shared_->rooms[groups_->loop_] = nullptr;
    shared_.reset();
    groups_ = nullptr;
}

void LocalGroup::check_thread(std::string_view what) const {
    if (!is_on_its_thread()) {
        throw std::logic_error(std::string{what} +
                               ": a Group belongs to the thread of its loop; other threads use handles");
    }
}

void LocalGroup::add(Membership& membership, WebSocketConnection& member) {
    if (groups_ == nullptr) {
        throw std::logic_error("Group::join(): the Groups that this Group came from have gone");
    }
    entries_.push_back({&member, &membership});
    membership.index_ = static_cast<std::uint32_t>(entries_.size() - 1);
    membership.enter(member);
    if (entries_.size() == 1) {
        shared_->loops |= bit_;  // from now on, what others send comes here
    }
    membership.count_ = ++shared_->members;
}

void LocalGroup::remove(Membership& membership) noexcept {
    if (!is_on_its_thread()) {
        log::error("a Membership was left or destroyed on another thread than the one of its loop");
        std::abort();
    }
    membership.leave_list();
    Entry& entry = entries_[membership.index_];
    entry = entries_.back();
    entry.membership->index_ = membership.index_;
    entries_.pop_back();
    --shared_->members;
    if (entries_.empty()) {
        shared_->loops &= ~bit_;
    }
}

// Others first: that fails before anybody has got it, or not at all.

void LocalGroup::send(const Message& message) {
    if (has_others()) {
        groups_->outgoing_->add({shared_, message});
    }
    deliver(message);
}

void LocalGroup::close(std::uint16_t code, std::string_view reason) {
    const auto info = std::make_shared<const CloseInfo>(CloseInfo{code, std::string{reason}});
    if (has_others()) {
        groups_->outgoing_->add({shared_, {}, info});
    }
    close_members(*info);
}

// None of deliver(), close_for_others() and lose() ends a connection at once, nor resumes a view: the members stay as
// they are meanwhile. One that gets no memory is lost, and the others are not.

void LocalGroup::deliver(const Message& message) {
    wire::PreparedMessage prepared{message};
    for (const Entry& entry : entries_) {
        entry.member->deliver(prepared);
    }
}

void LocalGroup::close_members(const CloseInfo& info) {
    for (const Entry& entry : entries_) {
        entry.member->close_for_others(info.code, info.reason);
    }
}

void LocalGroup::lose() {
    Loop::current().local<Counters>().limits.mailbox_bytes.add();
    for (const Entry& entry : entries_) {
        entry.member->lose();
    }
}

// ---- Membership

Membership::Membership(Membership&& other) noexcept
    : EndsWithView(), room_(std::move(other.room_)), index_(other.index_), count_(other.count_) {
    replace(other);
    if (room_) {
        room_->moved(*this);
    }
}

Membership& Membership::operator=(Membership&& other) noexcept {
    if (this != &other) {
        leave();
        replace(other);
        room_ = std::move(other.room_);
        index_ = other.index_;
        count_ = other.count_;
        if (room_) {
            room_->moved(*this);
        }
    }
    return *this;
}

void Membership::leave() noexcept {
    if (room_) {
        room_->remove(*this);
        room_.reset();
    }
}

// ---- Group

Task<Membership> Group::join(WebSocket& socket) {
    room_->check_thread("Group::join()");
    Membership membership;
    room_->add(membership, socket.connection());
    membership.room_ = room_;
    co_return std::move(membership);
}

void Group::send(const Message& message) {
    room_->check_thread("Group::send()");
    room_->send(message);
}

void Group::close(std::uint16_t code, std::string_view reason) {
    wire::check_close(code, reason);  // here, where the caller learns of it
    room_->check_thread("Group::close()");
    room_->close(code, reason);
}

// ---- Groups

Groups::Groups() : Groups(std::make_shared<GroupDirectory>(1), 0) {}

Groups::Groups(std::shared_ptr<GroupDirectory> hub, std::size_t loop)
    : hub_(std::move(hub)), loop_(loop), outgoing_(std::make_unique<CrossLoopBatch>(*hub_, loop)) {
    internal::require(loop < hub_->loops(), "Groups: a hub has one place for each loop");
    if (hub_->loops() > 1) {
        hub_->enter(loop, Loop::current().job_queue());
    }
}

Groups::~Groups() {
    for (const auto& [name, kept] : std::exchange(rooms_, {})) {
        if (const std::shared_ptr<LocalGroup> room = kept.lock()) {
            room->outlive_groups();
        }
    }
}

Group Groups::named(std::initializer_list<std::string_view> parts) {
    std::string name;
    for (const std::string_view part : parts) {
        name += std::to_string(part.size());
        name += ':';
        name += part;
    }
    std::weak_ptr<LocalGroup>& room = rooms_[name];
    std::shared_ptr<LocalGroup> found = room.lock();
    if (!found) {
        found = std::make_shared<LocalGroup>(*this, name);
        room = found;
    }
    return Group{std::move(found)};
}

}  // namespace c10k
