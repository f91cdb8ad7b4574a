#include "web/assets.hpp"

#include "c10k/internal/require.hpp"

#include <algorithm>

namespace c10k {

std::string_view asset(std::string_view name) {
    const std::span<const Asset> assets = all_assets();
    const auto found = std::find_if(assets.begin(), assets.end(), [&](const Asset& each) { return each.name == name; });
    internal::require(found != assets.end(), "asset(): there is no such file in src/web/assets");
    return found->text;
}

}  // namespace c10k
