#include "c10k/groups.hpp"

#include "connection/counters.hpp"
#include "connection/loop_deflate.hpp"
#include "groups/room.hpp"

namespace c10k {

// ---- Room

Room::Room(Groups& groups, const std::string& name)
    : groups_(groups), shared_(groups.hub_->named(name)), bit_(std::uint64_t{1} << groups.loop_) {
    shared_->rooms[groups_.loop_] = this;
}

Room::~Room() {
    shared_->rooms[groups_.loop_] = nullptr;
    groups_.rooms_.erase(shared_->name);
}

void Room::add(Membership& membership, WebSocketConnection& member) {
    membership.member_ = &member;
    membership.index_ = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({&member, &membership});
    if (entries_.size() == 1) {
        shared_->loops |= bit_;  // from now on, what others send comes here
    }
    membership.count_ = ++shared_->members;
}

void Room::remove(Membership& membership) noexcept {
    Entry& entry = entries_[membership.index_];
    entry = entries_.back();
    entry.membership->index_ = membership.index_;
    entries_.pop_back();
    --shared_->members;
    if (entries_.empty()) {
        shared_->loops &= ~bit_;
    }
}

void Room::send(const Message& message) {
    deliver(message);
    if (has_others()) {
        groups_.outgoing_->add({shared_, message});
    }
}

void Room::close(std::uint16_t code, std::string_view reason) {
    const auto info = std::make_shared<const CloseInfo>(CloseInfo{code, std::string{reason}});
    close_members(*info);
    if (has_others()) {
        groups_.outgoing_->add({shared_, {}, info});
    }
}

// Neither deliver(), close() nor lose() ends a connection at once, nor resumes a view: the members stay as they are
// meanwhile.

void Room::deliver(const Message& message) {
    const wire::DeflatePool::FanOut fan_out{Loop::current().local<LoopDeflate>(), message};
    for (const Entry& entry : entries_) {
        entry.member->deliver(message);
    }
}

void Room::close_members(const CloseInfo& info) {
    for (const Entry& entry : entries_) {
        entry.member->close(info.code, info.reason);
    }
}

void Room::lose() {
    Loop::current().local<Counters>().limits.mailbox_bytes.add();
    for (const Entry& entry : entries_) {
        entry.member->lose();
    }
}

// ---- Membership

Membership::Membership(Membership&& other) noexcept
    : room_(std::move(other.room_)), member_(std::exchange(other.member_, nullptr)), index_(other.index_),
      count_(other.count_) {
    if (room_) {
        room_->moved(*this);
    }
}

Membership& Membership::operator=(Membership&& other) noexcept {
    if (this != &other) {
        leave();
        room_ = std::move(other.room_);
        member_ = std::exchange(other.member_, nullptr);
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
        member_ = nullptr;
    }
}

// ---- Group

Task<Membership> Group::join(WebSocket& socket) {
    Membership membership;
    membership.room_ = room_;
    room_->add(membership, socket.connection());
    co_return std::move(membership);
}

void Group::send(const Message& message) { room_->send(message); }

void Group::close(std::uint16_t code, std::string_view reason) { room_->close(code, reason); }

// ---- Groups

Groups::Groups() : Groups(std::make_shared<Hub>(1), 0) {}

Groups::Groups(std::shared_ptr<Hub> hub, std::size_t loop)
    : hub_(std::move(hub)), loop_(loop), outgoing_(std::make_unique<Outgoing>(*hub_, loop)) {
    if (hub_->loops() > 1) {
        hub_->enter(loop, Loop::current().mailbox());
    }
}

Groups::~Groups() = default;

Group Groups::named(std::initializer_list<std::string_view> parts) {
    std::string name;
    for (const std::string_view part : parts) {
        name += std::to_string(part.size());
        name += ':';
        name += part;
    }
    std::weak_ptr<Room>& room = rooms_[name];
    std::shared_ptr<Room> found = room.lock();
    if (!found) {
        found = std::make_shared<Room>(*this, name);
        room = found;
    }
    return Group{std::move(found)};
}

}  // namespace c10k
