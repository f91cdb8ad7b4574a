#include "connection/fixture.hpp"

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::Peer;

constexpr std::string_view kGet = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kLine = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n";

// A server that is told by each connection whom it is from.
class Proxied : public ConnectionTest, public testing::WithParamInterface<Network> {
protected:
    void SetUp() override {
        limits.proxy_protocol = true;
        limits.trusted_proxies = {"127.0.0.1"};
        app.on_request = [](Request& request) { return Response::text(request.peer); };
    }

    // The client that the server believes to talk to; "" if it has ended the connection.
    std::string peer_after(std::string_view header) {
        Peer peer{harness()};
        peer.send(std::string{header} + std::string{kGet});
        harness().run_until_idle();
        return peer.is_over() ? "" : peer.take_response().body;
    }
    [[nodiscard]] std::uint64_t failures() { return harness().server().counters().proxy_failures.value(); }
};

INSTANTIATE_TEST_SUITE_P(Networks, Proxied,
                         testing::Values(Network::kMemory, Network::kByteByByte, Network::kLateAnswers), network_name);

TEST_P(Proxied, ConnectionsAreFromWhomTheProxySays) {
    start(GetParam());
    EXPECT_EQ(peer_after(kLine), "192.0.2.1:1234");
    EXPECT_EQ(peer_after("PROXY TCP6 2001:db8::1 ::1 1234 443\r\n"), "[2001:db8::1]:1234");
    const std::string binary{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\xC0\0\x02\x02\x04\xD2\x01\xBB", 28};
    EXPECT_EQ(peer_after(binary), "192.0.2.1:1234");
    EXPECT_EQ(failures(), 0U);
}

TEST_P(Proxied, ConnectionsThatAreTheProxysOwnAreFromTheProxy) {
    start(GetParam());
    EXPECT_TRUE(peer_after("PROXY UNKNOWN\r\n").starts_with("127.0.0.1:"));
    EXPECT_TRUE(peer_after({"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16}).starts_with("127.0.0.1:"));
}

TEST_P(Proxied, ConnectionsThatBeginWithSomethingElseAreClosed) {
    start(GetParam());
    EXPECT_EQ(peer_after(""), "");
    EXPECT_EQ(peer_after("PROXY TCP4 192.0.2.1\r\n"), "");
    EXPECT_EQ(peer_after(" PROXY UNKNOWN\r\n"), "");
    EXPECT_EQ(failures(), 3U);
    EXPECT_TRUE(app.statuses.empty());
    wait_until_empty();
}

TEST_P(Proxied, ConnectionsOfOthersAreClosed) {
    limits.trusted_proxies = {"10.0.0.0/8"};
    start(GetParam());
    EXPECT_EQ(peer_after(kLine), "");
    EXPECT_EQ(failures(), 1U);
    wait_until_empty();
}

TEST_P(Proxied, ConnectionsSayOnceWhomTheyAreFrom) {
    start(GetParam());
    Peer peer{harness()};
    peer.send(std::string{kLine} + std::string{kLine} + std::string{kGet});
    EXPECT_EQ(peer.take_response().status, 400);
}

TEST_P(Proxied, ConnectionsHaveTheTimeOfAHeadForTheirHeader) {
    start(GetParam());
    Peer peer{harness()};
    peer.send(kLine.substr(0, 10));
    harness().advance(limits.head_time - 1ms);
    EXPECT_FALSE(peer.is_over());
    harness().advance(1ms);
    EXPECT_TRUE(peer.is_over());
    EXPECT_EQ(harness().server().counters().strikes(Limit::kHeadTime), 1U);
}

TEST_P(Proxied, ConnectionsAreCountedByTheirClientsAddress) {
    limits.max_connections_per_address = 1;
    start(GetParam());
    Peer first{harness()};
    first.send(std::string{kLine} + std::string{kGet});
    EXPECT_EQ(first.take_response().status, 200);
    Peer second{harness()};
    second.send(std::string{kLine} + std::string{kGet});
    EXPECT_EQ(second.take_response().status, 503);
    EXPECT_EQ(peer_after("PROXY TCP4 192.0.2.7 192.0.2.2 1234 443\r\n"), "192.0.2.7:1234");
}

TEST_P(Proxied, ConnectionsAreGivenUpAndShutDownBeforeTheirHeader) {
    limits.max_newcomers = 1;
    start(GetParam());
    Peer first{harness()};
    harness().run_until_idle();
    Peer second{harness()};
    harness().advance(limits.head_time / 2 + limits.head_time / 64);
    EXPECT_TRUE(first.is_over());
    EXPECT_FALSE(second.is_over());
    harness().close();
    harness().run_until_idle();
    EXPECT_TRUE(second.is_over());
}

}  // namespace
}  // namespace c10k
