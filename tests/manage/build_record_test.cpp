#include "manage/build_record.hpp"

#include "manage/build_graph.hpp"
#include "web/folder.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace c10k {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<fs::path>;

// A build folder with one object, which is made of one source with a space in its name.
class BuildRecordTest : public testing::Test {
protected:
    // As if the object had been compiled of the source as it is now.
    [[nodiscard]] BuildGraph compile() const {
        const std::int64_t changed = FileState::of(folder.write("build/a.o", ""))->changed_ns;
        BuildGraph graph;
        graph.outputs[object] = {{source.string()}, FileState::of(source)->changed_ns + 1, changed};
        return graph;
    }

    // As a user does who goes back to an earlier state.
    void replace_by_older(const std::string& text) const {
        const fs::path other = folder.write("other", text);
        fs::last_write_time(other, fs::last_write_time(source) - std::chrono::hours{1});
        fs::rename(other, source);
    }

    [[nodiscard]] Files outdated(const BuildRecord& record, const BuildGraph& graph) const {
        return record.outdated(graph, record.renewed(graph));
    }

    Folder folder;
    fs::path source = folder.write("a source.cpp", "one");
    fs::path object = folder.path() / "build/a.o";
};

TEST_F(BuildRecordTest, Row79FindsAnOlderFileInThePlaceOfANewerOne) {
    const BuildGraph graph = compile();
    const BuildRecord record = BuildRecord{}.renewed(graph);
    EXPECT_EQ(outdated(record, graph), Files{});
    replace_by_older("two");
    EXPECT_EQ(outdated(record, graph), Files{object});
    fs::remove(source);
    EXPECT_EQ(outdated(record, graph), Files{object});
}

TEST_F(BuildRecordTest, Row79FindsEveryWriteHoweverCloseTheyAre) {
    const BuildGraph graph = compile();
    for (int i = 100; i < 200; ++i) {
        folder.write("a source.cpp", std::to_string(i));
        const BuildRecord record = BuildRecord{}.renewed(graph);
        folder.write("a source.cpp", std::to_string(i + 1));
        EXPECT_EQ(outdated(record, graph), Files{object});
    }
}

TEST_F(BuildRecordTest, Row79FindsWhatWasSavedWhileOthersCompiledIt) {
    BuildGraph graph = compile();
    EXPECT_EQ(outdated(BuildRecord{}, graph), Files{});
    graph.outputs[object].began_ns = FileState::of(source)->changed_ns;
    EXPECT_EQ(outdated(BuildRecord{}, graph), Files{object});
}

TEST_F(BuildRecordTest, BelievesOthersWhoCompiledItAfterTheChange) {
    const BuildRecord record = BuildRecord{}.renewed(compile());
    replace_by_older("two");
    EXPECT_EQ(outdated(record, compile()), Files{});
}

TEST_F(BuildRecordTest, DoesNotMindWhatDoesNotChangeAFilesContent) {
    BuildGraph graph = compile();
    graph.outputs[object].changed_ns = 0;  // long before the record
    const BuildRecord record = BuildRecord{}.renewed(graph);
    fs::permissions(source, fs::perms::owner_read);
    fs::create_hard_link(source, folder.path() / "backup");
    EXPECT_EQ(outdated(record, graph), Files{});
    replace_by_older("one");
    EXPECT_EQ(outdated(record, graph), Files{});
}

TEST_F(BuildRecordTest, IsKeptInTheBuildFolder) {
    const BuildGraph graph = compile();
    BuildRecord{}.renewed(graph).save(folder.path() / "build");
    const BuildRecord record = BuildRecord::load(folder.path() / "build");
    EXPECT_EQ(outdated(record, graph), Files{});
    EXPECT_TRUE(record.has_name_of("elsewhere/a source.cpp"));
    EXPECT_FALSE(record.has_name_of(object));
    replace_by_older("two");
    EXPECT_EQ(outdated(record, graph), Files{object});
}

TEST_F(BuildRecordTest, IsEmptyIfItIsDamagedOrOfAnotherVersion) {
    const BuildGraph graph = compile();
    for (const char* text :
         {"", "c10k build record 1\n", "c10k build record 0\n17\n", "\xff\xfe", "c10k build record 1\nx"}) {
        folder.write("build/.c10k-record", text);
        const BuildRecord record = BuildRecord::load(folder.path() / "build");
        EXPECT_FALSE(record.has_name_of(source)) << text;
        EXPECT_EQ(outdated(record, graph), Files{});
    }
}

TEST(BuildGraph, IsReadFromWhatMakeHas) {
    const Folder folder;
    const fs::path build = folder.path() / "build";
    folder.write("build/Makefile", "");
    folder.write("build/CMakeFiles/Makefile.cmake",
                 "set(CMAKE_MAKEFILE_DEPENDS\n  \"CMakeCache.txt\"\n  \"/there/CMakeLists.txt\"\n  )\n"
                 "set(CMAKE_MAKEFILE_OUTPUTS\n  \"/other/Makefile\"\n  )\n");
    folder.write("build/sub/CMakeFiles/x.dir/a.cpp.o", "");
    folder.write("build/sub/CMakeFiles/x.dir/a.cpp.o.d",
                 "CMakeFiles/x.dir/a.cpp.o: /there/a.cpp \\\n /there/with\\ space.hpp ../../near.hpp \\\n made.hpp\n"
                 "/there/a.hpp:\n");
    folder.write("build/program", "");
    folder.write("build/CMakeFiles/program.dir/build.make",
                 "# a comment: no rule\nprogram: sub/CMakeFiles/x.dir/a.cpp.o\nprogram: /usr/lib/libz.so\n"
                 "\tc++ -o program: /usr/lib/no.so\nabsent: /there/x\n");
    const BuildGraph graph = BuildGraph::of(build);
    EXPECT_EQ(graph.configuration, build / "Makefile");
    ASSERT_EQ(graph.outputs.size(), 3U);
    EXPECT_EQ(graph.outputs.at(build / "Makefile").inputs, std::set<std::string>{"/there/CMakeLists.txt"});
    EXPECT_EQ(graph.outputs.at(build / "sub/CMakeFiles/x.dir/a.cpp.o").inputs,
              (std::set<std::string>{"/there/a.cpp", "/there/with space.hpp", (folder.path() / "near.hpp").string()}));
    EXPECT_EQ(graph.outputs.at(build / "program").inputs, std::set<std::string>{"/usr/lib/libz.so"});
}

TEST(BuildGraph, KnowsTheToolThatCMakeHasFound) {
    const Folder folder;
    EXPECT_EQ(build_tool(folder.path(), "ninja"), "ninja");
    folder.write("CMakeCache.txt", "CMAKE_MAKE_PROGRAM:FILEPATH=/opt/ninja-build\n");
    EXPECT_EQ(build_tool(folder.path(), "ninja"), "/opt/ninja-build");
}

}  // namespace
}  // namespace c10k
