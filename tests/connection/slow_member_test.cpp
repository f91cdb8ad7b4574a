#include "connection/fixture.hpp"
#include "connection/websocket_connection.hpp"

#include <algorithm>
#include <charconv>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

// A member that does not read, on a route with a policy, under limits that a test can reach.
class SlowMembers : public ConnectionTest, public testing::WithParamInterface<Network> {
protected:
    static constexpr std::size_t kPayload = 2000;

    void start_with(SlowMember policy) {
        limits.slow_bytes = 200'000;
        limits.slow_limit_bytes = 600'000;
        limits.outbox_bytes = 1'000'000;
        app.route.slow_member = policy;
        start(GetParam());
        harness().network().faults().kernel_bytes = 50'000;
        serve([this](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
            handle_ = socket.handle();
            while (auto message = co_await socket.recv()) {
                static_cast<void>(socket.send("answer to " + std::string{message->view()}));  // queued at once
            }
        });
        peer_.emplace(harness(), "/ws/");
        peer_->answer();
        peer_->stop_receiving();
    }

    // Sends the next `count` numbers to the member.
    void send(int count) {
        for (int i = 0; i < count; ++i) {
            std::string text = std::to_string(next_++);
            text.append(kPayload - text.size(), ' ');
            handle_->send(text);
        }
        harness().run_until_idle();
    }

    // The messages that the member gets when it reads on: numbers, and everything else in its order.
    void read_all() {
        peer_->start_receiving();
        harness().run_until_idle();
        while (peer_->waiting() > 0) {
            const Message message = peer_->recv();
            int number = 0;
            const char* const end = message.view().data() + message.size();
            if (std::from_chars(message.view().data(), end, number).ec == std::errc{}) {
                EXPECT_EQ(message.size(), kPayload);
                numbers_.push_back(number);
            } else {
                others_.emplace_back(message.view());
            }
        }
    }

    // From `first` on, without a gap.
    [[nodiscard]] static bool is_unbroken(std::span<const int> numbers, int first) {
        for (const int number : numbers) {
            if (number != first++) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] const Counters& counters() { return harness().server().counters(); }
    [[nodiscard]] std::size_t dropped() { return counters().dropped.value(); }

    std::optional<WebSocketHandle> handle_;
    std::optional<WebSocketPeer> peer_;
    int next_ = 0;
    std::vector<int> numbers_;
    std::vector<std::string> others_;
};

INSTANTIATE_TEST_SUITE_P(Networks, SlowMembers,
                         testing::Values(Network::kMemory, Network::kByteByByte, Network::kLateAnswers), network_name);

TEST_P(SlowMembers, AreClosedWith1013IfNothingIsSaid) {
    EXPECT_EQ(WebSocketRoute{}.slow_member, SlowMember::kClose);
    start_with(SlowMember::kClose);
    send(400);
    EXPECT_EQ(counters().strikes(Limit::kSlowLimitBytes), 1U);
    read_all();
    EXPECT_EQ(peer_->wait_for_close().code, 1013);
    EXPECT_TRUE(is_unbroken(numbers_, 0));
    EXPECT_EQ(dropped(), 0U);
}

TEST_P(SlowMembers, AreNotTheOnlyOnesToMissMessages) {  // a loop that was too busy has lost some
    for (const SlowMember policy : {SlowMember::kClose, SlowMember::kDropOldest, SlowMember::kDropNewest}) {
        app.route.slow_member = policy;
        start(GetParam());
        serve([](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
            socket.accept();
            socket.connection().on_messages_lost();
            socket.connection().on_messages_lost();
            co_await socket.recv();
        });
        WebSocketPeer peer{harness(), "/ws/"};
        peer.send_message("and now");
        const bool is_closed = policy == SlowMember::kClose;
        EXPECT_EQ(peer.wait_for_close().code, is_closed ? 1013 : 1000);
        EXPECT_EQ(dropped(), is_closed ? 0U : 2U);
    }
}

TEST_P(SlowMembers, KeepAnUnbrokenBeginningWhenTheNewestAreDropped) {
    start_with(SlowMember::kDropNewest);
    send(1000);
    read_all();
    EXPECT_TRUE(is_unbroken(numbers_, 0));
    EXPECT_GT(numbers_.size() * kPayload, limits.slow_limit_bytes - kPayload);
    EXPECT_EQ(numbers_.size() + dropped(), 1000U);
    EXPECT_EQ(counters().strikes(Limit::kSlowLimitBytes), dropped());
    send(1);
    read_all();
    EXPECT_EQ(numbers_.back(), 1000);  // it has caught up, and is served as before
    EXPECT_TRUE(peer_->is_open());
}

TEST_P(SlowMembers, GetTheLatestWhenTheOldestAreDropped) {
    start_with(SlowMember::kDropOldest);
    send(100);
    send(900);
    read_all();
    EXPECT_TRUE(std::is_sorted(numbers_.begin(), numbers_.end()));
    EXPECT_EQ(numbers_.back(), 999);
    EXPECT_GT(numbers_.size() * kPayload, limits.slow_bytes);
    EXPECT_EQ(numbers_.size() + dropped(), 1000U);
    // The messages that the kernel had been shown came first; then one gap, behind which nothing is missing.
    const auto gap =
        std::adjacent_find(numbers_.begin(), numbers_.end(), [](int left, int right) { return right != left + 1; });
    ASSERT_NE(gap, numbers_.end());
    EXPECT_TRUE(is_unbroken(std::span{numbers_.begin(), gap}, 0));
    EXPECT_TRUE(is_unbroken(std::span{gap + 1, numbers_.end()}, *(gap + 1)));
    EXPECT_TRUE(peer_->is_open());
}

TEST_P(SlowMembers, HaveTimeForABurstBeforeAnyIsDropped) {
    for (const SlowMember policy : {SlowMember::kDropOldest, SlowMember::kDropNewest}) {
        start_with(policy);
        send(200);  // twice slow_bytes
        harness().advance(limits.slow_time);
        send(1);
        EXPECT_EQ(dropped(), 0U);
        harness().advance(1ms);
        send(1);
        EXPECT_GT(dropped(), 0U);
        EXPECT_GT(counters().strikes(Limit::kSlowTime), 0U);
        peer_.reset();
        harness().close();
    }
}

TEST_P(SlowMembers, HaveAtMostSlowBytesWhenTheirTimeIsOver) {
    start_with(SlowMember::kDropOldest);
    send(200);
    harness().advance(limits.slow_time + 1ms);
    send(500);
    read_all();
    EXPECT_EQ(numbers_.back(), 699);
    EXPECT_LT(numbers_.size() * kPayload, limits.slow_bytes + 150'000U);  // with the network's, and one chunk
}

TEST_P(SlowMembers, LoseNothingThatTheirViewHasSent) {
    start_with(SlowMember::kDropOldest);
    std::vector<std::string> answers;
    for (int i = 0; i < 20; ++i) {
        peer_->send_message("question " + std::to_string(i));
        answers.push_back("answer to question " + std::to_string(i));
        send(100);
    }
    EXPECT_GT(dropped(), 500U);
    read_all();
    EXPECT_EQ(others_, answers);
    EXPECT_TRUE(std::is_sorted(numbers_.begin(), numbers_.end()));
    EXPECT_EQ(numbers_.size() + dropped(), 2000U);
}

TEST_P(SlowMembers, LoseNoControlFrame) {
    start_with(SlowMember::kDropOldest);
    for (int i = 0; i < 10; ++i) {
        peer_->send_frame(wire::Opcode::kPing, std::to_string(i));
        send(100);
    }
    handle_->close(4000, "done");
    harness().run_until_idle();
    EXPECT_GT(dropped(), 0U);
    read_all();
    EXPECT_EQ(peer_->pongs(), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
    EXPECT_EQ(peer_->wait_for_close().code, 4000);
}

TEST_P(SlowMembers, DropLargeMessagesOneByOne) {
    start_with(SlowMember::kDropOldest);
    std::vector<std::string> sent;
    for (int i = 0; i < 20; ++i) {
        sent.push_back(std::to_string(i) + std::string(10'000, 'x'));
        handle_->send(sent.back());
    }
    harness().run_until_idle();
    peer_->start_receiving();
    harness().run_until_idle();
    EXPECT_EQ(peer_->waiting() + dropped(), 20U);
    std::vector<std::string> got;
    while (peer_->waiting() > 0) {
        got.emplace_back(peer_->recv().view());
    }
    EXPECT_GE(got.size(), 6U);
    EXPECT_EQ(got.back(), sent.back());
    for (const std::string& message : got) {
        EXPECT_NE(std::find(sent.begin(), sent.end(), message), sent.end());
    }
}

}  // namespace
}  // namespace c10k
