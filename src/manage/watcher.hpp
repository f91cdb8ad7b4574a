#pragma once

#include <filesystem>
#include <memory>
#include <vector>

namespace c10k {

// What has changed below a folder. Build folders, hidden ones and what git ignores are left out.
class Watcher {
public:
    virtual ~Watcher() = default;

    // A descriptor that can be read when something has changed; -1 if there is none, and look() has to be called now
    // and then.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
    // The files that have changed, come or gone since the last call.
    virtual std::vector<std::filesystem::path> look() = 0;
};

// By inotify. Throws std::runtime_error with a text for the user if the kernel does not watch so many folders.
[[nodiscard]] std::unique_ptr<Watcher> watch(const std::filesystem::path& folder);
// By comparing times and sizes, for file systems that tell nothing: those of other machines.
[[nodiscard]] std::unique_ptr<Watcher> poll(const std::filesystem::path& folder);

// Those of `files` that git does not ignore: all of them if it does not know the folder.
[[nodiscard]] std::vector<std::filesystem::path> without_ignored(const std::filesystem::path& folder,
                                                                 std::vector<std::filesystem::path> files);

}  // namespace c10k
