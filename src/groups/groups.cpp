#include "c10k/groups.hpp"

#include "groups/cross_loop_batch.hpp"
#include "groups/local_group.hpp"
#include "wire/protocol.hpp"

namespace c10k {

// ---- Membership

Membership::Membership(Membership&& other) noexcept
    : EndsWithView(), local_(std::move(other.local_)), index_(other.index_), count_(other.count_) {
    replace(other);
    if (local_) {
        local_->moved(*this);
    }
}

Membership& Membership::operator=(Membership&& other) noexcept {
    if (this != &other) {
        leave();
        replace(other);
        local_ = std::move(other.local_);
        index_ = other.index_;
        count_ = other.count_;
        if (local_) {
            local_->moved(*this);
        }
    }
    return *this;
}

void Membership::leave() noexcept {
    if (local_) {
        local_->remove(*this);
        local_.reset();
    }
}

// ---- Group

Task<Membership> Group::join(WebSocket& socket) {
    local_->check_thread("Group::join()");
    Membership membership;
    local_->add(membership, socket.connection());
    membership.local_ = local_;
    co_return std::move(membership);
}

void Group::send(const Message& message) {
    local_->check_thread("Group::send()");
    local_->send(message);
}

void Group::close(std::uint16_t code, std::string_view reason) {
    wire::check_close(code, reason);  // here, where the caller learns of it
    local_->check_thread("Group::close()");
    local_->close(code, reason);
}

std::size_t Group::count() const {
    local_->check_thread("Group::count()");
    return local_->count();
}

// ---- Groups

Groups::Groups() : Groups(std::make_shared<GroupDirectory>(1), 0) {}

Groups::Groups(std::shared_ptr<GroupDirectory> directory, std::size_t loop)
    : directory_(std::move(directory)), loop_(loop), batch_(std::make_unique<CrossLoopBatch>(*directory_, loop)) {
    internal::require(loop < directory_->loops(), "Groups: a GroupDirectory has one place for each loop");
    if (directory_->loops() > 1) {
        directory_->enter(loop, Loop::current().job_queue());
    }
}

Groups::~Groups() {
    for (const auto& [name, kept] : std::exchange(local_groups_, {})) {
        if (const std::shared_ptr<LocalGroup> group = kept.lock()) {
            group->outlive_groups();
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
    std::weak_ptr<LocalGroup>& kept = local_groups_[name];
    std::shared_ptr<LocalGroup> found = kept.lock();
    if (!found) {
        found = std::make_shared<LocalGroup>(*this, name);
        kept = found;
    }
    return Group{std::move(found)};
}

}  // namespace c10k
