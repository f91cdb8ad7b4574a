#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace c10k {

// Sees changes of files below a folder, and behind the symbolic links in it. It does not even look into build folders,
// hidden ones, node_modules, and folders that git ignores.
class Watcher {
public:
    virtual ~Watcher() = default;

    // A descriptor that can be read when something has changed; -1 if there is none, and look() has to be called now
    // and then.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
    // The files that have changed, come or gone since the last call, under the names that they have below the folder. A
    // path that ends with a slash is a folder that was taken away with all that was in it.
    virtual std::vector<std::filesystem::path> look() = 0;
    // The reason why the kernel reports no changes, so that the watcher polls the files, and a cure; a text for the
    // user. Empty if the kernel reports changes, or was not asked to.
    [[nodiscard]] virtual std::string limitation() const { return {}; }
};

// By inotify, and by poll() from the moment on at which the kernel does not watch so many folders.
[[nodiscard]] std::unique_ptr<Watcher> watch(const std::filesystem::path& folder);
// Compares times and sizes, for file systems that report no changes: those of other machines.
[[nodiscard]] std::unique_ptr<Watcher> poll(const std::filesystem::path& folder);

}  // namespace c10k
