#include "connection/socket_stream.hpp"

#include "connection/fixture.hpp"
#include "connection/recorded_stream.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace c10k {
namespace {

// Both ends of one connection.
class SocketStreamOnEveryNetwork : public testing::TestWithParam<Network>, private ListenerEvents {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        std::unique_ptr<Backend> backend =
            is_real(GetParam()) ? make_backend(is_uring(GetParam()) ? BackendChoice::kUring : BackendChoice::kEpoll)
                                : make_memory(GetParam());
        if (is_tls(GetParam())) {
            backend = std::make_unique<TlsEverywhere>(std::move(backend));
        }
        loop_.emplace(std::move(backend));
        listener_ = loop().backend().listen(Address::resolve("127.0.0.1", 0), {}, *this);
        client.emplace(loop(), loop().backend().connect(loop().backend().local_address(listener_)));
        turn_until([this] { return client->connected && server.has_value(); });
    }
    void TearDown() override {
        server.reset();
        client.reset();
        if (loop_) {
            loop().backend().close(listener_);
        }
    }

    Loop& loop() { return *loop_; }
    template <typename Condition>
    void turn_until(Condition condition) {
        while (!condition()) {
            loop().turn();
        }
    }

    std::optional<Recorded> client;
    std::optional<Recorded> server;

private:
    void on_accepted(SocketId socket, const Address& /*peer*/, const Address& /*local*/) override {
        server.emplace(loop(), socket);
    }
    void on_accept_failed(std::error_code /*error*/) override { ADD_FAILURE(); }

    std::optional<Loop> loop_;
    SocketId listener_;
};

INSTANTIATE_TEST_SUITE_P(Networks, SocketStreamOnEveryNetwork, every_network(), network_name);

std::string numbers(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += std::to_string(i) + ' ';
    }
    return text;
}

TEST_P(SocketStreamOnEveryNetwork, SendsWhatIsQueuedInItsOrderAlsoWhileASendIsUnanswered) {
    server->resume_reading();
    std::string all;
    for (int i = 0; i < 50; ++i) {
        const std::string piece = numbers(i % 10 == 0 ? 2000 : 3);
        client->queue(piece);
        all += piece;
        loop().turn();
    }
    turn_until([&] { return server->received.size() == all.size(); });
    EXPECT_EQ(server->received, all);
    turn_until([&] { return client->unsent() == 0; });
    EXPECT_FALSE(client->is_sending());
    EXPECT_GT(client->writes, 0);
    EXPECT_EQ(client->failures + server->failures, 0);
}

TEST_P(SocketStreamOnEveryNetwork, SendsOneFinBehindItsBytesAndGoesOnReading) {
    client->resume_reading();
    server->resume_reading();
    client->queue("last words");
    turn_until([&] { return client->unsent() == 0; });
    client->shutdown_write();
    client->shutdown_write();
    turn_until([&] { return server->has_peer_fin(); });
    EXPECT_EQ(server->received, "last words");
    EXPECT_EQ(server->fins, 1);
    server->queue("an answer");
    turn_until([&] { return client->received == "an answer"; });
    EXPECT_FALSE(client->has_peer_fin());
    EXPECT_FALSE(server->is_gone());
}

TEST_P(SocketStreamOnEveryNetwork, ReadsNothingWhileItIsPaused) {
    server->resume_reading();
    client->queue("one");
    turn_until([&] { return server->received == "one"; });
    server->pause_reading();
    client->queue("two");
    turn_until([&] { return client->unsent() == 0; });
    loop().run_until_idle();
    EXPECT_EQ(server->received, "one");
    server->resume_reading();
    turn_until([&] { return server->received == "onetwo"; });
}

TEST_P(SocketStreamOnEveryNetwork, HearsNothingAfterItsAbort) {
    server->resume_reading();
    client->resume_reading();
    client->queue(numbers(200'000));  // more than the kernel takes
    loop().turn();
    server->queue("not for the client");
    client->abort();
    client->abort();
    EXPECT_TRUE(client->is_gone());
    EXPECT_EQ(client->unsent(), 0U);
    const int writes = client->writes;
    turn_until([&] { return server->fins + server->failures > 0; });
    EXPECT_EQ(client->received, "");
    EXPECT_EQ(client->fins + client->failures, 0);
    EXPECT_EQ(client->writes, writes);
}

TEST_P(SocketStreamOnEveryNetwork, HandsItsSocketOverToAnotherOwner) {
    server->resume_reading();
    client->queue("one");
    turn_until([&] { return server->received == "one"; });
    server->pause_reading();
    Recorded heir{loop(), server->hand_over()};
    server.reset();  // which no longer closes the socket
    heir.resume_reading();
    client->queue("two");
    turn_until([&] { return heir.received == "two"; });
    EXPECT_EQ(client->failures + client->fins, 0);
}

}  // namespace
}  // namespace c10k
