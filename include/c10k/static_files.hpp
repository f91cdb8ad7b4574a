#pragma once

#include "c10k/http.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

// Files that are served as they are:
//
//     path("static/<path:file>", &services.static_files, &StaticFiles::serve)
//
// Only regular files inside the folders, also through symbolic links; nothing that is hidden ("." in front).
class StaticFiles {
public:
    // A larger file is an error, also of Response::file().
    static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;

    StaticFiles() = default;
    explicit StaticFiles(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}

    // Folders are searched in the order in which they came.
    void add_folder(std::filesystem::path folder) { folders_.push_back(std::move(folder)); }
    [[nodiscard]] const std::vector<std::filesystem::path>& folders() const noexcept { return folders_; }

    // Response::file() of the first that there is. Throws NotFound.
    Response serve(const Request& request, std::string_view file) const;

private:
    std::vector<std::filesystem::path> folders_;
};

}  // namespace c10k
