#include "manage/folder_tree.hpp"

#include "manage/process.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

// A folder that many links lead to is looked at under so many of its paths.
constexpr int kMaxPaths = 8;
// The arguments of one command line, whose length the kernel bounds at some megabytes.
constexpr std::size_t kMaxArguments = 500;

bool is_left_out(const fs::path& folder) {
    std::error_code ignored;
    const fs::path name = folder.filename();
    return name.string().starts_with('.') || name == "node_modules" || fs::exists(folder / "CMakeCache.txt", ignored);
}

// Which of the files git ignores. It does not take paths through symbolic links, or out of `folder`.
std::set<fs::path> ignored_of(const fs::path& folder, const std::vector<fs::path>& files) {
    std::set<fs::path> ignored;
    for (std::size_t begin = 0; begin < files.size(); begin += kMaxArguments) {
        // Without this, git would write characters outside ASCII as numbers.
        std::vector<std::string> command{"git", "-C", folder, "-c", "core.quotePath=false", "check-ignore", "--"};
        const auto first = files.begin() + static_cast<std::ptrdiff_t>(begin);
        command.insert(command.end(), first,
                       first + static_cast<std::ptrdiff_t>(std::min(kMaxArguments, files.size() - begin)));
        std::istringstream lines{output_of(command)};
        for (std::string line; std::getline(lines, line);) {
            ignored.insert(line);
        }
    }
    return ignored;
}

}  // namespace

FolderTree::FolderTree(fs::path top) : top_(std::move(top)) {}

void FolderTree::walk(const fs::path& below, const std::function<void(const fs::path&)>& enter,
                      const std::function<void(const fs::directory_entry&)>& visit) {
    std::map<fs::path, int> paths;  // that a folder was seen under, by its own
    std::vector<fs::path> level{below};
    while (!level.empty()) {  // one after the other, so that git is asked only once for each
        std::vector<fs::path> next;
        for (const fs::path& folder : level) {
            enter(folder);
            std::error_code error;  // folders come and go while we look
            for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{};
                 entry.increment(error)) {
                std::error_code broken;
                if (!entry->is_directory(broken)) {
                    visit(*entry);
                    continue;
                }
                const fs::path own = fs::canonical(entry->path(), broken);
                const bool comes_from_it = entry->is_symlink(broken) && lies_in(own, fs::canonical(folder, broken));
                if (!broken && !comes_from_it && ++paths[own] <= kMaxPaths) {
                    next.push_back(entry->path());
                }
            }
        }
        level = without_left_out(std::move(next));
    }
}

std::vector<fs::path> FolderTree::without_left_out(std::vector<fs::path> folders) {
    std::erase_if(folders, is_left_out);
    std::vector<fs::path> unknown;
    std::copy_if(folders.begin(), folders.end(), std::back_inserter(unknown),
                 [this](const fs::path& folder) { return !is_ignored_.contains(folder); });
    const std::vector<fs::path> seen = without_ignored(top_, unknown);
    for (const fs::path& folder : unknown) {
        is_ignored_[folder] = std::find(seen.begin(), seen.end(), folder) == seen.end();
    }
    std::erase_if(folders, [this](const fs::path& folder) { return is_ignored_[folder]; });
    return folders;
}

std::vector<fs::path> without_ignored(const fs::path& folder, std::vector<fs::path> files) {
    if (files.empty()) {
        return files;
    }
    std::error_code error;
    const fs::path top = fs::weakly_canonical(folder, error);
    const auto own_path = [&error](const fs::path& file) {
        return fs::weakly_canonical(file.parent_path(), error) / file.filename();
    };
    std::vector<fs::path> asked{top};
    for (const fs::path& file : files) {
        if (fs::path path = own_path(file); lies_in(top, path)) {
            asked.push_back(std::move(path));
        }
    }
    const std::set<fs::path> ignored = ignored_of(top, asked);
    if (!ignored.contains(top)) {  // otherwise it lies somewhere in another repository
        std::erase_if(files, [&](const fs::path& file) { return ignored.contains(own_path(file)); });
    }
    return files;
}

bool lies_in(const fs::path& folder, const fs::path& file) {
    return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

}  // namespace c10k
