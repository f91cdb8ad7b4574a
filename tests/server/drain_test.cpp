#include "connection/fixture.hpp"

#include <cstdint>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::WebSocketPeer;

// A server whose views note when they were told to end.
class Drain : public testing::Test {
protected:
    void open(std::size_t count) {
        app_.route.view = [this](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
            socket.accept();
            co_await socket.closed();
            told_.push_back(loop_.now());
        };
        harness_.emplace(loop_, app_, limits);
        for (std::size_t i = 0; i < count; ++i) {
            peers_.push_back(std::make_unique<WebSocketPeer>(*harness_, "/ws/"));
        }
        harness_->run_until_idle();
    }

    // Closes the server. Returns how many were told in each of the moments at which some were.
    std::vector<std::size_t> close() {
        begin_ = loop_.now();
        harness_->close();
        std::vector<std::size_t> batches;
        for (std::size_t i = 0; i < told_.size(); ++i) {
            if (i == 0 || told_[i] != told_[i - 1]) {
                batches.push_back(0);
            }
            ++batches.back();
        }
        return batches;
    }
    void answer_nothing() {
        for (const auto& peer : peers_) {
            peer->answer();  // to the handshake: only then it can
            peer->answer_nothing();
            peer->stay();
        }
    }
    // How many connections are left.
    [[nodiscard]] std::size_t left() { return harness_->server().count(); }
    // From the close to now.
    [[nodiscard]] std::chrono::milliseconds since_close() const {
        return std::chrono::milliseconds{loop_.now() - begin_};
    }
    // Ends all, so that others can be opened.
    void drop() {
        peers_.clear();
        told_.clear();
    }
    // From the close to the last who was told.
    [[nodiscard]] std::chrono::milliseconds duration() const {
        return std::chrono::milliseconds{told_.back() - begin_};
    }

    ServerLimits limits;

private:
    Loop loop_{make_memory(Network::kMemory)};
    ScriptedApplication app_;
    std::optional<testkit::Harness> harness_;
    std::vector<std::unique_ptr<WebSocketPeer>> peers_;
    std::vector<std::int64_t> told_;
    std::int64_t begin_ = 0;
};

TEST_F(Drain, ClosesWebSocketsAtTheDrainRate) {
    limits.drain_rate = 100;
    open(12);
    EXPECT_EQ(close(), (std::vector<std::size_t>{5, 5, 2}));
    EXPECT_EQ(duration(), 100ms);
}

TEST_F(Drain, IsDoneInHalfOfTheShutdownTimeWhateverTheRate) {
    limits.drain_rate = 1;
    limits.shutdown_time = 1s;
    open(200);
    close();
    EXPECT_LE(duration(), 500ms);
    EXPECT_GT(duration(), 400ms);
}

TEST_F(Drain, IsOverBeforeDockerKillsIfNobodyAnswersTheClose) {
    for (const std::uint32_t rate : {limits.drain_rate, 1U}) {
        const std::size_t count = rate == 1 ? 1000 : 1;
        limits.drain_rate = rate;
        open(count);
        answer_nothing();
        close();
        EXPECT_EQ(left(), 0U);
        EXPECT_LE(since_close(), 9s) << count;  // docker waits 10
        drop();
    }
}

TEST_F(Drain, TellsAThousandWithinASecond) {
    open(1000);
    close();
    EXPECT_LE(duration(), 1s);
}

}  // namespace
}  // namespace c10k
