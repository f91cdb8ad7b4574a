#include "server/subprotocol_table.hpp"

namespace c10k {

SubprotocolTable::Id SubprotocolTable::take(std::string_view name) {
    if (name.empty()) {
        return kNone;
    }
    auto found = ids_.find(name);
    if (found == ids_.end()) {
        if (free_.empty()) {
            if (free_.capacity() == entries_.size()) {
                free_.reserve(2 * entries_.size() + 1);
            }
            entries_.emplace_back();
            free_.push_back(static_cast<Id>(entries_.size()));
        }
        found = ids_.emplace(name, free_.back()).first;
        free_.pop_back();
        entries_[found->second - 1] = {0, &found->first};
    }
    ++entries_[found->second - 1].uses;
    return found->second;
}

void SubprotocolTable::release(Id id) noexcept {
    if (id == kNone || --entries_[id - 1].uses > 0) {
        return;
    }
    ids_.erase(ids_.find(*entries_[id - 1].name));
    free_.push_back(id);
}

std::string_view SubprotocolTable::name(Id id) const noexcept {
    return id == kNone ? std::string_view{} : std::string_view{*entries_[id - 1].name};
}

}  // namespace c10k
