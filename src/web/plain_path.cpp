#include "web/plain_path.hpp"

#include <algorithm>

namespace c10k {

bool is_plain_path(std::string_view path) noexcept {
    constexpr std::string_view kRefused{"\\\0", 2};
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view part = path.substr(start, end - start);
        if (part.empty() || part.starts_with('.') || part.find_first_of(kRefused) != std::string_view::npos) {
            return false;
        }
        start = end + 1;
    }
    return true;
}

}  // namespace c10k
