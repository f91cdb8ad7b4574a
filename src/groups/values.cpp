#include "c10k/values.hpp"

namespace c10k {

Task<std::optional<std::string>> Values::get(std::string name) {
    const std::lock_guard lock{mutex_};
    const auto found = values_.find(name);
    co_return found == values_.end() ? std::nullopt : std::optional{found->second};
}

Task<> Values::set(std::string name, std::string value) {
    const std::lock_guard lock{mutex_};
    values_[std::move(name)] = std::move(value);
    co_return;
}

Task<bool> Values::compare_and_set(std::string name, std::optional<std::string> expected, std::string value) {
    const std::lock_guard lock{mutex_};
    const auto found = values_.find(name);
    const std::optional<std::string> present = found == values_.end() ? std::nullopt : std::optional{found->second};
    if (present != expected) {
        co_return false;
    }
    values_[std::move(name)] = std::move(value);
    co_return true;
}

}  // namespace c10k
