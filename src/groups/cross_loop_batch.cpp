#include "groups/cross_loop_batch.hpp"

#include "groups/local_group.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <utility>

namespace c10k {
namespace {

using Entry = CrossLoopBatch::Entry;
using Entries = std::vector<Entry>;

// The memory that waits with the entries. A message to several loops counts for each of them.
std::size_t bytes_of(const Entries& entries) noexcept {
    std::size_t bytes = entries.size() * sizeof(Entry);
    for (const Entry& entry : entries) {
        bytes += entry.message.size();
    }
    return bytes;
}

// Drops the messages for a loop without room, and keeps the notices that it has to get all the same.
void drop_messages(Entries& entries, std::uint64_t bit) noexcept {
    std::erase_if(entries, [bit](Entry& entry) {
        if (entry.close) {
            return false;
        }
        entry.message = {};
        entry.is_lost = true;
        return (entry.group->lost.fetch_or(bit) & bit) != 0;  // a job that tells of it is on its way already
    });
}

void run_entry(const Entry& entry, std::size_t loop) {
    if (entry.is_lost) {
        entry.group->lost &= ~loop_bit(loop);
    }
    LocalGroup* group = entry.group->local_groups[loop];
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

// On loop number `loop`. An entry that fails leaves the others alone.
void run_entries(const Entries& entries, std::size_t loop) {
    std::exception_ptr failure;
    for (const Entry& entry : entries) {
        try {
            run_entry(entry, loop);
        } catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace

CrossLoopBatch::CrossLoopBatch(GroupDirectory& directory, std::size_t loop)
    : directory_(directory), loop_(loop), entries_(directory.loops()), jobs_(directory.loops()) {}

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
        if (!jobs_[loop]) {
            auto entries = std::make_shared<Entries>();
            jobs_[loop] = make_job([entries, loop] { run_entries(*entries, loop); });
            entries_[loop] = std::move(entries);
        }
        if (Entries& entries = *entries_[loop]; entries.size() == entries.capacity()) {
            entries.reserve(std::max<std::size_t>(4, 2 * entries.size()));
        }
    }
    Loop::current().at_end_of_turn(*this);
    for (std::uint64_t left = others; left != 0; left &= left - 1) {
        entries_[static_cast<std::size_t>(std::countr_zero(left))]->push_back(entry);  // for which there is room
    }
}

void CrossLoopBatch::end_turn() noexcept {
    const std::shared_ptr<std::atomic<bool>> gate = std::move(gate_);
    std::uint64_t put = 0;
    for (std::size_t loop = 0; loop < jobs_.size(); ++loop) {
        std::unique_ptr<Job> job = std::move(jobs_[loop]);
        const std::shared_ptr<Entries> entries = std::move(entries_[loop]);
        if (!job) {
            continue;
        }
        JobQueue& queue = directory_.job_queue(loop);
        if (!queue.has_room_for(bytes_of(*entries))) {
            drop_messages(*entries, loop_bit(loop));
        }
        if (!entries->empty()) {
            put |= loop_bit(loop);
            queue.put(std::move(job), bytes_of(*entries), gate);
        }
    }
    *gate = true;
    for (; put != 0; put &= put - 1) {
        directory_.job_queue(static_cast<std::size_t>(std::countr_zero(put))).wake();
    }
}

}  // namespace c10k
