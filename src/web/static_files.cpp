#include "c10k/web.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

// Whether `file` is made of plain names: not empty, not hidden, not "." or "..", without NUL.
bool is_plain(std::string_view file) {
    while (!file.empty()) {
        const std::string_view part = file.substr(0, file.find('/'));
        if (part.empty() || part.starts_with('.') || part.find('\0') != std::string_view::npos) {
            return false;
        }
        file.remove_prefix(std::min(part.size() + 1, file.size()));
    }
    return true;
}

// A file inside a folder, with no symbolic link left in its path. Empty if it is none or lies elsewhere.
std::optional<fs::path> find_inside(const fs::path& folder, std::string_view file) {
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    if (error) {
        return std::nullopt;
    }
    const fs::path found = fs::canonical(root / file, error);
    if (error || !fs::is_regular_file(found, error)) {
        return std::nullopt;
    }
    const auto [end, parted] = std::mismatch(root.begin(), root.end(), found.begin(), found.end());
    return end == root.end() && parted != found.end() ? std::optional{found} : std::nullopt;
}

}  // namespace

Response StaticFiles::serve(const Request& request, std::string_view file) const {
    for (auto folder = folders_.begin(); is_plain(file) && folder != folders_.end(); ++folder) {
        if (const auto found = find_inside(*folder, file)) {
            return Response::file(request, *found);
        }
    }
    throw NotFound("no static file " + std::string{file});
}

}  // namespace c10k
