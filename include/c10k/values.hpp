#pragma once

#include "c10k/task.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// The few facts that a program shares, by name: a size, a phase. For more there are databases.
//
// Everything is awaited, so that values may one day live elsewhere; changes of one value are seen in one order by all.
// Thread: any.
class Values {
public:
    Values() = default;
    Values(const Values&) = delete;
    Values& operator=(const Values&) = delete;

    // Empty if it was never set.
    Task<std::optional<std::string>> get(std::string name);
    Task<> set(std::string name, std::string value);
    // Sets the value only if it is `expected` (empty: not set); returns whether it did.
    Task<bool> compare_and_set(std::string name, std::optional<std::string> expected, std::string value);

private:
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace c10k
