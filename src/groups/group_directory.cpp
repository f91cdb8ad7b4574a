#include "groups/group_directory.hpp"

#include <stdexcept>
#include <utility>

namespace c10k {

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

SharedGroup::~SharedGroup() { directory.forget(name); }

}  // namespace c10k
