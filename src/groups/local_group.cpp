#include "groups/local_group.hpp"

#include "base/log.hpp"
#include "base/prefetch.hpp"
#include "connection/loop_services.hpp"
#include "groups/cross_loop_batch.hpp"
#include "groups/group_directory.hpp"
#include "wire/prepared_message.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace c10k {

LocalGroup::LocalGroup(Groups& groups, const std::string& name)
    : groups_(&groups), shared_(groups.directory_->named(name)), bit_(loop_bit(groups.loop_)),
      is_alone_(groups.directory_->loops() == 1) {
    shared_->local_groups[groups.loop_] = this;
}

LocalGroup::~LocalGroup() {
    if (groups_ != nullptr) {
        shared_->local_groups[groups_->loop_] = nullptr;
        groups_->local_groups_.erase(shared_->name);
    }
}

void LocalGroup::outlive_groups() noexcept {
    while (!members_.empty()) {
        members_.back().membership->leave();
    }
    shared_->local_groups[groups_->loop_] = nullptr;
    shared_.reset();
    groups_ = nullptr;
}

void LocalGroup::check_thread(std::string_view call) const {
    if (!is_on_its_thread()) {
        throw std::logic_error(std::string{call} +
                               ": a Group belongs to the thread of its loop; other threads use handles");
    }
}

std::size_t LocalGroup::count() const noexcept {
    if (is_alone_) {
        prefetch(members_.data(), 2 * sizeof(Member));  // who counts them, often sends to them next
        return members_.size();
    }
    return shared_ ? shared_->members.load() : 0;
}

void LocalGroup::add(Membership& membership, WebSocketConnection& connection) {
    internal::require(groups_ != nullptr, "Group::join(): the Groups that this Group came from have gone");
    members_.push_back({&connection, &membership});
    membership.index_ = static_cast<std::uint32_t>(members_.size() - 1);
    membership.enter(connection);
    if (members_.size() == 1) {
        shared_->loops |= bit_;  // from now on, messages from other loops come here
    }
    membership.count_ = ++shared_->members;
}

void LocalGroup::remove(Membership& membership) noexcept {
    if (!is_on_its_thread()) {
        log::error("a Membership was left or destroyed on another thread than the one of its loop");
        std::abort();
    }
    membership.leave_list();
    Member& member = members_[membership.index_];
    member = members_.back();
    member.membership->index_ = membership.index_;
    members_.pop_back();
    --shared_->members;
    if (members_.empty()) {
        shared_->loops &= ~bit_;
    }
}

// Other loops first: that fails before any member has got it, or not at all.

void LocalGroup::send(const Message& message) {
    if (has_others()) {
        groups_->batch_->add({shared_, message});
    }
    deliver(message);
}

void LocalGroup::close(std::uint16_t code, std::string_view reason) {
    const auto info = std::make_shared<const CloseInfo>(CloseInfo{code, std::string{reason}});
    if (has_others()) {
        groups_->batch_->add({shared_, {}, info});
    }
    close_members(*info);
}

void LocalGroup::deliver(const Message& message) {
    constexpr std::size_t kAhead = 4;  // members
    wire::PreparedMessage prepared{message};
    const std::size_t count = members_.size();
    for (std::size_t i = 0; i < std::min(kAhead, count); ++i) {
        members_[i].connection->prepare_to_deliver();
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (i + kAhead < count) {
            members_[i + kAhead].connection->prepare_to_deliver();
        }
        members_[i].connection->deliver(prepared);
    }
}

void LocalGroup::close_members(const CloseInfo& info) {
    for (const Member& member : members_) {
        member.connection->close_for_others(info.code, info.reason);
    }
}

void LocalGroup::on_messages_lost() {
    LoopServices::of(Loop::current()).counters->count(Limit::kMailboxBytes);
    for (const Member& member : members_) {
        member.connection->on_messages_lost();
    }
}

}  // namespace c10k
