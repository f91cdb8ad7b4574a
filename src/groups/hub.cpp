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

namespace {

// What they hold until they are read. A message for several loops is held once, but by each of them.
std::size_t bytes_of(const std::vector<Outgoing::Delivery>& deliveries) {
    std::size_t bytes = deliveries.size() * sizeof(Outgoing::Delivery);
    for (const Outgoing::Delivery& delivery : deliveries) {
        bytes += delivery.message.size();
    }
    return bytes;
}

}  // namespace

// The deliveries of one turn to one loop.
class Outgoing::Post final : public Letter {
public:
    Post(std::vector<Delivery> deliveries, std::size_t loop, std::shared_ptr<const std::atomic<bool>> delivered)
        : deliveries_(std::move(deliveries)), loop_(loop), delivered_(std::move(delivered)) {}

    [[nodiscard]] bool may_be_read() const noexcept override { return *delivered_; }
    void read() override {
        for (const Delivery& delivery : deliveries_) {
            if (delivery.is_lost) {
                delivery.group->lost &= ~(std::uint64_t{1} << loop_);
            }
            Room* room = delivery.group->rooms[loop_];
            if (room == nullptr) {
                continue;  // its last member here has left
            }
            if (delivery.is_lost) {
                room->lose();
            } else if (delivery.close) {
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

void Outgoing::lose_messages(std::vector<Delivery>& deliveries, std::uint64_t loop_bit) {
    std::erase_if(deliveries, [loop_bit](Delivery& delivery) {
        if (delivery.close) {
            return false;
        }
        delivery.message = {};
        delivery.is_lost = true;
        return (delivery.group->lost.fetch_or(loop_bit) & loop_bit) != 0;  // once until it has read that
    });
}

void Outgoing::end_turn() {
    const auto delivered = std::make_shared<std::atomic<bool>>(false);
    std::uint64_t to = 0;
    for (std::size_t loop = 0; loop < gathered_.size(); ++loop) {
        if (gathered_[loop].empty()) {
            continue;
        }
        std::vector<Delivery> deliveries = std::exchange(gathered_[loop], {});
        const std::uint64_t bit = std::uint64_t{1} << loop;
        std::size_t bytes = bytes_of(deliveries);
        if (!hub_.mailbox(loop).has_room_for(bytes)) {
            lose_messages(deliveries, bit);
            bytes = bytes_of(deliveries);
        }
        if (!deliveries.empty()) {
            to |= bit;
            hub_.mailbox(loop).put(std::make_unique<Post>(std::move(deliveries), loop, delivered), bytes);
        }
    }
    *delivered = true;
    for (; to != 0; to &= to - 1) {
        hub_.mailbox(static_cast<std::size_t>(std::countr_zero(to))).wake();
    }
}

}  // namespace c10k
