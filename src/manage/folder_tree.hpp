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

    // The ones of `folders` to look into: no hidden folders, build folders, node_modules, or folders that git ignores.
    [[nodiscard]] std::vector<std::filesystem::path> without_left_out(std::vector<std::filesystem::path> folders);

    // Git's rules have changed: ask git again, once for each folder, what it ignores.
    void forget_ignored() { is_ignored_.clear(); }

private:
    std::filesystem::path top_;
    std::map<std::filesystem::path, bool> is_ignored_;
};

// The ones of `files` that git does not ignore: all of them if git does not know the folder, or ignores the folder
// itself.
[[nodiscard]] std::vector<std::filesystem::path> without_ignored(const std::filesystem::path& folder,
                                                                 std::vector<std::filesystem::path> files);

// Whether `file` is `folder` or lies below it, by their names.
[[nodiscard]] bool lies_in(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace c10k
