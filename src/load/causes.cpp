#include "c10k/load.hpp"
#include "c10k/text.hpp"

#include <algorithm>

namespace c10k::load {
namespace {

constexpr std::size_t kMaxBytes = 300;  // of a cause

}  // namespace

void Causes::add(std::string_view cause, std::uint64_t count) {
    if (count == 0) {
        return;
    }
    total_ += count;
    std::string text = printable(cause.substr(0, kMaxBytes));
    const auto known = counts_.find(text);
    if (known != counts_.end()) {
        known->second += count;
    } else if (counts_.size() < kMax) {
        counts_.emplace(std::move(text), count);
    } else {
        counts_["other causes"] += count;
    }
}

void Causes::merge(const Causes& other) {
    for (const auto& [cause, count] : other.counts_) {
        add(cause, count);
    }
}

std::vector<Causes::Item> Causes::items() const {
    std::vector<Item> items;
    for (const auto& [cause, count] : counts_) {
        items.push_back({cause, count});
    }
    std::stable_sort(items.begin(), items.end(),
                     [](const Item& left, const Item& right) { return left.count > right.count; });
    return items;
}

}  // namespace c10k::load
