#include "manage/watcher.hpp"

#include "base/file_state.hpp"
#include "manage/folder_tree.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/inotify.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChanges =
    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

// InotifyWatcher throws this when it cannot go on; the text says why and names a cure.
class CannotWatch : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class InotifyWatcher final : public Watcher {
public:
    // Throws CannotWatch.
    explicit InotifyWatcher(const fs::path& folder)
        : tree_(folder), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
        if (inotify_ < 0) {
            throw CannotWatch("inotify: " + std::system_category().message(errno) +
                              "; `sysctl -w fs.inotify.max_user_instances=1024` as root helps if other programs have "
                              "taken them all");
        }
        try {
            add(folder, nullptr);
        } catch (...) {
            ::close(inotify_);
            throw;
        }
    }
    ~InotifyWatcher() override { ::close(inotify_); }
    InotifyWatcher(const InotifyWatcher&) = delete;
    InotifyWatcher& operator=(const InotifyWatcher&) = delete;

    [[nodiscard]] int descriptor() const noexcept override { return inotify_; }

    // Throws CannotWatch.
    std::vector<fs::path> look() override {
        std::set<fs::path> changed;
        alignas(inotify_event) std::array<char, 64 * 1024> buffer;
        for (ssize_t size = 0; (size = ::read(inotify_, buffer.data(), buffer.size())) > 0;) {
            for (const char* at = buffer.data(); at < buffer.data() + size;) {
                const auto& event = *reinterpret_cast<const inotify_event*>(at);
                note(event, changed);
                at += sizeof event + event.len;
            }
        }
        return {changed.begin(), changed.end()};
    }

private:
    // The kernel watches this folder. Several paths can lead to it, through symbolic links.
    struct Watched {
        std::set<fs::path> paths;
        std::map<std::string, std::set<fs::path>> links;  // to single files in it, by their names
    };

    // Watches all folders from there on. `changed` gets the files in them.
    void add(const fs::path& below, std::set<fs::path>* changed) {
        tree_.walk(
            below,
            [this](const fs::path& folder) {
                if (Watched* watched = watch(folder)) {
                    watched->paths.insert(folder);
                }
            },
            [&](const fs::directory_entry& file) {
                watch_target(file);
                if (changed != nullptr) {
                    changed->insert(file.path());
                }
            });
    }

    // Empty if the folder no longer exists.
    Watched* watch(const fs::path& folder) {
        const int id = ::inotify_add_watch(inotify_, folder.c_str(), kChanges | IN_ONLYDIR);
        if (id >= 0) {
            return &watched_[id];
        }
        if (errno == ENOSPC || errno == ENOMEM) {
            throw CannotWatch("the kernel watches no more folders for this user (" +
                              std::system_category().message(errno) +
                              "); `sysctl -w fs.inotify.max_user_watches=1048576` as root helps");
        }
        return nullptr;  // it is gone, or none of ours
    }

    // A file that is a link changes where it leads to.
    void watch_target(const fs::directory_entry& file) {
        std::error_code error;
        if (!file.is_symlink(error)) {
            return;
        }
        const fs::path target = fs::weakly_canonical(file.path(), error);
        if (error) {
            return;
        }
        if (Watched* watched = watch(target.parent_path())) {
            watched->links[target.filename()].insert(file.path());
        }
    }

    void note(const inotify_event& event, std::set<fs::path>& changed) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {  // too much to tell: anything may have changed
            add(tree_.top(), &changed);
            return;
        }
        const auto found = watched_.find(event.wd);
        if (found == watched_.end()) {
            return;
        }
        if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0 && found->second.paths.contains(tree_.top())) {
            // The kernel does not tell us of another folder in its place: only its path leads there.
            throw CannotWatch("the folder " + tree_.top().string() + " was taken away");
        }
        if ((event.mask & IN_IGNORED) != 0) {
            watched_.erase(found);
            return;
        }
        if (event.len == 0) {
            return;
        }
        const Watched watched = found->second;  // which may change now
        if (const auto links = watched.links.find(event.name); links != watched.links.end()) {
            changed.insert(links->second.begin(), links->second.end());
        }
        for (const fs::path& folder : watched.paths) {
            note_entry(folder / event.name, event.mask, changed);
        }
    }

    void note_entry(const fs::path& path, std::uint32_t mask, std::set<fs::path>& changed) {
        if (path.filename() == ".gitignore") {
            tree_.forget_ignored();
            add(tree_.top(), nullptr);
        }
        if (path.filename() == "CMakeCache.txt" && path.parent_path() != tree_.top()) {
            forget(path.parent_path());  // it becomes a build folder
            return;
        }
        std::error_code error;
        if ((mask & IN_ISDIR) != 0 && (mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
            if (forget(path)) {
                changed.insert(path / "");
            }
        } else if ((mask & IN_ISDIR) != 0 || fs::is_directory(path, error)) {
            add_new(path, changed);
        } else {
            changed.insert(path);
            if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
                watch_target(fs::directory_entry{path, error});
            }
        }
    }

    void add_new(const fs::path& folder, std::set<fs::path>& changed) {
        if (!tree_.without_left_out({folder}).empty()) {
            add(folder, &changed);
        }
    }

    // Whether any folder from there on was watched.
    bool forget(const fs::path& below) {
        bool was_watched = false;
        for (auto watched = watched_.begin(); watched != watched_.end();) {
            auto& [id, entry] = *watched++;
            const std::size_t count =
                std::erase_if(entry.paths, [&](const fs::path& path) { return lies_in(below, path); });
            was_watched = was_watched || count > 0;
            if (count > 0 && entry.paths.empty() && entry.links.empty()) {
                ::inotify_rm_watch(inotify_, id);  // its IN_IGNORED takes it out
            }
        }
        return was_watched;
    }

    FolderTree tree_;
    int inotify_;
    std::unordered_map<int, Watched> watched_;
};

class PollingWatcher final : public Watcher {
public:
    explicit PollingWatcher(const fs::path& folder) : tree_(folder), files_(list()) {}

    [[nodiscard]] int descriptor() const noexcept override { return -1; }

    std::vector<fs::path> look() override {
        Files now = list();
        std::set<fs::path> changed;
        for (const auto& [file, state] : now) {
            const auto known = files_.find(file);
            if (known == files_.end() || known->second != state) {
                changed.insert(file);
            }
        }
        for (const auto& [file, state] : files_) {
            if (!now.contains(file)) {
                changed.insert(file);
            }
        }
        const bool has_other_rules = std::any_of(changed.begin(), changed.end(),
                                                 [](const fs::path& file) { return file.filename() == ".gitignore"; });
        if (has_other_rules) {
            tree_.forget_ignored();
        }
        files_ = std::move(now);
        return {changed.begin(), changed.end()};
    }

private:
    using Files = std::map<fs::path, std::optional<FileState>>;

    [[nodiscard]] Files list() {
        Files files;
        tree_.walk(
            tree_.top(), [](const fs::path&) {},
            [&files](const fs::directory_entry& file) { files[file.path()] = FileState::of(file.path()); });
        return files;
    }

    FolderTree tree_;
    Files files_;
};

// By inotify as long as that is possible.
class AnyWatcher final : public Watcher {
public:
    explicit AnyWatcher(fs::path folder) : folder_(std::move(folder)) {
        try {
            watcher_ = std::make_unique<InotifyWatcher>(folder_);
        } catch (const CannotWatch& error) {
            begin_to_poll(error);
        }
    }

    [[nodiscard]] int descriptor() const noexcept override { return watcher_->descriptor(); }

    std::vector<fs::path> look() override {
        try {
            return watcher_->look();
        } catch (const CannotWatch& error) {
            begin_to_poll(error);
        }
        // Anything may have changed since.
        std::vector<fs::path> files;
        FolderTree tree{folder_};
        tree.walk(
            folder_, [](const fs::path&) {}, [&](const fs::directory_entry& file) { files.push_back(file.path()); });
        return files;
    }

    [[nodiscard]] std::string limitation() const override { return limitation_; }

private:
    void begin_to_poll(const CannotWatch& error) {
        limitation_ = error.what();
        watcher_ = poll(folder_);
    }

    fs::path folder_;
    std::unique_ptr<Watcher> watcher_;
    std::string limitation_;
};

}  // namespace

std::unique_ptr<Watcher> watch(const fs::path& folder) { return std::make_unique<AnyWatcher>(folder); }

std::unique_ptr<Watcher> poll(const fs::path& folder) { return std::make_unique<PollingWatcher>(folder); }

}  // namespace c10k
