// Bad HTTP and bad handshakes (docs/hostile-rows.md), given to the parser itself: whole, and byte by byte.

#include "wire/handshake.hpp"
#include "wire/host.hpp"
#include "wire/http1.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_literals;
using State = RequestParser::State;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

// What a server does with these bytes: a status of 400 and above, 101, or 200 for a request that is no handshake. 0 if
// it waits for more.
int verdict_of(RequestParser& parser) {
    if (parser.state() == State::kFailed) {
        return parser.failure().status;
    }
    if (parser.state() != State::kComplete) {
        return 0;
    }
    const Request& request = parser.request();
    const auto examined = examine(request, parser.minor_version());
    if (const auto* refusal = std::get_if<Response>(&examined)) {
        return refusal->status;
    }
    if (std::holds_alternative<PlainRequest>(examined)) {
        return 200;
    }
    const bool allowed = origin_allowed(request.headers.get("Origin"), *request.headers.get("Host"), {});
    return allowed ? 101 : 403;
}

// Gives them to a parser in pieces of that size. Whatever it leaves over is not given again: the verdict stands.
int verdict_in_pieces(std::string_view bytes, std::size_t size) {
    RequestParser parser;
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        const std::string_view piece = bytes.substr(at, size);
        if (parser.receive(piece) < piece.size()) {
            break;
        }
    }
    return verdict_of(parser);
}

// Expects the same verdict whole and byte by byte, and returns it.
int verdict(std::string_view bytes) {
    const int whole = verdict_in_pieces(bytes, bytes.size());
    EXPECT_EQ(verdict_in_pieces(bytes, 1), whole) << "byte by byte: " << bytes.substr(0, 200);
    return whole;
}

struct Field {
    std::string name;
    std::string value;
};

std::string request(std::string_view line, const std::vector<Field>& fields) {
    std::string bytes = std::string{line} + "\r\n";
    for (const auto& [name, value] : fields) {
        bytes += name + ": " + value + "\r\n";
    }
    return bytes + "\r\n";
}

std::vector<Field> good_fields() {
    return {{"Host", "example.com"},
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Key", std::string{kKey}},
            {"Sec-WebSocket-Version", "13"}};
}

std::string handshake(const std::vector<Field>& fields) { return request("GET /chat HTTP/1.1", fields); }

std::string handshake_with(std::string_view name, std::string_view value) {
    std::vector<Field> fields = good_fields();
    const auto changed =
        std::find_if(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
    if (changed != fields.end()) {
        changed->value = value;
    } else {
        fields.push_back({std::string{name}, std::string{value}});
    }
    return handshake(fields);
}

std::string handshake_with_another(std::string_view name, std::string_view value) {
    std::vector<Field> fields = good_fields();
    fields.push_back({std::string{name}, std::string{value}});
    return handshake(fields);
}

std::string handshake_without(std::string_view name) {
    std::vector<Field> fields = good_fields();
    std::erase_if(fields, [name](const Field& field) { return field.name == name; });
    return handshake(fields);
}

// A request that is good but for these lines.
std::string post_with(std::string_view lines, std::string_view body = {}) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string{lines} + "\r\n\r\n" + std::string{body};
}

// The seconds of CPU that `run` takes, the least of a few times.
template <class Run>
double cpu_of(const Run& run) {
    double least = 1e9;
    for (int round = 0; round < 5; ++round) {
        const std::clock_t begin = std::clock();
        run();
        least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return least;
}

TEST(HostileHttp, TheHandshakeThatTheOthersAreMadeOfIsGood) { EXPECT_EQ(verdict(handshake(good_fields())), 101); }

TEST(HostileHttp, Row01RefusesKeysThatAreNot16BytesInBase64) {
    EXPECT_EQ(verdict(handshake_without("Sec-WebSocket-Key")), 400);
    for (const std::string_view key :
         {"", "AAA", "AAAA", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
          "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBs-_Bub25jZQ==", "dGhlIHNhbXBs SBub25jZQ==",
          "=GhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!=="}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Key", key)), 400) << key;
    }
}

TEST(HostileHttp, Row02RefusesAHandshakeWithoutAVersion) {
    EXPECT_EQ(verdict(handshake_without("Sec-WebSocket-Version")), 426);
}

TEST(HostileHttp, Row03RefusesOtherVersions) {
    for (const std::string_view version :
         {"12", "99", "8", "0", "130", "013", "+13", "13.0", "13,13", "13 13", "x", ""}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Version", version)), 426) << version;
    }
    EXPECT_EQ(verdict(handshake_with_another("Sec-WebSocket-Version", "13")), 426);
}

TEST(HostileHttp, Row04SwitchesOnlyForGetWithTheUpgradeInHttp11) {
    const std::vector<Field> fields = good_fields();
    EXPECT_EQ(verdict(request("GET /chat HTTP/1.0", fields)), 200);
    for (const std::string_view method : {"POST", "HEAD", "PUT", "OPTIONS", "get", "GETT"}) {
        EXPECT_EQ(verdict(request(std::string{method} + " /chat HTTP/1.1", fields)), 405) << method;
    }
    for (const std::string_view connection : {"", "close", "Upgraded", "keep-alive, Upgrad"}) {
        EXPECT_EQ(verdict(handshake_with("Connection", connection)), 200) << connection;
    }
    for (const std::string_view connection : {"Up grade", "Upgrade;x", "\"Upgrade\""}) {  // which is no list of tokens
        EXPECT_EQ(verdict(handshake_with("Connection", connection)), 400) << connection;
    }
    for (const std::string_view upgrade : {"", "h2c", "websockets", "web socket", "websocket/13", "\"websocket\""}) {
        EXPECT_EQ(verdict(handshake_with("Upgrade", upgrade)), 200) << upgrade;
    }
    EXPECT_EQ(verdict(handshake_without("Connection")), 200);
    EXPECT_EQ(verdict(handshake_without("Upgrade")), 200);
}

TEST(HostileHttp, Row05RefusesTwoKeys) {
    for (const std::string_view second : {kKey, std::string_view{"x3JJHMbDL1EzLkh9GBhXDw=="}, std::string_view{""}}) {
        EXPECT_EQ(verdict(handshake_with_another("Sec-WebSocket-Key", second)), 400) << second;
        EXPECT_EQ(verdict(handshake_with_another("SEC-WEBSOCKET-KEY", second)), 400) << second;
    }
}

TEST(HostileHttp, Row06RefusesHostsThatAreNoneOrTwo) {
    EXPECT_EQ(verdict(handshake_without("Host")), 400);
    EXPECT_EQ(verdict(handshake_with_another("Host", "example.com")), 400);
    EXPECT_EQ(verdict(handshake_with_another("hOST", "evil.example")), 400);
    for (const std::string_view host :
         {"", "user@example.com", "user:word@example.com", "example.com/path", "example.com,evil.example",
          "example.com evil.example", "example.com?", "example.com#", "example.com:80:80", "example.com:-1",
          "example.com:65536", ":80", "[::1", "::1", "[::1]x", "[v1.a]", "%65xample.com", "exa\tmple.com"}) {
        EXPECT_EQ(verdict(handshake_with("Host", host)), 400) << host;
    }
}

TEST(HostileHttp, Row07HoldsNoMoreThanTheLimitForTwoThousandFields) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 2000; ++i) {
        bytes += "X-" + std::to_string(i) + ": 1\r\n";
    }
    EXPECT_EQ(verdict(bytes + "\r\n"), 431);
    HeadReader head;
    EXPECT_LE(head.receive(bytes, {}), HttpLimits{}.head);
    EXPECT_TRUE(head.failed());
    EXPECT_LE(head.text().size(), HttpLimits{}.head);
}

TEST(HostileHttp, Row08HoldsNoMoreThanTheLimitForAnEndlessLine) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1 << 20, 'x');
    EXPECT_EQ(verdict(bytes), 431);
    HeadReader head;
    EXPECT_EQ(head.receive(bytes, {}), HttpLimits{}.head + 1);
    EXPECT_LE(head.text().size(), HttpLimits{}.head + 1);
}

// A head sixteen times as long in single bytes may cost sixteen times as much; if each byte looked at all before it, it
// would be 256 times.
TEST(HostileHttp, Row09TheWorkForSingleBytesGrowsWithTheirNumberOnly) {
    const auto cost = [](std::size_t size) {
        const std::string bytes = request("GET / HTTP/1.1", {{"Host", "a"}, {"X", std::string(size, 'x')}});
        return cpu_of([&bytes] {
            RequestParser parser{{.head = std::size_t{4} << 20}};
            for (const char& byte : bytes) {
                parser.receive({&byte, 1});
            }
            EXPECT_EQ(parser.state(), State::kComplete);
        });
    };
    EXPECT_LT(cost(std::size_t{2} << 20), 64 * std::max(cost(std::size_t{128} << 10), 1e-4));
}

// CVE-2024-52804: cookies that are read in quadratic time. CVE-2025-47287: multipart whose faults are logged one by
// one; nobody here reads any, so its lines are bytes like others.
TEST(HostileHttp, Cve202452804AndCve202547287TheWorkForCookiesAndMultipartGrowsWithTheirLengthOnly) {
    const auto cookies = [](std::size_t size) {
        Request asked;
        std::string field = "a=\"";
        while (field.size() < size) {
            field += "\\012\\\";=";
        }
        asked.headers.add("Cookie", field);
        return cpu_of([&asked] { EXPECT_LE(asked.cookies().size(), Parameters::kMaxItems); });
    };
    EXPECT_LT(cookies(std::size_t{2} << 20), 64 * std::max(cookies(std::size_t{128} << 10), 1e-4));
    const auto multipart = [](std::size_t size) {
        std::string body;
        while (body.size() < size) {
            body += "--x\r\nBad Header\r\n: \r\n\r\n";
        }
        const std::string bytes = request("POST / HTTP/1.1", {{"Host", "a"},
                                                              {"Content-Type", "multipart/form-data; boundary=x"},
                                                              {"Content-Length", std::to_string(body.size())}}) +
                                  body;
        return cpu_of([&bytes] {
            RequestParser parser{{.body = std::size_t{4} << 20}};
            parser.receive(bytes);
            EXPECT_EQ(parser.state(), State::kComplete);
            EXPECT_EQ(parser.request().form().size(), 0U);
        });
    };
    EXPECT_LT(multipart(std::size_t{2} << 20), 64 * std::max(multipart(std::size_t{128} << 10), 1e-4));
}

TEST(HostileHttp, Row10RefusesLongTargetsMethodsAndNames) {
    for (const std::size_t kibibytes : {64, 100}) {
        const std::string text(kibibytes * 1024, 'a');
        EXPECT_EQ(verdict("GET /" + text + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
        EXPECT_EQ(verdict("GET /?" + text + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
        EXPECT_EQ(verdict("GET http://" + text + "/ HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
        EXPECT_EQ(verdict(text + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
        EXPECT_EQ(verdict("GET / HTTP/1.1\r\n" + text + ": a\r\nHost: a\r\n\r\n"), 431);
        EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: " + text + "\r\n\r\n"), 431);
    }
}

// Requests that are 400 whatever stands around them.
struct Bad {
    const char* name;
    std::string bytes;
};

class HostileHttpRow11And12 : public testing::TestWithParam<Bad> {};

TEST_P(HostileHttpRow11And12, IsBadHoweverItIsCut) {
    const std::string& bytes = GetParam().bytes;
    EXPECT_EQ(verdict(bytes), 400);
    EXPECT_EQ(verdict(bytes + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);  // and no second request is found in it
    for (std::size_t size = 2; size < bytes.size(); ++size) {
        EXPECT_EQ(verdict_in_pieces(bytes, size), 400) << size;
    }
}

INSTANTIATE_TEST_SUITE_P(
    , HostileHttpRow11And12,
    testing::Values(Bad{"Row11Fold", post_with("X: a\r\n b")}, Bad{"Row11FoldWithTab", post_with("X: a\r\n\tb")},
                    Bad{"Row11FoldOfNothing", post_with("X: a\r\n \r\nY: b")},
                    Bad{"Row11FoldInFront", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n"},
                    Bad{"Row11SpaceBeforeColon", post_with("X : a")}, Bad{"Row11TabBeforeColon", post_with("X\t: a")},
                    Bad{"Row11NulInValue", post_with("X: a\0b"s)}, Bad{"Row11NulInName", post_with("X\0: a"s)},
                    Bad{"Row11ControlInValue", post_with("X: \x01")}, Bad{"Row11DelInValue", post_with("X: \x7f")},
                    Bad{"Row11EscapeInValue", post_with("X: \x1b[0m")}, Bad{"Row11SpaceInName", post_with("X Y: a")},
                    Bad{"Row11SeparatorInName", post_with("X@: a")}, Bad{"Row11QuotesInName", post_with("\"X\": a")},
                    Bad{"Row11HighByteInName", post_with("X\xff: a")}, Bad{"Row11EmptyName", post_with(": a")},
                    Bad{"Row11NoColon", post_with("X")}, Bad{"Row11ValueOnly", post_with("X a")},
                    Bad{"Row12BareLfs", "GET / HTTP/1.1\nHost: a\n\n"},
                    Bad{"Row12BareCrs", "GET / HTTP/1.1\rHost: a\r\r"},
                    Bad{"Row12LfAfterTheRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
                    Bad{"Row12LfAfterAField", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"},
                    Bad{"Row12LfAtTheEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
                    Bad{"Row12CrInAValue", post_with("X: a\rY: b")}, Bad{"Row12TwoCrs", post_with("X: a\r")},
                    Bad{"Row12LfInFront", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"}),
    [](const auto& info) { return info.param.name; });

TEST(HostileHttp, Row13RefusesOddContentLengths) {
    for (const std::string_view length : {"",
                                          " ",
                                          "+5",
                                          "-5",
                                          "-0",
                                          "0x5",
                                          "5h",
                                          "1_0",
                                          "1,000",
                                          "5, 5",
                                          "5,5",
                                          "5 5",
                                          "5;",
                                          "5.0",
                                          "5e0",
                                          "\"5\"",
                                          "18446744073709551616",
                                          "18446744073709551621",
                                          "9999999999999999999999999999",
                                          "\xd9\xa5",
                                          "\xb2"}) {
        EXPECT_EQ(verdict(post_with("Content-Length: " + std::string{length}, "12345")), 400) << length;
    }
    for (const std::string_view second : {"5", "6", "0", ""}) {
        EXPECT_EQ(verdict(post_with("Content-Length: 5\r\nContent-Length: " + std::string{second}, "12345")), 400);
        EXPECT_EQ(verdict(post_with("Content-Length: 5\r\nCONTENT-LENGTH: " + std::string{second}, "12345")), 400);
    }
    EXPECT_EQ(verdict(post_with("Content-Length: 18446744073709551615")), 413);
}

TEST(HostileHttp, Row14RefusesCodingsThatAreNotOneChunked) {
    for (const std::string_view lines :
         {"Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
          "Transfer-Encoding: chunked\r\nContent-Length: 0", "Transfer-Encoding: chunked\r\nContent-Length: x",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "Transfer-Encoding : chunked",
          "Transfer-Encoding:\r\n chunked"}) {
        EXPECT_EQ(verdict(post_with(lines, "0\r\n\r\n")), 400) << lines;
    }
    for (const std::string& coding :
         {"\vchunked"s, "\fchunked"s, "chunked\v"s, "chunked\f"s, "chunked\0"s, "\0chunked"s, "chun\0ked"s,
          "\x7f"
          "chunked"s}) {
        EXPECT_EQ(verdict(post_with("Transfer-Encoding: " + coding, "0\r\n\r\n")), 400) << coding;
    }
    for (const std::string_view coding :
         {"", "xchunked", "chunkedx", "identity", "gzip", "gzip, chunked", "chunked, gzip", "chunked, identity",
          "chunked, chunked", "chunked,", ",chunked", "chunked;q=1", "'chunked'", "chunked chunked",
          "\xa0"
          "chunked"}) {
        EXPECT_EQ(verdict(post_with("Transfer-Encoding: " + std::string{coding}, "0\r\n\r\n")), 501) << coding;
    }
    EXPECT_EQ(verdict("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

TEST(HostileHttp, Row15RefusesMisshapenChunks) {
    const auto chunked = [](std::string_view chunks) {
        return verdict(post_with("Transfer-Encoding: chunked", chunks));
    };
    for (const std::string_view size :
         {"", "-1", "+1", "0x1", "1_0", " 1", "1 ", "\t1", "1 ;a", "1,", "g", "1;\x01", "1;a\nb", "1;a\rb",
          "10000000000000000", "10000000000000001", "fffffffffffffffff", "00000000000000001"}) {
        EXPECT_EQ(chunked(std::string{size} + "\r\nx\r\n0\r\n\r\n"), 400) << size;
    }
    for (const std::string_view size : {"ffffffffffffffff", "8000000000000000", "7fffffffffffffff", "100001"}) {
        EXPECT_EQ(chunked(std::string{size} + "\r\nx\r\n0\r\n\r\n"), 413) << size;
    }
    for (const std::string_view chunks :
         {"1\nx\n0\n\n", "1\r\nx\n0\r\n\r\n", "1\r\nxx\r\n0\r\n\r\n", "1\r\nx0\r\n\r\n", "1\r\nx\r\n0\r\n\n",
          "0\r\nX\r\n\r\n", "0\r\n: a\r\n\r\n", "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX Y: a\r\n\r\n"}) {
        EXPECT_EQ(chunked(chunks), 400) << chunks;
    }
    EXPECT_EQ(chunked("1;" + std::string(64 * 1024, 'x') + "\r\nx\r\n0\r\n\r\n"), 400);
    EXPECT_EQ(chunked("0\r\nX: " + std::string(64 * 1024, 'x') + "\r\n\r\n"), 431);
}

TEST(HostileHttp, Row16RefusesAHandshakeWithABodyAndReadsTheBodyAsOne) {
    const std::string frames =
        "\x81\x80"
        "abcd\x81\x80"
        "abcd";
    const std::string sized = handshake_with("Content-Length", std::to_string(frames.size()));
    const std::string chunked = handshake_with("Transfer-Encoding", "chunked");
    for (const std::string& bytes : {sized + frames, chunked + "c\r\n" + frames + "\r\n0\r\n\r\n"}) {
        EXPECT_EQ(verdict(bytes), 400);
        RequestParser parser;
        EXPECT_EQ(parser.receive(bytes + "next"), bytes.size());  // nothing of it is left for a WebSocket
    }
    EXPECT_EQ(verdict(sized), 0);  // it is not answered before its body is there
    EXPECT_EQ(verdict(handshake_with("Content-Length", "0")), 101);
}

TEST(HostileHttp, Row19RefusesForeignOrigins) {
    for (const std::string_view origin :
         {"null", "", "example.com", "http://evil.example", "http://evil-example.com",
          "http://example.com.evil.example", "http://example.comevil", "http://evil.example/example.com",
          "http://example.com@evil.example", "http://example.com:8080", "http://example.com/",
          "http://example.com http://evil.example", "file://", "ws://example.com", "http://", "//example.com",
          "http://example.com:x"}) {
        EXPECT_EQ(verdict(handshake_with("Origin", origin)), 403) << origin;
    }
    EXPECT_EQ(verdict(handshake_with("Origin", "http://example.com")), 101);
    EXPECT_EQ(verdict(handshake_with("Origin", "https://EXAMPLE.com:443")), 101);
}

// Row 20's lists of 7,000 spaces, commas and escapes: less than 50 ms is far more than the least of a few runs takes.
TEST(HostileHttp, Row20OddListsCostLittle) {
    std::string escapes;
    for (int i = 0; i < 3500; ++i) {
        escapes += "\\c";
    }
    for (const auto& [name, value] :
         std::initializer_list<Field>{{"Sec-WebSocket-Protocol", std::string(7000, ' ')},
                                      {"Sec-WebSocket-Protocol", "a" + std::string(7000, ' ') + "b"},
                                      {"Sec-WebSocket-Protocol", std::string(7000, ',')},
                                      {"Sec-WebSocket-Protocol", "a" + std::string(7000, '\t') + ",b"},
                                      {"Sec-WebSocket-Extensions", "a;b=\"" + escapes},
                                      {"Sec-WebSocket-Extensions", std::string(7000, ';')},
                                      {"Connection", "Upgrade" + std::string(7000, ',')},
                                      {"Upgrade", "websocket" + std::string(7000, ' ') + ",x"}}) {
        const std::string bytes = handshake_with(name, value);
        int status = 0;
        EXPECT_LT(cpu_of([&] { status = verdict_in_pieces(bytes, bytes.size()); }), 0.050) << name;
        EXPECT_TRUE(status == 101 || status == 400) << name << ' ' << status;
        EXPECT_EQ(verdict(bytes), status);
    }
}

TEST(HostileHttp, Row21And22OpenWithoutWhatIsNotUnderstood) {
    for (const std::string_view extensions :
         {"constructor", "__proto__", "x-unknown; a; b=1", "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; server_max_window_bits=16", "permessage-deflate; client_max_window_bits=010",
          "permessage-deflate; server_max_window_bits", "permessage-deflate; unknown",
          "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Extensions", extensions)), 101) << extensions;
    }
}

TEST(HostileHttp, Row23RefusesOtherProtocols) {
    EXPECT_EQ(verdict("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    EXPECT_EQ(verdict("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"s + std::string(200, '\0')), 400);
    EXPECT_EQ(verdict("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n"), 400);
    EXPECT_EQ(verdict("EHLO localhost\r\n\r\n"), 400);
    EXPECT_EQ(verdict("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 400);
    EXPECT_EQ(verdict(std::string(100, '\0')), 400);
}

// ---- Handshakes out of a generator

// Makes handshakes that are wrong in one place or more, each in a way that makes it none.
class BadHandshakes {
public:
    explicit BadHandshakes(std::uint32_t seed) : random_(seed) {}

    std::string next() {
        line_ = "GET /chat HTTP/1.1";
        fields_ = good_fields();
        tail_.clear();
        add_harmless();
        for (std::uint32_t faults = 1 + below(3); faults > 0; --faults) {
            add_fault();
        }
        std::string bytes = request(line_, fields_) + tail_;
        if (below(4) == 0) {
            break_lines(bytes);
        }
        return bytes;
    }

private:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    template <std::size_t kSize>
    std::string one_of(const std::array<std::string_view, kSize>& choices) {
        return std::string{choices[below(kSize)]};
    }

    std::string token() {
        std::string text(1 + below(12), 'a');
        for (char& c : text) {
            c = static_cast<char>('a' + below(26));
        }
        return text;
    }

    // Too short, too long, or not base64.
    std::string bad_key() {
        std::string key{kKey};
        switch (below(3)) {
            case 0: key.erase(below(20), 1 + below(5)); break;
            case 1: key.insert(0, 1 + below(40), 'A'); break;
            default: key[below(22)] = '!'; break;
        }
        return key;
    }

    // Sets every field of that name, however it came.
    void set(std::string_view name, const std::string& value) {
        bool found = false;
        for (Field& field : fields_) {
            if (field.name == name) {
                field.value = value;
                found = true;
            }
        }
        if (!found) {
            fields_.push_back({std::string{name}, value});
        }
    }

    void remove(std::string_view name) {
        std::erase_if(fields_, [name](const Field& field) { return field.name == name; });
    }

    // What another fault has taken away stays away.
    void repeat(std::string_view name) {
        const auto found =
            std::find_if(fields_.begin(), fields_.end(), [name](const Field& field) { return field.name == name; });
        if (found != fields_.end()) {
            fields_.push_back(Field{*found});
        }
    }

    void add_harmless() {
        for (std::uint32_t more = below(4); more > 0; --more) {
            fields_.push_back({"X-" + token(), token()});
        }
        std::shuffle(fields_.begin(), fields_.end(), random_);
    }

    void add_fault() {
        switch (below(14)) {
            case 0: remove(one_of(kNeeded)); break;
            case 1: set("Sec-WebSocket-Key", bad_key()); break;
            case 2: repeat("Sec-WebSocket-Key"); break;
            case 3: set("Sec-WebSocket-Version", std::to_string(14 + below(1000))); break;
            case 4:
                set("Connection", one_of(std::array<std::string_view, 3>{"close", "keep-alive", "x-upgrade"}));
                break;
            case 5: set("Upgrade", "x" + token()); break;
            case 6: line_ = "x" + token() + " /chat HTTP/1.1"; break;
            case 7: line_ = one_of(kBadLines); break;
            case 8: repeat("Host"); break;
            case 9: set("Host", one_of(kBadHosts)); break;
            case 10: set("Content-Length", one_of(kBadLengths)); break;
            case 11:
                set("Transfer-Encoding", one_of(kBadCodings));
                tail_ = "0\r\n\r\n";
                break;
            case 12: set("Origin", "http://" + token() + ".example"); break;
            default: fields_.push_back({one_of(kBadNames), token()}); break;
        }
    }

    // Takes a CR or an LF away, or puts one in: the handshake does not become one by that.
    void break_lines(std::string& bytes) {
        const std::size_t at = bytes.find("\r\n", below(static_cast<std::uint32_t>(bytes.size() / 2)));
        bytes.replace(at, 2, one_of(std::array<std::string_view, 5>{"\n", "\r", "\n\r", "\r\r\n", "\r\n "}));
    }

    static constexpr std::array<std::string_view, 5> kNeeded{"Host", "Upgrade", "Connection", "Sec-WebSocket-Key",
                                                             "Sec-WebSocket-Version"};
    static constexpr std::array<std::string_view, 7> kBadLines{
        "GET /chat HTTP/1.0",  "GET /chat HTTP/2.0", "GET /chat",          "GET  /chat HTTP/1.1",
        "GET /ch at HTTP/1.1", "GET chat HTTP/1.1",  "GET /chat HTTP/1.1 "};
    static constexpr std::array<std::string_view, 6> kBadHosts{
        "", "a b", "user@example.com", "example.com/", "a,b", "example.com:x"};
    static constexpr std::array<std::string_view, 6> kBadLengths{"5", "-1", "+0", "0x0", "0, 0", ""};
    static constexpr std::array<std::string_view, 5> kBadCodings{"chunked", "identity", "gzip", "chunked, chunked", ""};
    static constexpr std::array<std::string_view, 6> kBadNames{"X Y", "X ", "", "X(", "X\x01", "X\xff"};

    std::mt19937 random_;
    std::string line_;
    std::vector<Field> fields_;
    std::string tail_;
};

// The million of the figures to reach in full mode, and at most a millisecond of CPU for each.
TEST(HostileHttp, Rows01To06NoMalformedHandshakeOfManyIsAnsweredWith101) {
    const char* full = std::getenv("C10K_FULL");
    const int count = full != nullptr && full == "1"s ? 1'000'000 : 100'000;
    BadHandshakes bad{20};
    const std::clock_t begin = std::clock();
    for (int i = 0; i < count; ++i) {
        const std::string bytes = bad.next();
        const int whole = verdict_in_pieces(bytes, bytes.size());
        ASSERT_NE(whole, 101) << i << ": " << bytes;
        if (i % 10 == 0) {
            ASSERT_EQ(verdict_in_pieces(bytes, 1), whole) << i << ": " << bytes;
        }
    }
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, count * 0.001);
}

}  // namespace
}  // namespace c10k::wire
