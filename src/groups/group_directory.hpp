#pragma once

#include "c10k/message.hpp"
#include "loop/job_queue.hpp"
#include "loop/loop.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

namespace c10k {

class GroupDirectory;
class LocalGroup;

// What the loops of a program know together of one group.
struct SharedGroup {
    SharedGroup(GroupDirectory& its_hub, std::string its_name, std::size_t loops)
        : hub(its_hub), name(std::move(its_name)), rooms(loops) {}
    ~SharedGroup();
    SharedGroup(const SharedGroup&) = delete;
    SharedGroup& operator=(const SharedGroup&) = delete;

    GroupDirectory& hub;
    const std::string name;
    std::atomic<std::uint32_t> members{0};
    std::atomic<std::uint64_t> loops{0};  // the bits of those that have members
    std::atomic<std::uint64_t> lost{0};   // the bits of those that are going to learn that they have lost messages
    std::vector<LocalGroup*> rooms;       // by loop; each belongs to its loop alone
};

// What the loops of a program share of their groups. Each loop has its Groups around it.
class GroupDirectory {
public:
    // The bits of SharedGroup::loops.
    static constexpr std::size_t kMaxLoops = 64;

    // Throws std::logic_error for more loops than kMaxLoops.
    explicit GroupDirectory(std::size_t loops);
    GroupDirectory(const GroupDirectory&) = delete;
    GroupDirectory& operator=(const GroupDirectory&) = delete;

    [[nodiscard]] std::size_t loops() const noexcept { return job_queues_.size(); }
    // Before the loop has members.
    void enter(std::size_t loop, std::shared_ptr<JobQueue> job_queue) { job_queues_[loop] = std::move(job_queue); }
    [[nodiscard]] JobQueue& job_queue(std::size_t loop) noexcept { return *job_queues_[loop]; }

    // Takes a lock: for those who keep what they get.
    [[nodiscard]] std::shared_ptr<SharedGroup> named(const std::string& name);

private:
    friend struct SharedGroup;

    void forget(const std::string& name);

    std::vector<std::shared_ptr<JobQueue>> job_queues_;
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<SharedGroup>> groups_;  // in order, not hashed: decision 10
};

// What one loop has for groups that have members on others. It gathers during a turn and goes out at its end, one
// job for each loop. All memory is taken when something is added: nothing that was added is lost for want of it.
//
// The jobs of a turn may be read only when all are delivered: so whatever anybody does because of a message of
// this turn comes after the other messages of this turn, for everyone.
//
// A loop that has too much to read already gets no messages, but learns of each group in which it has lost some.
class CrossLoopBatch final : private EndOfTurn {
public:
    CrossLoopBatch(GroupDirectory& hub, std::size_t loop);
    ~CrossLoopBatch();

    struct Delivery {
        std::shared_ptr<SharedGroup> group;
        Message message;
        std::shared_ptr<const CloseInfo> close = nullptr;  // instead of the message
        bool is_lost = false;                              // the message, because there was no room for it
    };
    // Adds `delivery` for every other loop where the group has members. Throws std::bad_alloc, and then it goes to
    // none.
    void add(const Delivery& delivery);

private:
    class Post;

    void end_turn() noexcept override;

    GroupDirectory& hub_;
    std::size_t loop_;
    std::vector<std::unique_ptr<Post>> gathered_;   // by loop
    std::shared_ptr<std::atomic<bool>> delivered_;  // whether all of those are
};
static_assert(std::is_nothrow_copy_constructible_v<CrossLoopBatch::Delivery>);

}  // namespace c10k
