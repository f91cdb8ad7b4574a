#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <vector>

namespace c10k {

// The folders of a project in which its sources are. Others, which may have very many files, are not looked into.
class FolderTree {
public:
    explicit FolderTree(std::filesystem::path top);

    [[nodiscard]] const std::filesystem::path& top() const noexcept { return top_; }

    // Calls `enter` with every folder from `below` on, and `visit` with every file in them. Follows symbolic links, but
    // not to a folder that it comes from.
    void walk(const std::filesystem::path& below, const std::function<void(const std::filesystem::path&)>& enter,
              const std::function<void(const std::filesystem::directory_entry&)>& visit);

    // Those of `folders` that are looked into: not hidden ones, build folders, node_modules, and what git ignores.
    [[nodiscard]] std::vector<std::filesystem::path> without_left_out(std::vector<std::filesystem::path> folders);

    // Git's rules have changed. What it ignores is asked once for each folder.
    void forget_ignored() { is_ignored_.clear(); }

private:
    std::filesystem::path top_;
    std::map<std::filesystem::path, bool> is_ignored_;
};

// Those of `files` that git does not ignore: all of them if it does not know the folder, or ignores that itself.
[[nodiscard]] std::vector<std::filesystem::path> without_ignored(const std::filesystem::path& folder,
                                                                 std::vector<std::filesystem::path> files);

// Whether `file` is `folder` or lies below it, by their names.
[[nodiscard]] bool lies_in(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace c10k
