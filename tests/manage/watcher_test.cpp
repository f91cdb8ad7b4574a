#include "manage/watcher.hpp"

#include "manage/folder_tree.hpp"
#include "manage/process.hpp"
#include "web/folder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
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

TEST_P(WatcherTest, Row79SeesAnOlderFileOfTheSameTimeAndSizeThatTakesTheirPlace) {
    const fs::path file = folder.write("a.cpp", "old");
    const fs::path other = folder.write("b.txt", "new");
    fs::last_write_time(other, fs::last_write_time(file));
    begin();
    fs::rename(other, file);
    EXPECT_EQ(look(), (Names{"a.cpp", "b.txt"}));
}

TEST_P(WatcherTest, FollowsSymbolicLinks) {
    const Folder elsewhere;
    elsewhere.write("shared/inner/page.html", "");
    const fs::path file = elsewhere.write("single/one.html", "");
    fs::create_directory(folder.path() / "templates");
    fs::create_directory_symlink(elsewhere.path() / "shared", folder.path() / "templates/shared");
    fs::create_symlink(file, folder.path() / "templates/one.html");
    begin();
    elsewhere.write("shared/inner/page.html", "changed");
    EXPECT_EQ(look(), Names{"templates/shared/inner/page.html"});
    fs::rename(elsewhere.write("single/new", "by an editor"), file);
    EXPECT_EQ(look(), Names{"templates/one.html"});
    elsewhere.write("single/one.html", "in place");
    EXPECT_EQ(look(), Names{"templates/one.html"});
}

TEST_P(WatcherTest, FollowsLinksThatAreMadeLater) {
    const Folder elsewhere;
    elsewhere.write("shared/page.html", "");
    begin();
    fs::create_directory_symlink(elsewhere.path() / "shared", folder.path() / "templates");
    EXPECT_EQ(look(), Names{"templates/page.html"});
    elsewhere.write("shared/page.html", "changed");
    EXPECT_EQ(look(), Names{"templates/page.html"});
}

TEST_P(WatcherTest, TellsOfAFileUnderEachOfItsNames) {
    folder.write("a/templates/page.html", "");
    fs::create_directory_symlink("../a/templates", fs::path{folder.write("b/x.txt", "")}.replace_filename("templates"));
    begin();
    folder.write("a/templates/page.html", "changed");
    EXPECT_EQ(look(), (Names{"a/templates/page.html", "b/templates/page.html"}));
}

TEST_P(WatcherTest, EndsWhereLinksLeadBack) {
    folder.write("a/page.html", "");
    folder.write("b/page.html", "");
    fs::create_directory_symlink("..", folder.path() / "a/up");
    fs::create_directory_symlink("/", folder.path() / "a/root");
    fs::create_directory_symlink("../b", folder.path() / "a/other");
    fs::create_directory_symlink("../a", folder.path() / "b/other");
    fs::create_symlink("nowhere", folder.path() / "b/broken.html");
    begin();
    folder.write("a/new.html", "");
    const Names names = look();
    EXPECT_EQ(std::count(names.begin(), names.end(), "a/new.html"), 1);
    EXPECT_LT(names.size(), 20U);
}

TEST_P(WatcherTest, SeesAFolderThatIsMadeAgain) {
    folder.write("a/page.html", "");
    begin();
    fs::remove_all(folder.path() / "a");
    EXPECT_NE(look(), Names{});
    folder.write("a/page.html", "");
    (void)look();
    folder.write("a/page.html", "changed");
    EXPECT_EQ(look(), Names{"a/page.html"});
}

TEST_P(WatcherTest, SeesAFolderThatIsMoved) {
    const Folder elsewhere;
    folder.write("a/inner/page.html", "");
    begin();
    fs::rename(folder.path() / "a", folder.path() / "b");
    const Names moved = look();
    EXPECT_TRUE(std::count(moved.begin(), moved.end(), "b/inner/page.html") == 1);
    folder.write("b/inner/page.html", "changed");
    EXPECT_EQ(look(), Names{"b/inner/page.html"});
    fs::rename(folder.path() / "b", elsewhere.path() / "b");
    EXPECT_EQ(look(), Names{GetParam() == Kind::kInotify ? "b/" : "b/inner/page.html"});
    elsewhere.write("b/inner/page.html", "changed again");
    EXPECT_EQ(look(), Names{});
}

TEST_P(WatcherTest, SeesWhatComesInPlaceOfTheWholeFolder) {
    folder.write("project/page.html", "");
    const fs::path project = folder.path() / "project";
    watcher = GetParam() == Kind::kInotify ? watch(project) : poll(project);
    fs::rename(project, folder.path() / "other");
    (void)look();
    folder.write("project/page.html", "");
    EXPECT_EQ(look(), Names{"project/page.html"});
}

TEST_P(WatcherTest, DoesNotLookIntoWhatGitIgnores) {
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "made/\n");
    folder.write("made/deep/er/page.html", "");
    folder.write("sources/made/page.html", "");
    folder.write("node_modules/page.html", "");
    folder.write("gr\u00fcn/page.html", "");
    begin();
    for (const char* name : {"made/deep/er/page.html", "sources/made/page.html", "node_modules/page.html"}) {
        folder.write(name, "changed");
    }
    folder.write("gr\u00fcn/page.html", "changed");
    folder.write("other/made/page.html", "");
    (void)look();
    folder.write("other/made/page.html", "changed");
    EXPECT_EQ(look(), Names{});
    folder.write(".gitignore", "");
    (void)look();
    folder.write("made/deep/er/page.html", "again");
    (void)look();
    folder.write("made/deep/er/page.html", "and again");
    EXPECT_EQ(look(), Names{"made/deep/er/page.html"});
}

// How many folders the kernel watches for it (proc_pid_fdinfo(5)).
std::size_t watch_count(const Watcher& watcher) {
    std::ifstream lines{"/proc/self/fdinfo/" + std::to_string(watcher.descriptor())};
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
        count += line.starts_with("inotify") ? 1 : 0;
    }
    return count;
}

TEST(Watcher, TakesNoPlaceInTheKernelsTableForWhatGitIgnores) {
    const Folder folder;
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "made/\n");
    folder.write("seen/page.html", "");
    for (int i = 0; i < 100; ++i) {
        folder.write("made/" + std::to_string(i) + "/page.html", "");
        folder.write("node_modules/" + std::to_string(i) + "/page.js", "");
    }
    const auto watcher = watch(folder.path());
    EXPECT_EQ(watch_count(*watcher), 2U);
    folder.write("new/page.html", "");
    (void)watcher->look();
    EXPECT_EQ(watch_count(*watcher), 3U);
    fs::remove_all(folder.path() / "new");
    (void)watcher->look();
    EXPECT_EQ(watch_count(*watcher), 2U);
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

TEST(WithoutIgnored, ComparesWholeNames) {
    const Folder folder;
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "made" + folder.path().string() + "/a.cpp\n" + "gr\u00fcn.cpp\n");
    const std::vector<fs::path> files{folder.path() / "a.cpp",
                                      folder.path() / ("made" + folder.path().string()) / "a.cpp",
                                      folder.path() / "gr\u00fcn.cpp"};
    EXPECT_EQ(without_ignored(folder.path(), files), std::vector<fs::path>{folder.path() / "a.cpp"});
}

TEST(WithoutIgnored, LeavesOutNothingInAFolderThatIsIgnoredItself) {
    const Folder folder;
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "scratch/\n");
    const fs::path file = folder.write("scratch/project/a.cpp", "");
    EXPECT_EQ(without_ignored(folder.path() / "scratch/project", {file}), std::vector<fs::path>{file});
}

TEST(WithoutIgnored, AsksAboutManyFilesAndAboutThoseBehindLinks) {
    const Folder folder;
    const Folder elsewhere;
    (void)output_of({"git", "-C", folder.path(), "init"});
    folder.write(".gitignore", "*.log\n");
    fs::create_directory_symlink(elsewhere.path(), folder.path() / "link");
    std::vector<fs::path> files;
    for (int i = 0; i < 3'000; ++i) {
        files.push_back(folder.path() / (std::to_string(i) + std::string(100, 'x') + ".cpp"));
        files.push_back(folder.path() / (std::to_string(i) + ".log"));
    }
    files.push_back(folder.path() / "link/a.html");
    EXPECT_EQ(without_ignored(folder.path(), files).size(), 3'001U);
}

TEST(WithoutIgnored, LeavesOutNothingWhereGitKnowsNothing) {
    const Folder folder;
    const std::vector<fs::path> files{folder.path() / "a.cpp"};
    EXPECT_EQ(without_ignored(folder.path(), files), files);
    EXPECT_EQ(without_ignored(folder.path(), {}), std::vector<fs::path>{});
}

}  // namespace
}  // namespace c10k
