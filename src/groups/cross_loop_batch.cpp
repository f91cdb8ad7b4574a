#include "groups/cross_loop_batch.hpp"

#include "groups/local_group.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <utility>

namespace c10k {

class CrossLoopBatch::Part final : public Job {
public:
    explicit Part(std::size_t loop) noexcept : loop_(loop) {}

    // Takes the memory for one more entry.
    void reserve_one() {
        if (entries_.size() == entries_.capacity()) {
            entries_.reserve(std::max<std::size_t>(4, 2 * entries_.size()));
        }
    }
    // Requires: reserve_one() before.
    void add(const Entry& entry) noexcept { entries_.push_back(entry); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    // The memory that waits with the job. A message to several loops counts for each of them.
    [[nodiscard]] std::size_t bytes() const noexcept;
    // Drops the messages, and leaves what the loop has to learn all the same.
    void drop_messages() noexcept;

    void run() override;

private:
    void run(const Entry& entry) const;

    std::vector<Entry> entries_;
    const std::size_t loop_;
};

std::size_t CrossLoopBatch::Part::bytes() const noexcept {
    std::size_t bytes = entries_.size() * sizeof(Entry);
    for (const Entry& entry : entries_) {
        bytes += entry.message.size();
    }
    return bytes;
}

void CrossLoopBatch::Part::drop_messages() noexcept {
    std::erase_if(entries_, [bit = loop_bit(loop_)](Entry& entry) {
        if (entry.close) {
            return false;
        }
        entry.message = {};
        entry.is_lost = true;
        return (entry.group->lost.fetch_or(bit) & bit) != 0;  // a job that tells of it is on its way already
    });
}

// An entry that fails leaves the others alone.
void CrossLoopBatch::Part::run() {
    std::exception_ptr failure;
    for (const Entry& entry : entries_) {
        try {
            run(entry);
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

void CrossLoopBatch::Part::run(const Entry& entry) const {
    if (entry.is_lost) {
        entry.group->lost &= ~loop_bit(loop_);
    }
    LocalGroup* group = entry.group->local_groups[loop_];
    if (group == nullptr) {
        return;  // its last member here has left
    }
    if (entry.is_lost) {
        group->on_messages_lost();
    } else if (entry.close) {
        group->close_members(*entry.close);
    } else {
        group->deliver(entry.message);
    }
}

CrossLoopBatch::CrossLoopBatch(GroupDirectory& directory, std::size_t loop)
    : directory_(directory), loop_(loop), parts_(directory.loops()) {}

CrossLoopBatch::~CrossLoopBatch() = default;

void CrossLoopBatch::add(const Entry& entry) {
    const std::uint64_t others = entry.group->loops & ~loop_bit(loop_);
    if (others == 0) {
        return;
    }
    if (!gate_) {
        gate_ = std::make_shared<std::atomic<bool>>(false);
    }
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        const auto loop = static_cast<std::size_t>(std::countr_zero(left));
        if (!parts_[loop]) {
            parts_[loop] = std::make_unique<Part>(loop);
        }
        parts_[loop]->reserve_one();
    }
    Loop::current().at_end_of_turn(*this);
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        parts_[static_cast<std::size_t>(std::countr_zero(left))]->add(entry);
    }
}

void CrossLoopBatch::end_turn() noexcept {
    const std::shared_ptr<std::atomic<bool>> gate = std::move(gate_);
    std::uint64_t put = 0;
    for (std::size_t loop = 0; loop < parts_.size(); ++loop) {
        std::unique_ptr<Part> part = std::move(parts_[loop]);
        if (!part) {
            continue;
        }
        JobQueue& queue = directory_.job_queue(loop);
        if (!queue.has_room_for(part->bytes())) {
            part->drop_messages();
        }
        if (!part->empty()) {
            put |= loop_bit(loop);
            const std::size_t bytes = part->bytes();
            queue.put(std::move(part), bytes, gate);
        }
    }
    *gate = true;
    for (; put != 0; put &= put - 1) {
        directory_.job_queue(static_cast<std::size_t>(std::countr_zero(put))).wake();
    }
}

}  // namespace c10k
