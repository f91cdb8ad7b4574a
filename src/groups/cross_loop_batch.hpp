#pragma once

#include "c10k/message.hpp"
#include "groups/group_directory.hpp"
#include "loop/loop.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace c10k {

// One loop's messages of one turn to members on other loops. They gather during the turn; the end of the turn puts one
// job into the queue of each loop concerned. add() allocates all memory, so that the end of the turn cannot fail.
//
// The jobs of a turn share a gate, which opens when all are put. So the effects of a message of this turn come after
// the other messages of this turn, on every loop.
//
// A loop whose queue is full gets no messages, but learns of each group in which it has lost some.
class CrossLoopBatch final : private EndOfTurn {
public:
    // The batch of the loop with that number.
    CrossLoopBatch(GroupDirectory& directory, std::size_t loop);

    struct Entry {
        std::shared_ptr<SharedGroup> group;
        Message message;
        std::shared_ptr<const CloseInfo> close = nullptr;  // instead of the message
        bool is_lost = false;                              // the message: there was no room for it
    };
    // Adds `entry` for every other loop where the group has members. Throws std::bad_alloc, and then for none.
    void add(const Entry& entry);

private:
    void end_turn() noexcept override;

    GroupDirectory& directory_;
    const std::size_t loop_;
    // By loop: what the turn has for it so far, and the job that holds these entries too. Null if there is nothing.
    std::vector<std::shared_ptr<std::vector<Entry>>> entries_;
    std::vector<std::unique_ptr<Job>> jobs_;
    std::shared_ptr<std::atomic<bool>> gate_;  // of the jobs
};
static_assert(std::is_nothrow_copy_constructible_v<CrossLoopBatch::Entry>);

}  // namespace c10k
