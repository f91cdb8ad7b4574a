#include "manage/watcher.hpp"

#include "manage/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
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

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

// A folder whose files are no source of the program.
bool is_left_out(const fs::path& folder) {
    std::error_code ignored;
    return folder.filename().string().starts_with('.') || fs::exists(folder / "CMakeCache.txt", ignored);
}

// Calls `visit` with every file below `folder`, and `enter` with every folder, itself included.
void walk(const fs::path& folder, const std::function<void(const fs::path&)>& enter,
          const std::function<void(const fs::directory_entry&)>& visit) {
    enter(folder);
    std::error_code error;  // folders come and go while we look
    for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{};
         entry.increment(error)) {
        if (entry->is_symlink(error)) {
            continue;
        }
        if (!entry->is_directory(error)) {
            visit(*entry);
        } else if (!is_left_out(entry->path())) {
            walk(entry->path(), enter, visit);
        }
    }
}

class InotifyWatcher final : public Watcher {
public:
    explicit InotifyWatcher(fs::path folder)
        : folder_(std::move(folder)), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
        if (inotify_ < 0) {
            throw std::system_error(errno, std::system_category(), "inotify");
        }
        add(folder_, [](const fs::directory_entry&) {});
    }
    ~InotifyWatcher() override { ::close(inotify_); }
    InotifyWatcher(const InotifyWatcher&) = delete;
    InotifyWatcher& operator=(const InotifyWatcher&) = delete;

    [[nodiscard]] int descriptor() const noexcept override { return inotify_; }

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
    void add(const fs::path& below, const std::function<void(const fs::directory_entry&)>& visit) {
        walk(
            below,
            [this](const fs::path& folder) {
                const int id = ::inotify_add_watch(inotify_, folder.c_str(), kChanges | IN_ONLYDIR);
                if (id >= 0) {
                    folders_[id] = folder;
                } else if (errno != ENOENT && errno != ENOTDIR) {
                    throw std::runtime_error(
                        "cannot watch " + folder.string() + ": " + std::system_category().message(errno) +
                        "; raise fs.inotify.max_user_watches, or look at the files now and then with --poll");
                }
            },
            visit);
    }

    void note(const inotify_event& event, std::set<fs::path>& changed) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {  // too much to tell: anything may have changed
            add(folder_, [&](const fs::directory_entry& file) { changed.insert(file.path()); });
            return;
        }
        const auto folder = folders_.find(event.wd);
        if (folder == folders_.end()) {
            return;
        }
        if ((event.mask & IN_IGNORED) != 0) {
            folders_.erase(folder);
            return;
        }
        const fs::path path = folder->second / event.name;
        if ((event.mask & IN_ISDIR) == 0) {
            changed.insert(path);
        } else if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && !is_left_out(path)) {
            add(path, [&](const fs::directory_entry& file) { changed.insert(file.path()); });
        }
    }

    fs::path folder_;
    int inotify_;
    std::unordered_map<int, fs::path> folders_;
};

class PollingWatcher final : public Watcher {
public:
    explicit PollingWatcher(fs::path folder) : folder_(std::move(folder)), files_(list()) {}

    [[nodiscard]] int descriptor() const noexcept override { return -1; }

    std::vector<fs::path> look() override {
        Files now = list();
        std::vector<std::pair<fs::path, Stamp>> different;
        std::set_symmetric_difference(now.begin(), now.end(), files_.begin(), files_.end(),
                                      std::back_inserter(different));
        files_ = std::move(now);
        std::set<fs::path> changed;
        for (const auto& [file, stamp] : different) {
            changed.insert(file);
        }
        return {changed.begin(), changed.end()};
    }

private:
    using Stamp = std::pair<fs::file_time_type, std::uintmax_t>;
    using Files = std::map<fs::path, Stamp>;

    [[nodiscard]] Files list() const {
        Files files;
        walk(
            folder_, [](const fs::path&) {},
            [&files](const fs::directory_entry& file) {
                std::error_code error;  // it may be gone by now
                const fs::file_time_type time = file.last_write_time(error);
                const std::uintmax_t size = file.file_size(error);
                files[file.path()] = {time, size};
            });
        return files;
    }

    fs::path folder_;
    Files files_;
};

}  // namespace

std::unique_ptr<Watcher> watch(const fs::path& folder) { return std::make_unique<InotifyWatcher>(folder); }

std::unique_ptr<Watcher> poll(const fs::path& folder) { return std::make_unique<PollingWatcher>(folder); }

std::vector<fs::path> without_ignored(const fs::path& folder, std::vector<fs::path> files) {
    if (files.empty()) {
        return files;
    }
    std::vector<std::string> command{"git", "-C", folder, "check-ignore", "--"};
    command.insert(command.end(), files.begin(), files.end());
    const std::string ignored = output_of(command) + '\n';
    std::erase_if(files, [&](const fs::path& file) { return ignored.find(file.string() + '\n') != std::string::npos; });
    return files;
}

}  // namespace c10k
