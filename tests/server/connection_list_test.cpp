#include "server/connection_list.hpp"

#include "testkit/memory_backend.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// Writes down what the list does with it.
class Listed final : public ServerConnection {
public:
    Listed(ConnectionList& list, std::string name, std::vector<std::string>& notes)
        : list_(list), name_(std::move(name)), notes_(notes) {}
    ~Listed() override { notes_.push_back(name_ + " is destroyed"); }

    void close(const ShutdownOptions& options) override {
        notes_.push_back(name_ + " is closed with " + std::to_string(options.code));
        if (ends_when_closed) {
            end();
        }
    }
    void abort() noexcept override {
        notes_.push_back(name_ + " is aborted");
        end();
    }
    void end() {
        list_.retire(*this, Admission::kUncounted);
        notes_.push_back(name_ + " has left");  // it is still there
    }

    bool ends_when_closed = false;

private:
    ConnectionList& list_;
    std::string name_;
    std::vector<std::string>& notes_;
};

class Connections : public testing::Test {
protected:
    Listed& add(const std::string& name) { return list.emplace<Listed>(list, name, notes); }
    std::vector<std::string> take_notes() { return std::exchange(notes, {}); }

    using Notes = std::vector<std::string>;

    Notes notes;  // which retired connections write until the loop ends
    Loop loop{std::make_unique<MemoryBackend>()};
    Admission admission;
    ConnectionList list{LoopServices::of(loop), admission};
};

TEST_F(Connections, LeaveAtOnceAndAreDestroyedAtTheEndOfTheTurn) {
    Listed& only = add("a");
    EXPECT_EQ(admission.connections, 1U);
    only.end();
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(admission.connections, 0U);
    EXPECT_EQ(take_notes(), Notes{"a has left"});
    loop.run_until_idle();
    EXPECT_EQ(take_notes(), Notes{"a is destroyed"});
}

TEST_F(Connections, AreClosedOldestFirstAndEachOnce) {
    add("a").ends_when_closed = true;
    Listed& second = add("b");
    add("c");
    add("d");
    list.start_closing();
    EXPECT_TRUE(list.close_oldest(1, {}));
    EXPECT_EQ(take_notes(), (Notes{"a is closed with 1001", "a has left"}));
    second.end();  // the next to be closed
    take_notes();
    EXPECT_TRUE(list.close_oldest(1, {.code = 1012}));
    EXPECT_EQ(take_notes(), Notes{"c is closed with 1012"});
    EXPECT_FALSE(list.close_oldest(5, {}));
    EXPECT_EQ(take_notes(), Notes{"d is closed with 1001"});
    EXPECT_EQ(list.count(), 2U);
    list.abort_all();
}

TEST_F(Connections, AreAbortedWhileTheyLeave) {
    add("a");
    add("b");
    list.abort_all();
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(take_notes(), (Notes{"a is aborted", "a has left", "b is aborted", "b has left"}));
}

TEST_F(Connections, ReleaseTheirAddressWhenTheyLeave) {
    const auto slot = admission.enter("an address", 1);
    ASSERT_TRUE(slot.has_value());
    Listed& only = add("a");
    list.retire(only, *slot);
    EXPECT_TRUE(admission.enter("an address", 1).has_value());
}

}  // namespace
}  // namespace c10k
