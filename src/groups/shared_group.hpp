#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace c10k {

class GroupDirectory;
class LocalGroup;

// The bit of loop number `loop` in SharedGroup.
[[nodiscard]] constexpr std::uint64_t loop_bit(std::size_t loop) noexcept { return std::uint64_t{1} << loop; }

// The state of one group that all loops of a program share. It exists as long as a loop has the group, or a message to
// it is on its way.
struct SharedGroup {
    SharedGroup(GroupDirectory& its_directory, std::string its_name, std::size_t loop_count)
        : directory(its_directory), name(std::move(its_name)), local_groups(loop_count) {}
    ~SharedGroup();
    SharedGroup(const SharedGroup&) = delete;
    SharedGroup& operator=(const SharedGroup&) = delete;

    GroupDirectory& directory;
    const std::string name;
    std::atomic<std::uint32_t> members{0};
    std::atomic<std::uint64_t> loops{0};    // the bits of those that have members; each loop changes its own
    std::atomic<std::uint64_t> lost{0};     // the bits of those with a job on its way that tells of lost messages
    std::vector<LocalGroup*> local_groups;  // by loop; each loop reads and writes only its own
};

}  // namespace c10k
