#include "manage/change.hpp"

#include <gtest/gtest.h>

namespace c10k {
namespace {

Change change_of(const char* file) { return c10k::change_of(file, BuildRecord{}); }

TEST(Change, OfASourceBuildsTheProgram) {
    for (const char* file : {"chat/chat.cpp", "site.hpp", "a.inl", "CMakeLists.txt", "cmake/tools.cmake"}) {
        EXPECT_EQ(change_of(file), Change::kProgram) << file;
    }
    EXPECT_EQ(change_of("chat/"), Change::kProgram);  // a folder that was removed
}

TEST(Change, OfWhatIsShownLoadsPagesOrStylesAgain) {
    EXPECT_EQ(change_of("chat/templates/chat/room.html"), Change::kPage);
    EXPECT_EQ(change_of("chat/static/chat/room.js"), Change::kPage);
    EXPECT_EQ(change_of("chat/static/"), Change::kPage);
    EXPECT_EQ(change_of("chat/static/chat/room.css"), Change::kStyle);
}

TEST(Change, OfTheSettingsStartsTheProgram) { EXPECT_EQ(change_of("c10k.conf"), Change::kSettings); }

TEST(Change, OfAnEditorsOwnFilesOrOfNotesDoesNothing) {
    for (const char* file : {".#chat.cpp", "._chat.cpp", ".chat.cpp.swp", "#chat.cpp#", "chat.cpp~",
                             "chat/templates/4913", "README.md", "notes.txt"}) {
        EXPECT_EQ(change_of(file), Change::kNone) << file;
    }
}

}  // namespace
}  // namespace c10k
