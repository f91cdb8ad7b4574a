#include "manage/project.hpp"

#include "web/folder.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

TEST(Project, IsFoundByTheBuildFolderOfAProgram) {
    const Folder folder;
    folder.write("source/CMakeLists.txt", "");
    folder.write("build/CMakeCache.txt",
                 "# a cache\nCMAKE_HOME_DIRECTORY:INTERNAL=" + (folder.path() / "source").string() + "\n");
    const auto project = Project::of(folder.path() / "build/bin/manage");
    ASSERT_TRUE(project);
    EXPECT_EQ(project->source, folder.path() / "source");
    EXPECT_EQ(project->build, folder.path() / "build");
}

TEST(Project, IsNotFoundWithoutOneOrWhenItsSourceIsGone) {
    const Folder folder;
    EXPECT_FALSE(Project::of(folder.path() / "manage"));
    folder.write("CMakeCache.txt", "CMAKE_HOME_DIRECTORY:INTERNAL=/there/is/no/such/folder\n");
    EXPECT_FALSE(Project::of(folder.path() / "manage"));
}

}  // namespace
}  // namespace c10k
