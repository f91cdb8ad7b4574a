#include "allocation/failing.hpp"
#include "wire/handshake.hpp"
#include "wire/protocol.hpp"
#include "wire/proxy_protocol.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"

#include <gtest/gtest.h>
#include <new>
#include <string>
#include <vector>

// Row 61: memory that is not to be had. What throws then, throws std::bad_alloc, and can be destroyed; ASan sees the
// rest.
namespace c10k::wire {
namespace {

// Runs `work` with its first allocation failing, then with its second, and so on until all succeed. Each time it must
// throw std::bad_alloc or return what it returns otherwise. Returns how many allocations there are.
template <typename Work>
std::size_t fail_each(Work work) {
    const std::string expected = work();
    for (std::size_t n = 0;; ++n) {
        std::string got;
        allocation::fail(n);
        try {
            got = work();
        } catch (const std::bad_alloc&) {
            got = expected;
        }
        const bool has_failed = allocation::stop_failing();
        EXPECT_EQ(got, expected) << "when allocation " << n << " fails";
        if (!has_failed) {
            return n;
        }
    }
}

class Transcript final : public Protocol::Events {
public:
    void on_message(Message message) override { text_ += message.view(); }
    void on_pong(std::string_view payload) override { text_ += payload; }
    void on_reply(std::string_view frame) override { text_ += frame; }
    void on_close(const CloseInfo& info, Violation /*violation*/) override { text_ += info.reason; }

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

TEST(Row61, AProtocolThatGetsNoMemoryThrowsBadAlloc) {
    const auto converse = [](std::string_view bytes, std::size_t each) {
        Protocol protocol{Role::kServer};
        Transcript transcript;
        for (std::size_t at = 0; at < bytes.size(); at += each) {
            std::string part{bytes.substr(at, each)};
            protocol.receive(part, transcript);
        }
        return transcript.text();
    };
    std::string bytes;
    append_frame(Role::kClient, Opcode::kText, std::string(5000, 'x'), bytes);
    append_frame(Role::kClient, Opcode::kPing, std::string(100, 'p'), bytes);
    append_frame(Role::kClient, Opcode::kText, "\xC3\xA4", bytes);
    const std::string good = bytes;
    append_frame(Role::kClient, Opcode::kClose, "\x03\xE8 a reason that is longer than a short string", bytes);
    EXPECT_GT(fail_each([&] { return converse(bytes, bytes.size()); }), 4U);
    EXPECT_GT(fail_each([&] { return converse(bytes, 50); }), 10U);
    EXPECT_GT(fail_each([&] { return converse(good + "\xFF\xFF a violation", 50); }), 10U);
}

TEST(Row61, AParserThatGetsNoMemoryThrowsBadAlloc) {
    const std::string bytes =
        "POST /a/long/enough/path?with=a&query=b HTTP/1.1\r\nHost: example.com\r\nCookie: a=1; b=2\r\n"
        "X-A-Field: with a value that is longer than a short string\r\nTransfer-Encoding: chunked\r\n\r\n"
        "20\r\n01234567890123456789012345678901\r\n0\r\n\r\n";
    for (const std::size_t each : {bytes.size(), std::size_t{7}}) {
        EXPECT_GT(fail_each([&] {
                      RequestParser parser;
                      for (std::size_t at = 0; at < bytes.size(); at += each) {
                          parser.receive(std::string_view{bytes}.substr(at, each));
                      }
                      return parser.request().path + parser.request().body;
                  }),
                  5U);
    }
    const std::string answer = "HTTP/1.1 404 Not Found\r\nX-A-Field: with a value that is long\r\n\r\n";
    EXPECT_GT(fail_each([&] {
                  ResponseParser parser;
                  parser.receive(answer);
                  return std::to_string(parser.response().status);
              }),
              2U);
    const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n";
    EXPECT_GT(fail_each([&] {
                  ProxyHeader reader;
                  reader.receive(header);
                  return reader.client().text();
              }),
              1U);
}

TEST(Row61, AHandshakeThatGetsNoMemoryThrowsBadAlloc) {
    EXPECT_GT(fail_each([] {
                  HandshakeRequest request;
                  request.host = "example.com";
                  request.target = "/a/long/enough/path/to/allocate";
                  request.subprotocols = {"chat.version.1", "chat.version.2"};
                  RequestParser parser;
                  parser.receive(to_bytes(request));
                  auto examined = read_handshake(parser.request(), 1);
                  return to_bytes(switching_protocols(std::get<HandshakeOffer>(examined), "chat.version.1"), {})
                      .substr(0, 12);
              }),
              10U);
}

TEST(Row61, AMessageThatGetsNoMemoryThrowsBadAlloc) {
    EXPECT_EQ(fail_each([] { return std::string{Message{std::string_view{"text"}}.view()}; }), 1U);
}

}  // namespace
}  // namespace c10k::wire
