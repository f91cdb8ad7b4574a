#include "manage/watcher.hpp"

#include "manage/process.hpp"
#include "web/folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <poll.h>
#include <string>
#include <vector>

namespace c10k {
namespace {

namespace fs = std::filesystem;

enum class Kind { kInotify, kPolling };

std::string kind_name(const testing::TestParamInfo<Kind>& info) {
    return info.param == Kind::kInotify ? "inotify" : "polling";
}

class WatcherTest : public testing::TestWithParam<Kind> {
protected:
    void begin() { watcher = GetParam() == Kind::kInotify ? watch(folder.path()) : poll(folder.path()); }

    // The names of what has changed.
    std::vector<std::string> look() const {
        std::vector<std::string> names;
        for (const fs::path& file : watcher->look()) {
            names.push_back(file.lexically_relative(folder.path()).string());
        }
        return names;
    }

    Folder folder;
    std::unique_ptr<Watcher> watcher;
};

using Names = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(Watchers, WatcherTest, testing::Values(Kind::kInotify, Kind::kPolling), kind_name);

TEST_P(WatcherTest, SeesWhatIsWrittenRenamedAndRemoved) {
    folder.write("old.cpp", "old");
    folder.write("a/b/c.cpp", "");
    begin();
    EXPECT_EQ(look(), Names{});
    folder.write("new.cpp", "new");
    folder.write("a/b/c.cpp", "more");
    EXPECT_EQ(look(), (Names{"a/b/c.cpp", "new.cpp"}));
    EXPECT_EQ(look(), Names{});
    fs::rename(folder.path() / "new.cpp", folder.path() / "renamed.cpp");
    fs::remove(folder.path() / "old.cpp");
    EXPECT_EQ(look(), (Names{"new.cpp", "old.cpp", "renamed.cpp"}));
}

TEST_P(WatcherTest, SeesWhatIsInANewFolder) {
    begin();
    folder.write("new/inner/page.html", "");
    (void)look();  // inotify may see the outer folder only after the inner one is there
    folder.write("new/inner/page.html", "changed");
    EXPECT_EQ(look(), Names{"new/inner/page.html"});
}

TEST_P(WatcherTest, LeavesOutHiddenFoldersAndThoseOfBuilds) {
    folder.write("out/CMakeCache.txt", "");
    folder.write(".git/index", "");
    begin();
    folder.write("out/made.cpp", "");
    folder.write(".git/HEAD", "");
    folder.write("seen.cpp", "");
    EXPECT_EQ(look(), Names{"seen.cpp"});
}

TEST(Watcher, CanBeWaitedForWhereTheKernelTells) {
    const Folder folder;
    const auto watcher = watch(folder.path());
    pollfd ready{watcher->descriptor(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 0), 0);
    folder.write("seen.cpp", "");
    EXPECT_EQ(::poll(&ready, 1, 0), 1);
}

TEST(WithoutIgnored, AsksGit) {
    const Folder folder;
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "*.log\nmade/\n");
    const std::vector<fs::path> files{folder.path() / "a.cpp", folder.path() / "b.log", folder.path() / "made/c.cpp"};
    EXPECT_EQ(without_ignored(folder.path(), files), std::vector<fs::path>{folder.path() / "a.cpp"});
}

TEST(WithoutIgnored, LeavesOutNothingWhereGitKnowsNothing) {
    const Folder folder;
    const std::vector<fs::path> files{folder.path() / "a.cpp"};
    EXPECT_EQ(without_ignored(folder.path(), files), files);
    EXPECT_EQ(without_ignored(folder.path(), {}), std::vector<fs::path>{});
}

}  // namespace
}  // namespace c10k
