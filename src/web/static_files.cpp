#include "c10k/web.hpp"
#include "web/file.hpp"
#include "web/open_file.hpp"
#include "web/plain_path.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

// A file inside a folder. Empty if it is none or lies elsewhere.
std::optional<OpenFile> find_inside(const fs::path& folder, std::string_view file) {
    if (auto found = OpenFile::find_beneath(folder, file)) {
        return found;
    }
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
    return end == root.end() && parted != found.end() ? std::optional{OpenFile{found.string()}} : std::nullopt;
}

}  // namespace

Response StaticFiles::serve(const Request& request, std::string_view file) const {
    for (auto folder = folders_.begin(); is_plain_path(file) && folder != folders_.end(); ++folder) {
        if (auto found = find_inside(*folder, file)) {
            return file_response(request, *std::move(found));
        }
    }
    throw NotFound("no static file " + std::string{file});
}

}  // namespace c10k
