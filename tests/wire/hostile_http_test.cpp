// Bad HTTP (docs/reference/hostile-input.md), given to the parser itself: whole, and byte by byte.
#include "wire/hostile_requests.hpp"

#include <initializer_list>

namespace c10k::wire {
namespace {

using namespace std::string_literals;
using State = RequestParser::State;

TEST(HostileHttp, Row07HoldsNoMoreThanTheLimitForTwoThousandFields) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 2000; ++i) {
        bytes += "X-" + std::to_string(i) + ": 1\r\n";
    }
    EXPECT_EQ(verdict(bytes + "\r\n"), 431);
    HeadReader head;
    EXPECT_LE(head.receive(bytes, {}), HttpLimits{}.max_head_bytes);
    EXPECT_TRUE(head.failed());
    EXPECT_LE(head.text().size(), HttpLimits{}.max_head_bytes);
}

TEST(HostileHttp, Row08HoldsNoMoreThanTheLimitForAnEndlessLine) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1 << 20, 'x');
    EXPECT_EQ(verdict(bytes), 431);
    HeadReader head;
    EXPECT_EQ(head.receive(bytes, {}), HttpLimits{}.max_head_bytes + 1);
    EXPECT_LE(head.text().size(), HttpLimits{}.max_head_bytes + 1);
}

// A head sixteen times as long in single bytes may cost sixteen times as much; if each byte looked at all before it, it
// would be 256 times.
TEST(HostileHttp, Row09TheWorkForSingleBytesGrowsWithTheirNumberOnly) {
    const auto cost = [](std::size_t size) {
        const std::string bytes = request("GET / HTTP/1.1", {{"Host", "a"}, {"X", std::string(size, 'x')}});
        return cpu_of([&bytes] {
            const HttpLimits limits{.max_head_bytes = 4U << 20};
            RequestParser parser{limits};
            for (const char& byte : bytes) {
                parser.receive({&byte, 1});
            }
            EXPECT_EQ(parser.state(), State::kComplete);
        });
    };
    EXPECT_LT(cost(std::size_t{2} << 20), 64 * std::max(cost(std::size_t{128} << 10), 1e-4));
}

// CVE-2024-52804: cookies that are read in quadratic time. CVE-2025-47287: multipart whose faults are logged one by
// one; here its lines are bytes like others, and a form that is read is refused for its type.
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
            const HttpLimits limits{.max_body_bytes = 4U << 20};
            RequestParser parser{limits};
            parser.receive(bytes);
            EXPECT_EQ(parser.state(), State::kComplete);
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
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", "Transfer-Encoding : chunked",
          "Transfer-Encoding:\r\n chunked"}) {
        EXPECT_EQ(verdict(post_with(lines, "0\r\n\r\n")), 400) << lines;
    }
    for (const std::string& coding :
         {"\vchunked"s, "\fchunked"s, "chunked\v"s, "chunked\f"s, "chunked\0"s, "\0chunked"s, "chun\0ked"s,
          "\x7f"
          "chunked"s}) {
        EXPECT_EQ(verdict(post_with("Transfer-Encoding: " + coding, "0\r\n\r\n")), 400) << coding;
    }
    // Where chunked stands and is not the end, two parsers could find two bodies.
    for (const std::string_view coding :
         {"", ",", "chunked, gzip", "chunked, identity", "chunked, chunked", "chunked, xchunked", "chunked;q=1",
          "chunked chunked", "chunked gzip", "gzip, chunked, gzip",
          "\xa0"
          "chunked"}) {
        EXPECT_EQ(verdict(post_with("Transfer-Encoding: " + std::string{coding}, "0\r\n\r\n")), 400) << coding;
    }
    for (const std::string_view coding :
         {"xchunked", "chunkedx", "identity", "gzip", "gzip, chunked", "identity, chunked", "'chunked'"}) {
        EXPECT_EQ(verdict(post_with("Transfer-Encoding: " + std::string{coding}, "0\r\n\r\n")), 501) << coding;
    }
    EXPECT_EQ(verdict("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

TEST(HostileHttp, Row15RefusesMisshapenChunks) {
    const auto chunked = [](std::string_view chunks) {
        return verdict(post_with("Transfer-Encoding: chunked", chunks));
    };
    for (const std::string_view size : {"",
                                        "-1",
                                        "+1",
                                        "0x1",
                                        "1_0",
                                        " 1",
                                        "1 ",
                                        "\t1",
                                        "1 ;",
                                        "1;a;",
                                        "1;a=",
                                        "1;=a",
                                        "1;a=\"b",
                                        "1,",
                                        "g",
                                        "1;\x01",
                                        "1;a\nb",
                                        "1;a\rb",
                                        "10000000000000000",
                                        "10000000000000001",
                                        "fffffffffffffffff",
                                        "00000000000000001"}) {
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
    EXPECT_EQ(chunked("1;a=\t\"b\"\r\nx\r\n0\r\nX:\ta\r\n\r\n"), 405);  // it is read: a tab is no control
    EXPECT_EQ(chunked("1;" + std::string(64 * 1024, 'x') + "\r\nx\r\n0\r\n\r\n"), 400);
    EXPECT_EQ(chunked("0\r\nX: " + std::string(64 * 1024, 'x') + "\r\n\r\n"), 431);
}

TEST(HostileHttp, Row23RefusesOtherProtocols) {
    EXPECT_EQ(verdict("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    EXPECT_EQ(verdict("\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"s + std::string(200, '\0')), 400);
    EXPECT_EQ(verdict("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n"), 400);
    EXPECT_EQ(verdict("EHLO localhost\r\n\r\n"), 400);
    EXPECT_EQ(verdict("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 400);
    EXPECT_EQ(verdict(std::string(100, '\0')), 400);
}

}  // namespace
}  // namespace c10k::wire
