// Peers that say exactly what they want, on networks that do what networks do.
#include "testkit/fault_injector.hpp"

#include "base/log.hpp"
#include "connection/fixture.hpp"
#include "testkit/in_full.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/response_parser.hpp"

#include <cstdint>
#include <functional>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using testkit::FaultInjector;
using testkit::Faults;
using testkit::Harness;
using testkit::Peer;
using testkit::WebSocketPeer;

// A new server for each seed.
class FaultyNetwork : public testing::Test {
protected:
    void with_each_seed(const std::function<void(Harness&)>& body) {
        const std::uint64_t seeds = testkit::in_full(10'000, 200);
        for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
            const log::Silence silence;  // about accepts that fail
            SCOPED_TRACE("seed " + std::to_string(seed));
            Loop loop{std::make_unique<MemoryBackend>(FaultInjector{Faults::benign(), seed}, nullptr)};
            Harness harness{loop, app_};
            body(harness);
        }
    }
    static void turn_until_over(Peer& peer) {
        for (int turns = 0; !peer.is_over() && turns < 100'000; ++turns) {
            peer.harness().loop().turn();
        }
        EXPECT_TRUE(peer.ended());
        EXPECT_FALSE(peer.failed());
    }

    ScriptedApplication app_;
};

// The bodies of the responses that `bytes` are.
std::vector<std::string> bodies(std::string_view bytes) {
    std::vector<std::string> found;
    while (!bytes.empty()) {
        wire::ResponseParser parser;
        bytes.remove_prefix(parser.receive(bytes));
        if (parser.state() != wire::ResponseParser::State::kComplete) {
            found.emplace_back("half a response");
            break;
        }
        std::string& body = found.emplace_back();
        if (parser.response().headers.has_token("Transfer-Encoding", "chunked")) {
            wire::ChunkReader chunks;
            bytes.remove_prefix(chunks.receive(bytes, body, {}));
        } else {
            body = bytes.substr(0, std::stoul(std::string{parser.response().headers.get("Content-Length").value()}));
            bytes.remove_prefix(body.size());
        }
    }
    return found;
}

Task<Response> answer_later(std::string body) {
    co_await sleep_for(30ms);
    co_return Response::text(body);
}

Response answer_in_pieces(const std::string& body) {
    return Response::stream("text/plain", [body](BodyWriter& writer) -> Task<> {
        for (const char byte : body) {
            co_await writer.write({&byte, 1});
            co_await sleep_for(1ms);
        }
    });
}

TEST_F(FaultyNetwork, AnswersPipelinedRequestsInTheirOrder) {  // RFC 9112, 9.3.2
    app_.on_request = [](Request& request) -> Application::Answer {
        const std::string body = request.path + ' ' + request.body;
        switch (body.size() % 3) {
            case 0: return Response::text(body);
            case 1: return answer_later(body);
            default: return answer_in_pieces(body);
        }
    };
    with_each_seed([](Harness& harness) {
        std::vector<std::string> wanted;
        std::string bytes;
        for (int i = 0; i < 12; ++i) {
            const std::string path = '/' + std::string(static_cast<std::size_t>(i), 'p');
            const std::string body(static_cast<std::size_t>(i * i), 'b');
            bytes += "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                     (i == 11 ? "\r\nConnection: close" : "") + "\r\n\r\n" + body;
            wanted.push_back(path + ' ' + body);
        }
        Peer peer{harness};
        peer.send(bytes);
        turn_until_over(peer);
        EXPECT_EQ(bodies(peer.received()), wanted);
    });
}

TEST_F(FaultyNetwork, AnswersWhatComesWithTheHandshakeInItsOrder) {
    app_.route.view = [](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        co_await sleep_for(5ms);
        while (auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    };
    with_each_seed([](Harness& harness) {
        std::string frames;
        const auto add = [&frames](bool is_final, wire::Opcode opcode, std::string_view payload) {
            const std::size_t begin = frames.size();
            wire::append_frame(wire::Role::kClient, opcode, payload, frames);
            if (!is_final) {
                frames[begin] = static_cast<char>(frames[begin] & 0x7F);
            }
        };
        for (int i = 0; i < 10; ++i) {
            add(true, wire::Opcode::kPing, std::to_string(i));
            add(false, wire::Opcode::kText, "one ");
            add(true, wire::Opcode::kPing, "");
            add(false, wire::Opcode::kContinuation, std::string(static_cast<std::size_t>(i) * 200, 'x'));
            add(true, wire::Opcode::kContinuation, " end");
            add(true, wire::Opcode::kBinary, std::string(static_cast<std::size_t>(i), '\0'));
        }
        add(true, wire::Opcode::kClose, std::string_view{"\x0F\xA0", 2});  // 4000
        WebSocketPeer peer{harness, "/ws/", {}, {}, frames};
        turn_until_over(peer);
        ASSERT_EQ(peer.waiting(), 20U);
        EXPECT_EQ(peer.pongs().size(), 20U);
        for (int i = 0; i < 10; ++i) {
            EXPECT_EQ(peer.recv(), "one " + std::string(static_cast<std::size_t>(i) * 200, 'x') + " end");
            EXPECT_EQ(peer.recv(), std::string(static_cast<std::size_t>(i), '\0'));
            EXPECT_EQ(peer.pongs()[static_cast<std::size_t>(i) * 2], std::to_string(i));
        }
        EXPECT_EQ(peer.wait_for_close().code, 4000);
    });
}

TEST_F(FaultyNetwork, SaysWhatWasWrongBeforeItEndsTheConnection) {  // RFC 6455, 7.1.7
    app_.route.view = [](WebSocket& socket, std::span<const std::string_view>) -> Task<> {
        while (auto message = co_await socket.recv()) {
            co_await socket.send(*message);
        }
    };
    with_each_seed([](Harness& harness) {
        std::string frames;
        wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "first", frames);
        frames += "\x81\x05nomask and so on, for as long as nobody stops it";
        WebSocketPeer peer{harness, "/ws/", {}, {}, frames};
        turn_until_over(peer);
        ASSERT_EQ(peer.waiting(), 1U);
        EXPECT_EQ(peer.recv(), "first");
        EXPECT_EQ(peer.wait_for_close().code, 1002);
    });
}

}  // namespace
}  // namespace c10k
