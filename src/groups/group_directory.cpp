#include "groups/group_directory.hpp"

#include "groups/local_group.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <stdexcept>
#include <utility>

namespace c10k {

SharedGroup::~SharedGroup() { hub.forget(name); }

GroupDirectory::GroupDirectory(std::size_t loops) : job_queues_(loops) {
    if (loops > kMaxLoops) {
        throw std::logic_error("a program has at most 64 loops");
    }
}

std::shared_ptr<SharedGroup> GroupDirectory::named(const std::string& name) {
    const std::lock_guard lock{mutex_};
    std::weak_ptr<SharedGroup>& entry = groups_[name];
    std::shared_ptr<SharedGroup> group = entry.lock();
    if (!group) {
        group = std::make_shared<SharedGroup>(*this, name, loops());
        entry = group;
    }
    return group;
}

void GroupDirectory::forget(const std::string& name) {
    const std::lock_guard lock{mutex_};
    const auto found = groups_.find(name);
    if (found != groups_.end() && found->second.expired()) {  // else a new one has taken its place
        groups_.erase(found);
    }
}

// The deliveries of one turn to one loop.
class CrossLoopBatch::Post final : public Job {
public:
    Post(std::size_t loop, std::shared_ptr<const std::atomic<bool>> delivered)
        : loop_(loop), delivered_(std::move(delivered)) {}

    // Takes the memory for one more.
    void make_room() {
        if (deliveries_.size() == deliveries_.capacity()) {
            deliveries_.reserve(std::max<std::size_t>(4, 2 * deliveries_.size()));
        }
    }
    // Requires: there is room.
    void add(const Delivery& delivery) noexcept { deliveries_.push_back(delivery); }
    [[nodiscard]] bool empty() const noexcept { return deliveries_.empty(); }
    // What they hold until they are read. A message for several loops is held once, but by each of them.
    [[nodiscard]] std::size_t bytes() const noexcept;
    // Leaves, for a loop that has no room for messages, only what it has to learn.
    void lose_messages() noexcept;

    [[nodiscard]] bool may_run() const noexcept override { return *delivered_; }
    void read() override;

private:
    [[nodiscard]] std::uint64_t bit() const noexcept { return std::uint64_t{1} << loop_; }
    void hand_over(const Delivery& delivery) const;

    std::vector<Delivery> deliveries_;
    std::size_t loop_;
    std::shared_ptr<const std::atomic<bool>> delivered_;
};

std::size_t CrossLoopBatch::Post::bytes() const noexcept {
    std::size_t bytes = deliveries_.size() * sizeof(Delivery);
    for (const Delivery& delivery : deliveries_) {
        bytes += delivery.message.size();
    }
    return bytes;
}

void CrossLoopBatch::Post::lose_messages() noexcept {
    std::erase_if(deliveries_, [this](Delivery& delivery) {
        if (delivery.close) {
            return false;
        }
        delivery.message = {};
        delivery.is_lost = true;
        return (delivery.group->lost.fetch_or(bit()) & bit()) != 0;  // once until it has read that
    });
}

// One that fails leaves the others alone.
void CrossLoopBatch::Post::read() {
    std::exception_ptr failure;
    for (const Delivery& delivery : deliveries_) {
        try {
            hand_over(delivery);
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void CrossLoopBatch::Post::hand_over(const Delivery& delivery) const {
    if (delivery.is_lost) {
        delivery.group->lost &= ~bit();
    }
    LocalGroup* room = delivery.group->rooms[loop_];
    if (room == nullptr) {
        return;  // its last member here has left
    }
    if (delivery.is_lost) {
        room->lose();
    } else if (delivery.close) {
        room->close_members(*delivery.close);
    } else {
        room->deliver(delivery.message);
    }
}

CrossLoopBatch::CrossLoopBatch(GroupDirectory& hub, std::size_t loop)
    : hub_(hub), loop_(loop), gathered_(hub.loops()) {}

CrossLoopBatch::~CrossLoopBatch() = default;

void CrossLoopBatch::add(const Delivery& delivery) {
    const std::uint64_t others = delivery.group->loops & ~(std::uint64_t{1} << loop_);
    if (others == 0) {
        return;
    }
    if (!delivered_) {
        delivered_ = std::make_shared<std::atomic<bool>>(false);
    }
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        const auto loop = static_cast<std::size_t>(std::countr_zero(left));
        if (!gathered_[loop]) {
            gathered_[loop] = std::make_unique<Post>(loop, delivered_);
        }
        gathered_[loop]->make_room();
    }
    Loop::current().at_end_of_turn(*this);
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        gathered_[static_cast<std::size_t>(std::countr_zero(left))]->add(delivery);
    }
}

void CrossLoopBatch::end_turn() noexcept {
    const std::shared_ptr<std::atomic<bool>> delivered = std::exchange(delivered_, nullptr);
    std::uint64_t to = 0;
    for (std::size_t loop = 0; loop < gathered_.size(); ++loop) {
        std::unique_ptr<Post> post = std::move(gathered_[loop]);
        if (!post) {
            continue;
        }
        if (!hub_.job_queue(loop).has_room_for(post->bytes())) {
            post->lose_messages();
        }
        if (!post->empty()) {
            to |= std::uint64_t{1} << loop;
            const std::size_t bytes = post->bytes();
            hub_.job_queue(loop).put(std::move(post), bytes);
        }
    }
    *delivered = true;
    for (; to != 0; to &= to - 1) {
        hub_.job_queue(static_cast<std::size_t>(std::countr_zero(to))).wake();
    }
}

}  // namespace c10k
