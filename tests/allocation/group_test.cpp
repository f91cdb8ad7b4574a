#include "allocation/failing.hpp"
#include "c10k/groups.hpp"
#include "connection/fixture.hpp"
#include "groups/group_directory.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

// Row 83: what one loop sends to another, when there is no memory for it.
namespace c10k {
namespace {

using testkit::WebSocketPeer;

constexpr std::size_t kMembers = 3;

// Two loops of a program, as far as groups know: here both are one loop, with one job queue.
class TwoInOne : public InMemory {
protected:
    void SetUp() override {
        InMemory::SetUp();
        ASSERT_TRUE(wire::is_utf8("what checks that is made once"));
        const auto hub = std::make_shared<GroupDirectory>(2);
        for (std::size_t i = 0; i < 2; ++i) {
            groups[i] = std::make_unique<Groups>(hub, i);
        }
        here.emplace(groups[0]->named("all"));
        there.emplace(groups[1]->named("all"));
        serve([this](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
            const Membership member = co_await there->join(socket);
            socket.accept();
            while (co_await socket.recv()) {
            }
        });
    }
    void TearDown() override { harness().close(); }

    // Members of the group on the other loop; those before them have left.
    void connect_members() {
        for (std::unique_ptr<WebSocketPeer>& member : members) {
            if (member) {
                member->close();
            }
            member = std::make_unique<WebSocketPeer>(harness(), "/ws/");
            member->answer();
        }
        here->send("what is made once is there now");
        run_until_idle();
        for (const auto& member : members) {
            member->recv();
        }
    }
    // Nobody else wakes the loop for a job that is posted at the end of the last turn.
    void run_until_idle() {
        harness().run_until_idle();
        harness().run_until_idle();
    }
    template <typename Condition>
    std::size_t count(Condition condition) {
        return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), condition));
    }
    std::size_t who_got(std::string_view text) {
        run_until_idle();
        return count([text](const auto& member) { return member->waiting() == 1 && member->recv() == text; });
    }
    std::size_t who_was_lost() {
        run_until_idle();
        return count([](const auto& member) { return !member->is_open(); });
    }

    // The end of a turn posts what `here` has sent, and nothing reads it yet.
    void post() { harness().loop().turn(); }
    void read() { harness().loop().job_queue()->run_jobs(); }

    std::array<std::unique_ptr<Groups>, 2> groups;
    std::optional<Group> here;
    std::optional<Group> there;
    std::array<std::unique_ptr<WebSocketPeer>, kMembers> members;
};

// Whether the caller was told that there is no memory.
template <typename Call>
bool is_told(Call call) {
    try {
        call();
        return false;
    } catch (const std::bad_alloc&) {
        return true;
    }
}

TEST_F(TwoInOne, Row83SendsAMessageOrACloseToAllOrTellsTheCaller) {
    const Message message{"to all"};
    for (const bool closes : {false, true}) {
        std::size_t told = 0;
        bool has_failed = true;
        for (std::size_t n = 0; has_failed; ++n) {
            connect_members();
            allocation::fail(n);
            const bool is_now_told = is_told([&] { closes ? here->close(4000, "all") : here->send(message); });
            has_failed = allocation::stop_failing();
            EXPECT_EQ(is_now_told, has_failed);
            told += is_now_told;
            EXPECT_EQ(closes ? who_was_lost() : who_got("to all"), is_now_told ? 0 : kMembers);
        }
        EXPECT_GT(told, 2U);
    }
}

TEST_F(TwoInOne, Row83NeedsNoMemoryToPostWhatWasSent) {
    connect_members();
    here->send("to all");
    here->close(4000);
    allocation::fail(0);
    post();
    EXPECT_FALSE(allocation::stop_failing());
    EXPECT_EQ(who_got("to all"), kMembers);
    EXPECT_EQ(who_was_lost(), kMembers);
}

TEST_F(TwoInOne, Row83GivesUpTheMemberThatGetsNoMemoryAndNoOther) {
    for (const bool closes : {false, true}) {
        std::size_t lost = 0;
        bool has_failed = true;
        for (std::size_t n = 0; has_failed; ++n) {
            connect_members();
            if (closes) {
                here->close(4000, "all");
            } else {
                here->send("to all");
            }
            post();
            allocation::fail(n);
            read();
            has_failed = allocation::stop_failing();
            if (closes) {
                EXPECT_EQ(who_was_lost(), kMembers);
            } else {
                const std::size_t gone = who_was_lost();
                EXPECT_LE(gone, 1U);
                EXPECT_EQ(who_got("to all"), kMembers - gone);
                lost += gone;
            }
        }
        EXPECT_EQ(lost > 0, !closes);
    }
}

}  // namespace
}  // namespace c10k
