#include "groups/hub.hpp"

#include "groups/room.hpp"

#include <bit>
#include <stdexcept>

namespace c10k {

SharedGroup::~SharedGroup() { hub.forget(name); }

Hub::Hub(std::size_t loops) : mailboxes_(loops) {
    if (loops > kMostLoops) {
        throw std::logic_error("a program has at most 64 loops");
    }
}

std::shared_ptr<SharedGroup> Hub::named(const std::string& name) {
    const std::lock_guard lock{mutex_};
    std::weak_ptr<SharedGroup>& entry = groups_[name];
    std::shared_ptr<SharedGroup> group = entry.lock();
    if (!group) {
        group = std::make_shared<SharedGroup>(*this, name, loops());
        entry = group;
    }
    return group;
}

void Hub::forget(const std::string& name) {
    const std::lock_guard lock{mutex_};
    const auto found = groups_.find(name);
    if (found != groups_.end() && found->second.expired()) {  // else a new one has taken its place
        groups_.erase(found);
    }
}

// The deliveries of one turn to one loop.
class Outgoing::Post final : public Letter {
public:
    Post(std::vector<Delivery> deliveries, std::size_t loop, std::shared_ptr<const std::atomic<bool>> delivered)
        : deliveries_(std::move(deliveries)), loop_(loop), delivered_(std::move(delivered)) {}

    [[nodiscard]] bool may_be_read() const noexcept override { return *delivered_; }
    void read() override {
        for (const Delivery& delivery : deliveries_) {
            Room* room = delivery.group->rooms[loop_];
            if (room == nullptr) {
                continue;  // its last member here has left
            }
            if (delivery.close) {
                room->close_members(*delivery.close);
            } else {
                room->deliver(delivery.message);
            }
        }
    }

private:
    std::vector<Delivery> deliveries_;
    std::size_t loop_;
    std::shared_ptr<const std::atomic<bool>> delivered_;
};

void Outgoing::add(const Delivery& delivery) {
    std::uint64_t others = delivery.group->loops & ~(std::uint64_t{1} << loop_);
    if (others != 0) {
        Loop::current().at_end_of_turn(*this);
    }
    for (; others != 0; others &= others - 1) {
        gathered_[static_cast<std::size_t>(std::countr_zero(others))].push_back(delivery);
    }
}

void Outgoing::end_turn() {
    const auto delivered = std::make_shared<std::atomic<bool>>(false);
    std::uint64_t to = 0;
    for (std::size_t loop = 0; loop < gathered_.size(); ++loop) {
        if (!gathered_[loop].empty()) {
            to |= std::uint64_t{1} << loop;
            hub_.mailbox(loop).put(std::make_unique<Post>(std::exchange(gathered_[loop], {}), loop, delivered));
        }
    }
    *delivered = true;
    for (; to != 0; to &= to - 1) {
        hub_.mailbox(static_cast<std::size_t>(std::countr_zero(to))).wake();
    }
}

}  // namespace c10k
