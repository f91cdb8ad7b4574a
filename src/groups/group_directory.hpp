#pragma once

#include "groups/shared_group.hpp"
#include "loop/job_queue.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace c10k {

// The groups of a program by their names, and the job queue of each loop, for all its loops. Each loop has its Groups
// around it.
class GroupDirectory {
public:
    // One for each bit of SharedGroup::loops.
    static constexpr std::size_t kMaxLoops = 64;

    // Throws std::logic_error for more loops than kMaxLoops.
    explicit GroupDirectory(std::size_t loops);
    GroupDirectory(const GroupDirectory&) = delete;
    GroupDirectory& operator=(const GroupDirectory&) = delete;

    [[nodiscard]] std::size_t loops() const noexcept { return job_queues_.size(); }
    // Called once for each loop, on its thread, before it has members.
    void enter(std::size_t loop, std::shared_ptr<JobQueue> job_queue) { job_queues_[loop] = std::move(job_queue); }
    // Requires: the loop has members, or had some.
    [[nodiscard]] JobQueue& job_queue(std::size_t loop) noexcept { return *job_queues_[loop]; }

    // Takes a lock: keep the group that it returns.
    [[nodiscard]] std::shared_ptr<SharedGroup> named(const std::string& name);

private:
    friend struct SharedGroup;

    void forget(const std::string& name);

    std::vector<std::shared_ptr<JobQueue>> job_queues_;
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<SharedGroup>> groups_;  // in order, not hashed: decision 10
};

}  // namespace c10k
