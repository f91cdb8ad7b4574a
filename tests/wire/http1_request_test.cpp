#include "wire/handshake.hpp"
#include "wire/request_parser.hpp"

#include <gtest/gtest.h>
#include <random>
#include <stdexcept>
#include <variant>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_view_literals;
using State = RequestParser::State;

// All that a caller can learn from a parser, as one text: two outcomes are the same if the texts are.
std::string describe(RequestParser& parser, std::size_t taken) {
    std::string text = "taken " + std::to_string(taken);
    if (parser.state() == State::kFailed) {
        return text + " failed " + std::to_string(parser.failure().status()) + ' ' +
               std::string{parser.failure().reason};
    }
    const Request& request = parser.request();
    text += " state " + std::to_string(static_cast<int>(parser.state())) + " 1." +
            std::to_string(parser.minor_version()) + (parser.keep_alive() ? " keep " : " close ") + request.method +
            ' ' + request.target + ' ' + request.path + '\n';
    for (const auto& [name, value] : request.headers) {
        text += name + '=' + value + '\n';
    }
    return text + request.body;
}

// Gives the parser `bytes` in pieces of the sizes in `cuts` and then the rest, as a connection would: what it leaves
// comes again.
std::string outcome(std::string_view bytes, const std::vector<std::size_t>& cuts, const HttpLimits& limits = {}) {
    RequestParser parser{limits};
    std::size_t taken = 0;
    std::size_t arrived = 0;
    for (std::size_t piece = 0; arrived < bytes.size(); ++piece) {
        arrived = piece < cuts.size() ? std::min(arrived + cuts[piece], bytes.size()) : bytes.size();
        taken += parser.receive(bytes.substr(taken, arrived - taken));
    }
    return describe(parser, taken);
}

// The same as a view sees it that reads the body itself; what has come of the body stands where it would be whole.
std::string outcome_in_pieces(std::string_view bytes, const std::vector<std::size_t>& cuts) {
    RequestParser parser;
    std::string body;
    std::size_t taken = 0;
    std::size_t arrived = 0;
    for (std::size_t piece = 0; arrived < bytes.size(); ++piece) {
        arrived = piece < cuts.size() ? std::min(arrived + cuts[piece], bytes.size()) : bytes.size();
        if (parser.state() == State::kHead) {
            taken += parser.receive_head(bytes.substr(taken, arrived - taken));
        }
        if (parser.state() == State::kBody) {
            EXPECT_EQ(parser.request().body, "");
            taken += parser.receive_piece(bytes.substr(taken, arrived - taken), body);
        }
    }
    parser.request().body = body;
    return describe(parser, taken);
}

// Expects the same outcome however the bytes are cut, and returns it.
std::string any_cut(std::string_view bytes) {
    const std::string whole = outcome(bytes, {});
    EXPECT_EQ(outcome(bytes, std::vector<std::size_t>(bytes.size(), 1)), whole) << "byte by byte: " << bytes;
    if (bytes.size() <= 1024) {
        for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
            EXPECT_EQ(outcome(bytes, {cut}), whole) << "cut at " << cut << ": " << bytes;
        }
    }
    if (whole.find(" failed 413 ") == std::string::npos) {
        EXPECT_EQ(outcome_in_pieces(bytes, {}), whole) << bytes;
        EXPECT_EQ(outcome_in_pieces(bytes, std::vector<std::size_t>(bytes.size(), 1)), whole) << bytes;
    }
    return whole;
}

RequestParser parse(std::string_view bytes) {
    any_cut(bytes);
    RequestParser parser;
    parser.receive(bytes);
    return parser;
}

// The status of the failure; 0 if there is none.
int status_of(std::string_view bytes) {
    RequestParser parser = parse(bytes);
    return parser.state() == State::kFailed ? parser.failure().status() : 0;
}

std::string with_field(std::string_view field) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string{field} + "\r\n\r\n";
}

std::string with_target(std::string_view target) {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::string with_chunks(std::string_view chunks) {
    return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{chunks};
}

TEST(RequestParser, ReadsARequest) {
    RequestParser parser = parse(
        "GET /chat/a%20b/?user=ann HTTP/1.1\r\nHost: example.com:8000\r\nX-Empty:\r\nX-Spaces: \t a b\t \r\n\r\n");
    ASSERT_EQ(parser.state(), State::kComplete);
    const Request& request = parser.request();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/chat/a%20b/?user=ann");
    EXPECT_EQ(request.path, "/chat/a b/");
    EXPECT_EQ(request.headers.size(), 3u);
    EXPECT_EQ(request.headers.get("host"), "example.com:8000");
    EXPECT_EQ(request.headers.get("X-Empty"), "");
    EXPECT_EQ(request.headers.get("X-Spaces"), "a b");
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(parser.minor_version(), 1);
    EXPECT_TRUE(parser.keep_alive());
}

// Row 17: what follows a handshake is not the parser's.
TEST(RequestParser, StopsAtTheEndOfTheRequest) {
    const std::string first = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    const std::string second = with_chunks("3\r\nabc\r\n0\r\n\r\n");
    const std::string third = with_target("/3");
    const std::string bytes = first + second + third + "\x81\x80\r\n";

    RequestParser parser;
    std::string_view rest = bytes;
    for (const std::string& request : {first, second, third}) {
        EXPECT_FALSE(parser.started());
        EXPECT_EQ(parser.receive(rest.substr(0, 1)), 1U);
        EXPECT_TRUE(parser.started());
        rest.remove_prefix(1);
        EXPECT_EQ(parser.receive(rest), request.size() - 1);
        EXPECT_EQ(parser.state(), State::kComplete);
        EXPECT_TRUE(parser.started());
        EXPECT_EQ(parser.receive(rest), 0u);
        rest.remove_prefix(request.size() - 1);
        parser.reset();
    }
    EXPECT_EQ(rest.size(), 4u);
}

TEST(RequestParser, TakesNothingAfterAFailure) {
    RequestParser parser;
    parser.receive("GET\n");
    ASSERT_EQ(parser.state(), State::kFailed);
    EXPECT_EQ(parser.receive(with_target("/")), 0u);
    EXPECT_EQ(parser.state(), State::kFailed);
    EXPECT_EQ(parser.request().method, "");
}

// RFC 9112, 2.2.
TEST(RequestParser, IgnoresOneEmptyLineBeforeTheRequest) {
    EXPECT_EQ(status_of("\r\n" + with_target("/")), 0);
    EXPECT_EQ(parse("\r\n" + with_target("/a")).request().target, "/a");
    EXPECT_EQ(status_of("\r\n\r\n"), 400);
}

// RFC 9112, 9.3.
TEST(RequestParser, KeepsTheConnectionAsVersionAndConnectionSay) {
    EXPECT_TRUE(parse(with_field("Connection: x")).keep_alive());
    EXPECT_FALSE(parse(with_field("Connection: x, Close")).keep_alive());
    EXPECT_FALSE(parse(with_field("Connection: keep-alive\r\nConnection: close")).keep_alive());
    EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive());
    EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive());
    EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").minor_version(), 0);
}

// Row 6; RFC 9112, 3.2.
TEST(RequestParser, WantsOneGoodHost) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
    for (const std::string_view host : {"", "user@a", "a/b", "a,b", "a b", "a:b", "a:99999", "http://a", "\xc3\xa9",
                                        ":", "::", "a::", "a:80:", "[::1]::", ":80"}) {
        EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n"), 400) << host;
    }
    for (const std::string_view host : {"a", "a.example.com:8000", "127.0.0.1", "[::1]:8000", "my_host"}) {
        EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string{host} + "\r\n\r\n"), 0) << host;
    }
}

// RFC 3986, 3.2.3 and 6.2.3.
TEST(RequestParser, TakesAnEmptyPortForNone) {
    for (const std::string_view host : {"localhost", "127.0.0.1", "[::1]"}) {
        const std::string with_colon = std::string{host} + ':';
        EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: " + with_colon + "\r\n\r\n").request().headers.get("Host"), host);
        EXPECT_EQ(parse(with_target("http://" + with_colon + "/x")).request().headers.get("Host"), host);
    }
    EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n").request().headers.get("Host"), "a:80");
}

TEST(RequestParser, TellsTheSchemeOfAnAbsoluteTarget) {
    EXPECT_EQ(parse(with_target("/")).scheme(), TargetScheme::kNone);
    EXPECT_EQ(parse(with_target("/https://b/")).scheme(), TargetScheme::kNone);
    EXPECT_EQ(parse(with_target("http://b/")).scheme(), TargetScheme::kHttp);
    EXPECT_EQ(parse(with_target("HTTPS://b/")).scheme(), TargetScheme::kHttps);
    RequestParser parser = parse(with_target("https://b/"));
    parser.reset();
    EXPECT_EQ(parser.scheme(), TargetScheme::kNone);
}

// RFC 9112, 3.2.
TEST(RequestParser, TakesOriginFormAbsoluteFormAndTheStarOfOptions) {
    RequestParser absolute = parse("GET HTTP://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(absolute.state(), State::kComplete);
    EXPECT_EQ(absolute.request().target, "/x?y");
    EXPECT_EQ(absolute.request().path, "/x");
    EXPECT_EQ(absolute.request().headers.get("Host"), "b:81");  // the target's authority wins (3.2.2)
    EXPECT_EQ(absolute.request().headers.count("Host"), 1u);
    EXPECT_EQ(parse(with_target("http://b")).request().target, "/");
    EXPECT_EQ(parse(with_target("https://b?y")).request().target, "/?y");
    EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request().path, "*");

    for (const std::string_view target : {"*",           "a",          "a:80",           "a/b",
                                          "?x",          "ftp://a/",   "://a/",          "http:/a",
                                          "http://",     "http:///x",  "http://user@a/", "http://a:x/",
                                          "http://a,b/", "/#fragment", "/\xc3\xa9",      "/%00",
                                          "/a%00b",      "/\x7f",      "/a b",           ""}) {
        EXPECT_EQ(status_of(with_target(target)), 400) << target;
    }
    EXPECT_EQ(status_of("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"), 400);
}

TEST(RequestParser, PathIsAlwaysUtf8) {
    EXPECT_EQ(parse(with_target("/%C3%A9%FF%zz?%FF")).request().path, "/\xc3\xa9\xef\xbf\xbd%zz");
}

// Row 11; RFC 9112, 2.2, 5 and 5.1.
TEST(RequestParser, RefusesFieldLinesThatTwoParsersCouldReadInTwoWays) {
    for (const std::string_view field :
         {"X: a\r\n b", "X: a\r\n\tb", " X: a", "X : a", "X\t: a", "X: a\x01", "X: a\x7f",
          "X: \x0b"
          "a",
          "X: a\x0c", "X\x01: a", "X", ": a", "X Y: a", "X,Y: a", "X(: a", "\"X\": a", "X\xc3\xa9: a", "X: \x1b[0m",
          "@: a"}) {
        EXPECT_EQ(status_of(with_field(field)), 400) << field;
    }
    EXPECT_EQ(status_of(with_field("X: a\0b"sv)), 400);
    EXPECT_EQ(status_of(with_field("X\0: a"sv)), 400);
    EXPECT_EQ(status_of(with_field("X: \xc3\xa9\t")), 0);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"), 400);
}

// Row 12; RFC 9112, 2.2.
TEST(RequestParser, RefusesLineEndsOtherThanCrLf) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: a\n\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\rHost: a\r\r"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), 400);
    EXPECT_EQ(status_of("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(RequestParser, RefusesRequestLinesThatAreNone) {
    for (const std::string_view line : {"GET",
                                        "GET /",
                                        "GET / ",
                                        "GET  / HTTP/1.1",
                                        "GET /  HTTP/1.1",
                                        "GET / HTTP/1.1 ",
                                        " GET / HTTP/1.1",
                                        "\tGET / HTTP/1.1",
                                        "G(T / HTTP/1.1",
                                        "GET\t/\tHTTP/1.1",
                                        "GET / http/1.1",
                                        "GET / HTTP/1",
                                        "GET / HTTP/1.",
                                        "GET / HTTP/1.10",
                                        "GET / HTTP/01.1",
                                        "GET / HTTP/1,1",
                                        "GET / HTPP/1.1",
                                        "GET / HTTP/x.y",
                                        "GET / X HTTP/1.1",
                                        "/ HTTP/1.1"}) {
        EXPECT_EQ(status_of(std::string{line} + "\r\nHost: a\r\n\r\n"), 400) << line;
    }
    for (const std::string_view version : {"HTTP/0.9", "HTTP/0.1", "HTTP/2.0", "HTTP/3.1", "HTTP/9.9"}) {
        EXPECT_EQ(status_of("GET / " + std::string{version} + "\r\nHost: a\r\n\r\n"), 505) << version;
    }
    EXPECT_EQ(status_of("GET / HTTP/1.2\r\nHost : a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.2\r\nX: a\r\n\r\n"), 400);
}

// RFC 9110, 2.5.
TEST(RequestParser, ReadsALaterHttp1AsTheOneItKnows) {
    for (const char minor : {'2', '3', '9'}) {
        RequestParser parser =
            parse(std::string{"\r\nPOST /a HTTP/1."} + minor + "\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        ASSERT_EQ(parser.state(), State::kComplete);
        EXPECT_EQ(parser.minor_version(), 1);
        EXPECT_EQ(parser.request().target, "/a");
        EXPECT_EQ(parser.request().body, "x");
        EXPECT_TRUE(parser.keep_alive());
    }
}

// Row 13; RFC 9112, 6.2 and 6.3.
TEST(RequestParser, RefusesLengthsThatAreNotOneDecimalNumber) {
    for (const std::string_view length : {"", " ", "+5", "-5", "0x5", "1_0", "5, 5", "5,5", "3, 3", "5 5", "5;", "5.",
                                          "five", "18446744073709551616", "99999999999999999999999", "\xd9\xa3"}) {
        EXPECT_EQ(status_of(with_field("Content-Length: " + std::string{length})), 400) << length;
    }
    EXPECT_EQ(status_of(with_field("Content-Length: 5\r\nContent-Length: 5")), 400);
    EXPECT_EQ(status_of(with_field("Content-Length: 5\r\ncontent-length: 6")), 400);
    EXPECT_EQ(status_of(with_field("Content-Length : 5")), 400);
    EXPECT_EQ(status_of(with_field("Content-Length: 18446744073709551615")), 413);
    EXPECT_EQ(status_of(with_field("Content-Length: 1048577")), 413);
    EXPECT_EQ(parse(with_field("Content-Length: 1048576")).state(), State::kBody);
    EXPECT_EQ(parse(with_field("Content-Length: 0")).state(), State::kComplete);
}

// Row 14; RFC 9112, 6.1 and 6.3.
TEST(RequestParser, RefusesTransferEncodingsOtherThanOneChunked) {
    for (const std::string_view fields :
         {"Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked",
          "Content-Length: 0\r\nTransfer-Encoding: gzip", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
          "Transfer-Encoding: chunked\r\nX: a\r\ntransfer-encoding: gzip",
          "Transfer-Encoding: \x0b"
          "chunked",
          "Transfer-Encoding: chunked\x0c", "Transfer-Encoding : chunked", "Transfer-Encoding:\r\n chunked"}) {
        EXPECT_EQ(status_of(with_field(fields)), 400) << fields;
    }
    EXPECT_EQ(status_of(with_field("Transfer-Encoding: chunked\0"sv)), 400);
    // No list, or none of which chunked is the end.
    for (const std::string_view coding :
         {"", ",", " , ,", "chunked, gzip", "chunked,identity", "chunked, chunked", "chunked;q=1", "chunked;", ";",
          "\"chunked\"", "chunked x", "x chunked", "chunked\tx", "chunked, \"", "gzip, chunked;a=b", "gzip, chunked, x",
          "(chunked)",
          "\xa0"
          "chunked"}) {
        EXPECT_EQ(status_of(with_field("Transfer-Encoding: " + std::string{coding})), 400) << coding;
    }
    for (const std::string_view coding :
         {"xchunked", "identity", "gzip", "gzip, chunked", "gzip;q=1, chunked", "identity, chunked", "chunkedx"}) {
        EXPECT_EQ(status_of(with_field("Transfer-Encoding: " + std::string{coding})), 501) << coding;
    }
    EXPECT_EQ(status_of(with_field("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked")), 501);
    EXPECT_EQ(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

// RFC 9110, 5.3 and 5.6.1.2.
TEST(RequestParser, TakesEveryFormOfAListOfOneChunked) {
    for (const std::string_view field :
         {"Transfer-Encoding: CHUNKED", "Transfer-Encoding:chunked", "Transfer-Encoding: , chunked",
          "Transfer-Encoding: chunked,", "Transfer-Encoding: \t,, chunked \t, ,",
          "Transfer-Encoding:\r\nTransfer-Encoding: ,\r\nTransfer-Encoding: chunked"}) {
        const std::string head = with_field(field);
        EXPECT_EQ(parse(head).state(), State::kBody) << field;
        EXPECT_EQ(parse(head + "1\r\nx\r\n0\r\n\r\n").request().body, "x") << field;
    }
}

TEST(RequestParser, ReadsASizedBody) {
    RequestParser parser = parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\r\n\r\nGET");
    EXPECT_EQ(parser.state(), State::kComplete);
    EXPECT_EQ(parser.request().body, "a\r\n\r\n");
}

// RFC 9112, 7.1.
TEST(RequestParser, ReadsAChunkedBodyAndDropsExtensionsAndTrailers) {
    const std::string bytes = with_chunks(
        "4;a=b;c=\"d;\\\"e\"\r\nWiki\r\n00a\r\n01234\r\n6789\r\n0;x\r\nHost: evil\r\nContent-Length:9\r\nX:\r\n\r\n");
    // The second chunk is one byte longer than it says, so this one fails where the data should end.
    EXPECT_EQ(status_of(bytes), 400);

    RequestParser parser =
        parse(with_chunks("4;a=b;c=\"d;\\\"e\"\r\nWiki\r\n00A\r\n01234\r\n789\r\n0;x\r\nHost: evil\r\nX:\r\n\r\n"));
    ASSERT_EQ(parser.state(), State::kComplete);
    EXPECT_EQ(parser.request().body, "Wiki01234\r\n789");
    EXPECT_EQ(parser.request().headers.size(), 2u);  // trailers are not merged (7.1.2)
    EXPECT_EQ(parser.request().headers.get("Host"), "a");
    EXPECT_EQ(parse(with_chunks("0\r\n\r\n")).request().body, "");
}

// Row 15; RFC 9112, 7.1.
TEST(RequestParser, RefusesChunksThatAreMisshapen) {
    for (const std::string_view chunks : {"-1\r\n",
                                          "+1\r\n",
                                          "0x1\r\n",
                                          "1_0\r\n",
                                          " 1\r\n",
                                          "1 \r\n",
                                          "1\t\r\n",
                                          "\r\n",
                                          ";a\r\n",
                                          "g\r\n",
                                          "1\n",
                                          "1\ra",
                                          "1;a\n",
                                          "1;a\rb",
                                          "1;\x01\r\n",
                                          "1\r\na\n",
                                          "1\r\nab",
                                          "1\r\na\rb",
                                          "1\r\na0\r\n\r\n",
                                          "00000000000000001\r\n",
                                          "10000000000000000\r\n",
                                          "FFFFFFFFFFFFFFFFF\r\n",
                                          "0\r\n X: a\r\n\r\n",
                                          "0\r\nX\r\n\r\n",
                                          "0\r\n: a\r\n\r\n",
                                          "0\r\nX : a\r\n\r\n",
                                          "0\r\nX: a\n\r\n",
                                          "0\r\n\n",
                                          "0\r\n\rX",
                                          "0\r\nX: a\x01\r\n\r\n",
                                          "0\r\nGET / HTTP/1.1\r\n\r\n"}) {
        EXPECT_EQ(status_of(with_chunks(chunks)), 400) << chunks;
    }
    EXPECT_EQ(status_of(with_chunks("1;" + std::string(64 * 1024, 'a') + "\r\n")), 400);
    EXPECT_EQ(status_of(with_chunks("0\r\nX: " + std::string(64 * 1024, 'a') + "\r\n\r\n")), 431);
}

// RFC 9112, 7.1.1; BWS and quoted-string are those of RFC 9110, 5.6.3 and 5.6.4.
TEST(RequestParser, Row15ReadsTheExtensionsOfChunksAndRefusesWhatIsNone) {
    for (const std::string_view extension :
         {";a", ";a=b", ";a;b;c", " ;a", "\t ; \ta", ";a =b", ";a= b", "; a \t=\t b ;c", ";a=\"\"", ";a=\"b c\"",
          ";a=\"\t;,=\\\"\\\\\";b", ";a=\"\xc3\xa9\"", ";a = \"b\" ; c", ";!#$%&'*+-.^_`|~=1", ";a=\"\\\t\""}) {
        EXPECT_EQ(parse(with_chunks("1" + std::string{extension} + "\r\nx\r\n0" + std::string{extension} + "\r\n\r\n"))
                      .request()
                      .body,
                  "x")
            << extension;
    }
    for (const std::string_view extension : {";",         " ",           " ;",
                                             "; ",        ";;a",         ";a;",
                                             ";a; ",      ";=",          ";=b",
                                             ";a=",       ";a= ",        ";a=b=c",
                                             ";a b",      ";a=b c",      ";a ",
                                             ";a=b ",     ";a=\"b\" ",   ";a\"b\"",
                                             ";a=\"b",    ";a=\"b\"c",   ";a=b\"c\"",
                                             ";a=\"b\\",  ";\"a\"=b",    ";a=(b)",
                                             ";a=\x7f",   ";a=\"\x01\"", ";a=\"\\\x7f\"",
                                             ";\xc3\xa9", ";a=\xc3\xa9", ",a",
                                             ";a,b",      ";a=\"\n\"",   ";a=\"\r\n\"",
                                             "/a",        ":a"}) {
        EXPECT_EQ(status_of(with_chunks("1" + std::string{extension} + "\r\nx\r\n0\r\n\r\n")), 400) << extension;
    }
    EXPECT_EQ(status_of(with_chunks("1;a=\0\r\nx"sv)), 400);
    EXPECT_EQ(status_of(with_chunks("1;a=\"\\\0\"\r\nx"sv)), 400);
    for (const std::string_view endless : {" ", ";a", ";a=b", ";a=\"", ";a="}) {
        std::string text = "1" + std::string{endless};
        while (text.size() < 20'000) {
            text += endless.ends_with('"') ? "x" : endless.ends_with('=') ? " " : endless;
        }
        EXPECT_EQ(status_of(with_chunks(text)), 400) << endless;
    }
}

// Row 15: extensions of many small chunks are capped together.
TEST(RequestParser, CapsTheOverheadOfChunks) {
    std::string chunks;
    for (int i = 0; i < 1000; ++i) {
        chunks += "1;" + std::string(20, 'x') + "\r\na\r\n";
    }
    EXPECT_EQ(status_of(with_chunks(chunks + "0\r\n\r\n")), 400);
}

TEST(RequestParser, RefusesAChunkedBodyOverTheLimit) {
    EXPECT_EQ(status_of(with_chunks("100001\r\n")), 413);
    EXPECT_EQ(status_of(with_chunks("FFFFFFFFFFFFFFFF\r\n")), 413);
    EXPECT_EQ(status_of(with_chunks("1\r\na\r\n100000\r\n")), 413);
    EXPECT_EQ(status_of(with_chunks("1\r\na\r\nFFFFFFFFFFFFFFFF\r\n")), 413);
    RequestParser parser;
    parser.receive(with_chunks("100000\r\n" + std::string(0x100000, 'a') + "\r\n0\r\n\r\n"));
    EXPECT_EQ(parser.state(), State::kComplete);
    EXPECT_EQ(parser.request().body.size(), 0x100000u);
}

// RFC 9110, 10.1.1.
TEST(RequestParser, TellsWhenTheClientWaitsForContinue) {
    RequestParser parser = parse(with_field("Content-Length: 3\r\nExpect: 100-Continue"));
    EXPECT_EQ(parser.state(), State::kBody);
    EXPECT_TRUE(parser.wants_continue());
    parser.receive("a");
    EXPECT_FALSE(parser.wants_continue());
    EXPECT_FALSE(parse(with_field("Content-Length: 3\r\nExpect: 100-continue") + "abc").wants_continue());
    EXPECT_TRUE(parse(with_field("Transfer-Encoding: chunked\r\nExpect: 100-continue")).wants_continue());
    EXPECT_FALSE(parse(with_field("Expect: 100-continue")).wants_continue());  // no body
    EXPECT_FALSE(parse("POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").wants_continue());

    EXPECT_EQ(status_of(with_field("Expect: 200-ok")), 417);
    EXPECT_EQ(status_of(with_field("Expect: 100-continue, x")), 417);
    EXPECT_EQ(status_of(with_field("Expect: 100-continue\r\nExpect: x")), 417);
    EXPECT_EQ(status_of(with_field("Content-Length: 1048577\r\nExpect: 100-continue")), 413);
}

// Rows 7, 8 and 10.
TEST(RequestParser, RefusesTooMuchOfAnythingAtTheFirstByteOverTheLimit) {
    const HttpLimits limits;
    const auto status_and_bytes = [](std::string_view bytes) {
        RequestParser parser;
        const std::size_t taken = parser.receive(bytes);
        return std::pair{parser.failure().status(), taken};
    };
    const std::string long_text(1024 * 1024, 'a');
    EXPECT_EQ(status_and_bytes("GET /" + long_text), std::pair(414, std::size_t{limits.max_request_line_bytes} + 1));
    EXPECT_EQ(status_and_bytes(long_text), std::pair(414, std::size_t{limits.max_request_line_bytes} + 1));
    EXPECT_EQ(status_and_bytes("GET / HTTP/1.1\r\nX: " + long_text),
              std::pair(431, std::size_t{limits.max_head_bytes} + 1));
    EXPECT_EQ(status_and_bytes("GET / HTTP/1.1\r\n" + long_text),
              std::pair(431, std::size_t{limits.max_head_bytes} + 1));
    EXPECT_EQ(status_of("GET /" + std::string(64 * 1024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);

    std::string fields = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 1; i < 100; ++i) {
        fields += "X: a\r\n";
    }
    EXPECT_EQ(status_of(fields + "\r\n"), 0);
    EXPECT_EQ(status_of(fields + "X: a\r\n\r\n"), 431);
    EXPECT_EQ(status_and_bytes(fields + "X: a\r\n" + long_text), std::pair(431, fields.size() + 6));
}

TEST(RequestParser, TellsByAKindWhichLimitWasBroken) {
    using Kind = HttpFailure::Kind;
    const HttpLimits limits{
        .max_request_line_bytes = 40, .max_head_bytes = 100, .max_header_fields = 2, .max_body_bytes = 3};
    const auto kind_of = [&limits](std::string_view bytes) {
        RequestParser parser{limits};
        parser.receive(bytes);
        return parser.failure().kind;
    };
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(kind_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Kind::kNone);
    EXPECT_EQ(kind_of("GET / HTTP/1.1\r\n\r\n"), Kind::kMalformed);
    EXPECT_EQ(kind_of("GET /" + std::string(40, 'a')), Kind::kFirstLineTooLong);
    EXPECT_EQ(kind_of(head + "X: " + std::string(100, 'a')), Kind::kHeadTooLarge);
    EXPECT_EQ(kind_of(head + "X: a\r\nY: a\r\n"), Kind::kTooManyFields);
    EXPECT_EQ(kind_of(head + "Content-Length: 4\r\n\r\n"), Kind::kBodyTooLarge);
    EXPECT_EQ(kind_of(head + "Transfer-Encoding: chunked\r\n\r\n4\r\n"), Kind::kBodyTooLarge);
    EXPECT_EQ(kind_of(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(100, 'a')),
              Kind::kHeadTooLarge);
    EXPECT_EQ(kind_of(head + "Transfer-Encoding: gzip, chunked\r\n\r\n"), Kind::kUnknownCoding);
    EXPECT_EQ(kind_of(head + "Expect: money\r\n\r\n"), Kind::kUnknownExpectation);
    EXPECT_EQ(kind_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Kind::kUnknownVersion);
}

// Row 9.
TEST(RequestParser, AnswersTheLongestHeadByteByByte) {
    const HttpLimits limits;
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    head.append(limits.max_head_bytes - head.size() - 4, 'a').append("\r\n\r\n");
    EXPECT_EQ(parse(head).state(), State::kComplete);
    head.insert(head.size() - 4, 1, 'a');
    EXPECT_EQ(status_of(head), 431);

    std::string line = "GET /";
    line.append(limits.max_request_line_bytes - line.size() - 9, 'a').append(" HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(parse(line).state(), State::kComplete);
    line.insert(5, 1, 'a');
    EXPECT_EQ(status_of(line), 414);
}

// Row 23.
TEST(RequestParser, RefusesOtherProtocols) {
    EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    EXPECT_EQ(status_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv), 400);
    EXPECT_EQ(status_of("SSH-2.0-OpenSSH_9.2\r\n\r\n"), 400);
    EXPECT_EQ(status_of("HTTP/1.1 200 OK\r\n\r\n"), 400);
    std::mt19937 random{23};
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(1 + random() % 200, '\0');
        for (char& c : bytes) {
            c = static_cast<char>(random());
        }
        RequestParser parser;
        parser.receive(bytes);
        EXPECT_NE(parser.state(), State::kComplete);
    }
}

// Breaks a valid request in a few places.
std::string mutate(std::string bytes, std::mt19937& random) {
    constexpr auto kOdd = "\r\n\0\t :,;=/%#\"\x7f\x80\xff-+0159xGHhp"sv;
    for (auto times = 1 + random() % 4; times > 0 && !bytes.empty(); --times) {
        const std::size_t at = random() % bytes.size();
        switch (random() % 6) {
            case 0: bytes[at] = static_cast<char>(random()); break;
            case 1: bytes[at] = kOdd[random() % kOdd.size()]; break;
            case 2: bytes.insert(at, 1, kOdd[random() % kOdd.size()]); break;
            case 3: bytes.erase(at, 1 + random() % 4); break;
            case 4: bytes.insert(random() % bytes.size(), std::string{bytes.substr(at, random() % 40)}); break;
            default: bytes[at] = static_cast<char>(bytes[at] ^ 0x20); break;
        }
    }
    return bytes;
}

const std::string kHandshake =
    "GET /chat/?a=b HTTP/1.1\r\nHost: example.com:8000\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n\r\n";

TEST(RequestParser, BrokenRequestsComeOutTheSameHoweverTheyAreCut) {
    const std::vector<std::string> requests{kHandshake,
                                            with_chunks("3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX: a\r\n\r\n") + "tail",
                                            with_field("Content-Length: 4\r\nExpect: 100-continue") + "abcdtail",
                                            "POST http://b/x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"};
    std::mt19937 random{1};
    int failed = 0;
    for (int round = 0; round < 4000; ++round) {
        const std::string bytes = mutate(requests[random() % requests.size()], random);
        const std::string whole = outcome(bytes, {});
        failed += whole.find(" failed ") != std::string::npos ? 1 : 0;
        std::vector<std::size_t> cuts(8);
        for (std::size_t& cut : cuts) {
            cut = 1 + random() % 60;
        }
        ASSERT_EQ(outcome(bytes, cuts), whole) << bytes;
        ASSERT_EQ(outcome(bytes, std::vector<std::size_t>(bytes.size(), 1)), whole) << bytes;
    }
    EXPECT_GT(failed, 400);   // the mutations do break requests,
    EXPECT_LT(failed, 3600);  // but not so badly that nothing else is tried
}

// ---- Bodies that their view reads

TEST(RequestParser, StopsBehindAHeadForTheCallerToSayHowItWantsTheBody) {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000\r\n\r\n";
    RequestParser parser;
    EXPECT_EQ(parser.receive_head(head + "abc"), head.size());
    EXPECT_EQ(parser.state(), State::kBody);
    EXPECT_EQ(parser.missing_bytes(), 9'000'000'000U);
    RequestParser other;
    other.receive_head(head);
    EXPECT_EQ(other.receive(""), 0U);
    EXPECT_EQ(other.state(), State::kFailed);
    EXPECT_EQ(other.failure().status(), 413);

    std::string piece;
    EXPECT_EQ(parser.receive_piece("abc", piece), 3U);
    EXPECT_EQ(piece, "abc");
    EXPECT_EQ(parser.missing_bytes(), 8'999'999'997U);
    EXPECT_EQ(parser.request().body, "");
}

TEST(RequestParser, HasNoLimitOnABodyInPieces) {
    const HttpLimits limits{.max_body_bytes = 2};
    RequestParser parser{limits};
    std::string head = with_chunks("");
    EXPECT_EQ(parser.receive_head(head), head.size());
    EXPECT_EQ(parser.missing_bytes(), std::nullopt);
    std::string data;
    for (int i = 0; i < 100; ++i) {
        parser.receive_piece("5\r\nhello\r\n", data);
    }
    parser.receive_piece("ffffffffffffffff\r\nx", data);  // as large as 64 bits hold
    EXPECT_EQ(parser.state(), State::kBody);
    EXPECT_EQ(data.size(), 501U);
    EXPECT_EQ(data.back(), 'x');
}

TEST(RequestParser, LeavesARequestAsItIsWhenItsBodyFailsInPieces) {
    RequestParser parser;
    const std::string head = with_chunks("");
    parser.receive_head(head);
    std::string data;
    parser.receive_piece("3\r\nabc\r\n-1\r\n", data);
    EXPECT_EQ(parser.state(), State::kFailed);
    EXPECT_EQ(parser.failure().status(), 400);
    EXPECT_EQ(data, "abc");
    EXPECT_EQ(parser.request().method, "POST");
    EXPECT_EQ(parser.request().headers.get("Transfer-Encoding"), "chunked");
    EXPECT_EQ(parser.receive_piece("3\r\nabc\r\n", data), 0U);
}

// Rows 1 to 6 and 16: whatever is broken, an upgrade has all that RFC 6455, 4.2.1 asks for.
TEST(RequestParser, BrokenHandshakesAreAcceptedOnlyIfAllThatMattersIsWhole) {
    std::mt19937 random{2};
    int accepted = 0;
    for (int round = 0; round < 4000; ++round) {
        const std::string bytes = mutate(kHandshake, random);
        RequestParser parser;
        parser.receive(bytes);
        if (parser.state() != State::kComplete) {
            continue;
        }
        const Request& request = parser.request();
        if (!std::holds_alternative<HandshakeOffer>(read_handshake(request, parser.minor_version()))) {
            continue;
        }
        ++accepted;
        EXPECT_TRUE(bytes.starts_with("GET ") || bytes.starts_with("\r\nGET ")) << bytes;
        EXPECT_NE(bytes.find(" HTTP/1.1\r\n"), std::string::npos) << bytes;
        EXPECT_NE(bytes.find("13"), std::string::npos) << bytes;
        EXPECT_EQ(request.headers.count("Host"), 1u) << bytes;
        EXPECT_EQ(request.headers.get("Sec-WebSocket-Key")->size(), 24u) << bytes;
        EXPECT_EQ(request.headers.count("Content-Length") + request.headers.count("Transfer-Encoding"), 0u) << bytes;
    }
    EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace c10k::wire
