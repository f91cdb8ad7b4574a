#include "server/subprotocol_table.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k {
namespace {

TEST(SubprotocolTable, KeepsANameOnceForAllThatSpeakIt) {
    SubprotocolTable table;
    const auto first = table.take("chat");
    const auto second = table.take("chat");
    EXPECT_EQ(first, second);
    EXPECT_EQ(table.name(first), "chat");
    table.release(first);
    EXPECT_EQ(table.name(second), "chat");
}

TEST(SubprotocolTable, HasNoNumberForNoName) {
    SubprotocolTable table;
    EXPECT_EQ(table.take(""), SubprotocolTable::kNone);
    EXPECT_EQ(table.name(SubprotocolTable::kNone), "");
    table.release(SubprotocolTable::kNone);
}

TEST(SubprotocolTable, UsesTheNumberOfANameThatNobodySpeaksAnyMore) {  // clients choose the names
    SubprotocolTable table;
    const auto kept = table.take("kept");
    for (int i = 0; i < 100; ++i) {
        const auto passing = table.take("passing " + std::to_string(i));
        EXPECT_LE(passing, 2U);
        EXPECT_EQ(table.name(passing), "passing " + std::to_string(i));
        table.release(passing);
    }
    EXPECT_EQ(table.name(kept), "kept");
}

TEST(SubprotocolTable, TellsManyNamesApart) {
    SubprotocolTable table;
    std::vector<SubprotocolTable::Id> ids;
    for (int i = 0; i < 1000; ++i) {
        ids.push_back(table.take(std::to_string(i)));
    }
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(table.name(ids[static_cast<std::size_t>(i)]), std::to_string(i));
    }
    for (const auto id : ids) {
        table.release(id);
    }
    EXPECT_LE(table.take("new"), 1000U);
}

}  // namespace
}  // namespace c10k
