#include "c10k/client.hpp"
#include "connection/zlib_client.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace c10k {
namespace {

using namespace std::string_literals;
using testkit::WebSocketPeer;

using Captured = std::span<const std::string_view>;

constexpr Compression kKept{.from_bytes = 100, .context_takeover = ContextTakeover::kYes, .window_bits = 15};
constexpr Compression kForgotten{.from_bytes = 100};

Task<> echo(WebSocket& socket, Captured) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}

class CompressionOnEveryNetwork : public OnEveryNetwork {
protected:
    void serve_compressed(const Compression& compression, View view = &echo) {
        app.route.compression = compression;
        serve(std::move(view));
    }
    [[nodiscard]] std::string url() { return "ws://" + harness().address().text() + "/ws/"; }
};
INSTANTIATE_TEST_SUITE_P(Networks, CompressionOnEveryNetwork, every_network(), network_name);

class CompressionInMemory : public InMemory {
protected:
    void serve_compressed(const Compression& compression, View view = &echo) {
        app.route.compression = compression;
        serve(std::move(view));
    }
};

TEST_P(CompressionOnEveryNetwork, CarriesMessagesOfEverySizeBothWays) {
    for (const Compression& ours : {kKept, kForgotten}) {
        for (const Compression& theirs : {kKept, kForgotten}) {
            serve_compressed(ours);
            WebSocketPeer peer{harness(), "/ws/", {}, {}, {}, theirs};
            EXPECT_EQ(peer.answer().status, 101);
            EXPECT_TRUE(peer.is_compressed());
            for (const std::size_t size : {0, 1, 99, 100, 101, 4000, 20'000}) {
                for (int twice = 0; twice < 2; ++twice) {
                    const std::string text = rows(static_cast<int>(size), size);
                    peer.send_message(text);
                    EXPECT_EQ(peer.recv(), text);
                }
            }
            peer.send_message(Message::binary(std::string(1000, '\xff')));
            EXPECT_EQ(peer.recv(), std::string(1000, '\xff'));
        }
    }
}

TEST_P(CompressionOnEveryNetwork, IsReadByZlibAndReadsIt) {  // RFC 7692, 7.2
    serve_compressed(kKept);
    ZlibClient peer{harness(), "permessage-deflate; client_max_window_bits"};
    EXPECT_EQ(peer.agreed(), "permessage-deflate");
    const std::string text = rows(1, 3000);
    std::size_t first_bytes = 0;
    for (int round = 0; round < 3; ++round) {
        peer.send(peer.compressed(text));
        const auto received = peer.take_frame();
        EXPECT_EQ(received.first, 0xC1);
        EXPECT_EQ(received.text, text);
        first_bytes = round == 0 ? received.payload_bytes : first_bytes;
        EXPECT_TRUE(round == 0 || received.payload_bytes < first_bytes / 2);
    }
    peer.send(ZlibClient::frame(0x81, text));  // whoever may compress need not
    EXPECT_EQ(peer.take_frame().text, text);
}

TEST_P(CompressionOnEveryNetwork, LeavesSmallMessagesAndWhatDoesNotGetSmaller) {
    serve_compressed(kForgotten);
    ZlibClient peer{harness(), "permessage-deflate"};
    EXPECT_EQ(peer.agreed(),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
              "server_max_window_bits=12");
    peer.send(ZlibClient::frame(0x81, std::string(99, 'a')) + ZlibClient::frame(0x81, std::string(100, 'a')));
    EXPECT_EQ(peer.take_frame().first, 0x81);
    EXPECT_EQ(peer.take_frame().first, 0xC1);
    std::string noise;
    for (std::uint32_t seed = 1; noise.size() < 1000; seed = seed * 1664525 + 1013904223) {
        noise += static_cast<char>(seed >> 24);
    }
    peer.send(ZlibClient::frame(0x82, noise));
    EXPECT_EQ(peer.take_frame().first, 0x82);
}

TEST_P(CompressionOnEveryNetwork, LeavesATextThatDoesNotGetSmaller) {
    std::string noise;
    for (std::uint32_t seed = 1; noise.size() < 150; seed = seed * 1664525 + 1013904223) {
        noise += static_cast<char>(' ' + (seed >> 24) % 95);
    }
    serve_compressed(kForgotten, [&](WebSocket& socket, Captured) -> Task<> { co_await socket.send(noise); });
    ZlibClient peer{harness(), "permessage-deflate"};
    EXPECT_NE(peer.agreed(), "nothing");
    EXPECT_EQ(peer.take_frame().first, 0x81);
}

TEST_P(CompressionOnEveryNetwork, IsUsedOnlyIfBothSidesWantIt) {
    bool compressed = true;
    const auto look = [&](WebSocket& socket, Captured) -> Task<> {
        compressed = socket.is_compressed();
        return echo(socket, {});
    };
    serve_compressed(Compression::kOff, look);
    ZlibClient eager{harness(), "permessage-deflate; client_max_window_bits"};
    EXPECT_EQ(eager.agreed(), "nothing");
    EXPECT_FALSE(compressed);
    eager.send(eager.compressed("a"));
    EXPECT_EQ(eager.take_frame().text.substr(0, 2), "\x03\xEA");  // 1002

    serve_compressed(kKept, look);
    WebSocketPeer plain{harness(), "/ws/"};
    plain.answer();
    EXPECT_FALSE(plain.is_compressed());
    EXPECT_FALSE(compressed);
    plain.send_message(rows(1, 1000));
    EXPECT_EQ(plain.recv(), rows(1, 1000));
}

TEST_P(CompressionOnEveryNetwork, CompressesWhatIsSentBeforeThe101) {
    serve_compressed(kKept, [](WebSocket& socket, Captured) -> Task<> {
        socket.handle().send(rows(1, 1000));
        co_await yield();
        co_await socket.send(rows(2, 1000));
        co_await socket.recv();
    });
    WebSocketPeer peer{harness(), "/ws/", {}, {}, {}, kKept};
    EXPECT_EQ(peer.recv(), rows(1, 1000));
    EXPECT_EQ(peer.recv(), rows(2, 1000));
    EXPECT_LT(peer.received_in_all(), 1000U);
}

TEST_P(CompressionOnEveryNetwork, IsSpokenByTheClientToo) {
    for (const Compression& ours : {kKept, kForgotten, Compression{.from_bytes = 0, .window_bits = 8}}) {
        serve_compressed(kKept);
        const Endpoint server{url(), {.compression = ours}};
        harness().run(connect(server, [](WebSocket& socket) -> Task<> {
            EXPECT_TRUE(socket.is_compressed());
            for (int round = 0; round < 3; ++round) {
                const Message message{rows(round % 2, 2000)};
                co_await socket.send(message);
                const auto answer = co_await socket.recv();
                EXPECT_TRUE(answer && *answer == message);
                co_await socket.send("a text " + rows(round, 200));
                EXPECT_EQ((co_await socket.recv()).value_or(Message{}), "a text " + rows(round, 200));
            }
        }));
    }
    serve_compressed(Compression::kOff);
    const Endpoint server{url(), {.compression = kKept}};
    harness().run(connect(server, [](WebSocket& socket) -> Task<> {
        EXPECT_FALSE(socket.is_compressed());
        co_await socket.send(rows(1, 1000));
        EXPECT_EQ((co_await socket.recv()).value_or(Message{}), rows(1, 1000));
    }));
}

TEST_F(CompressionInMemory, KnowsOnlyWindowsOf8To15Bits) {  // CVE-2026-2229
    for (const int bits : {1, 7, 16, 255}) {
        EXPECT_THROW(Endpoint("ws://127.0.0.1/", {.compression = {.window_bits = static_cast<std::uint8_t>(bits)}}),
                     std::invalid_argument);
    }
}

// ---- Violations

TEST_P(CompressionOnEveryNetwork, Row49And50And51CloseWhoSendsWhatIsNoMessage) {
    const std::string hello = "\xF2\x48\xCD\xC9\xC9\x07\x00"s;
    const std::string bomb = wire::ZlibSender{}.message(std::string(limits.max_message_bytes + 1, 'a'));
    const std::vector<std::pair<std::uint16_t, std::string>> bad{
        {1007, ZlibClient::frame(0xC1, "corrupt")},
        {1009, ZlibClient::frame(0xC2, bomb)},
        {1007, ZlibClient::frame(0xC1, wire::ZlibSender{}.message("\xFF"))},
        {1002, ZlibClient::frame(0x41, hello) + ZlibClient::frame(0xC0, hello)},
        {1002, ZlibClient::frame(0xE1, hello)},
        {1002, ZlibClient::frame(0xC9, "ping")}};
    for (const auto& [code, bytes] : bad) {
        for (const Compression& ours : {kKept, kForgotten}) {
            serve_compressed(ours);
            ZlibClient peer{harness(), "permessage-deflate"};
            EXPECT_NE(peer.agreed(), "nothing");
            peer.send(bytes);
            const auto closed = peer.take_frame();
            EXPECT_EQ(closed.first, 0x88);
            EXPECT_EQ(closed.text.substr(0, 2), (std::string{char(code >> 8), char(code & 0xFF)}));
            peer.wait_for_end();
            EXPECT_FALSE(peer.failed());
        }
    }
    wait_until_empty();
}

// ---- Row 50: a few bytes can be many large messages

class ManyMessages : public CompressionOnEveryNetwork {
protected:
    static constexpr int kCount = 40;
    // Each is larger than the inbox.
    [[nodiscard]] std::string message(int number) const {
        return std::to_string(number) + std::string(limits.inbox_bytes, 'a');
    }
    // All of them in a few kilobytes.
    [[nodiscard]] std::string messages(ZlibClient& peer) const {
        std::string bytes;
        for (int number = 0; number < kCount; ++number) {
            bytes += peer.compressed(message(number));
        }
        return bytes;
    }
    // A view that takes all of them once the gate is open.
    [[nodiscard]] View taking() {
        return [this](WebSocket& socket, Captured) -> Task<> {
            socket.accept();
            co_await gate.wait();
            while (auto next = co_await socket.recv()) {
                EXPECT_TRUE(*next == message(taken)) << taken;
                ++taken;
            }
            code = socket.close_info().code;
        };
    }

    Gate gate;
    int taken = 0;
    std::uint16_t code = 0;
};
INSTANTIATE_TEST_SUITE_P(Networks, ManyMessages, every_network(), network_name);

TEST_P(ManyMessages, Row50AreInflatedOnlyAsTheyAreTaken) {
    serve_compressed(kKept, taking());
    ZlibClient peer{harness(), "permessage-deflate"};
    peer.agreed();
    peer.send(messages(peer) + ZlibClient::frame(0x88, "\x03\xE8"));
    harness().run_until([&] { return peer.unsent() == 0; }, "the network to take all");
    gate.open();
    harness().run_until([&] { return code != 0; }, "the end of the view");
    EXPECT_EQ(taken, kCount);
    EXPECT_EQ(code, 1000);
    wait_until_empty();
    EXPECT_EQ(app.closed, std::vector<std::uint16_t>{1000});
}

TEST_P(ManyMessages, Row50AreAllTakenBeforeAFinBehindThem) {
    serve_compressed(kKept, taking());
    ZlibClient peer{harness(), "permessage-deflate"};
    peer.agreed();
    peer.stay();
    peer.send(messages(peer));
    peer.shutdown_write();
    harness().run_until([&] { return peer.unsent() == 0; }, "the network to take all");
    gate.open();
    harness().run_until([&] { return code != 0; }, "the end of the view");
    EXPECT_EQ(taken, kCount);
    EXPECT_EQ(code, 1006);
    wait_until_empty();
}

TEST_P(ManyMessages, Row50DoNotHideTheCloseFrameFromAViewThatDoesNotTakeThem) {
    serve_compressed(kKept, [this](WebSocket& socket, Captured) -> Task<> {
        socket.accept();
        co_await gate.wait();
        socket.close(3000, "enough");
    });
    ZlibClient peer{harness(), "permessage-deflate"};
    peer.agreed();
    peer.send(messages(peer) + ZlibClient::frame(0x88, "\x0B\xB8"));
    harness().run_until([&] { return peer.unsent() == 0; }, "the network to take all");
    gate.open();
    EXPECT_EQ(peer.take_frame().text,
              "\x0B\xB8"
              "enough");
    peer.wait_for_end();
    EXPECT_FALSE(peer.failed());
    wait_until_empty();
}

}  // namespace
}  // namespace c10k
