#include "wire/url.hpp"

#include "c10k/text.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <stdexcept>

namespace c10k::wire {
namespace {

// RFC 6455, 3.
TEST(Url, HasTheDefaultsOfItsScheme) {
    const auto plain = Url::parse("WS://Example.com");
    EXPECT_EQ(plain.scheme, "ws");
    EXPECT_EQ(plain.host, "Example.com");
    EXPECT_EQ(plain.port, 80);
    EXPECT_EQ(plain.target, "/");
    EXPECT_EQ(plain.host_field(), "Example.com");
    EXPECT_FALSE(plain.secure());

    const auto secure = Url::parse("wss://example.com?a=b");
    EXPECT_EQ(secure.port, 443);
    EXPECT_EQ(secure.target, "/?a=b");
    EXPECT_EQ(secure.host_field(), "example.com");
    EXPECT_TRUE(secure.secure());
    EXPECT_EQ(Url::parse("http://a/").port, 80);
    EXPECT_TRUE(Url::parse("https://a/").secure());
}

TEST(Url, KeepsPortPathAndQueryAsTheyAre) {
    const auto url = Url::parse("ws://127.0.0.1:8000/chat/a%20b/?user=ann&x=%2F");
    EXPECT_EQ(url.host, "127.0.0.1");
    EXPECT_EQ(url.port, 8000);
    EXPECT_EQ(url.target, "/chat/a%20b/?user=ann&x=%2F");
    EXPECT_EQ(url.host_field(), "127.0.0.1:8000");
}

TEST(Url, TakesTheBracketsOffAnIpv6Address) {
    const auto url = Url::parse("ws://[::1]:8000/");
    EXPECT_EQ(url.host, "::1");
    EXPECT_EQ(url.port, 8000);
    EXPECT_EQ(url.host_field(), "[::1]:8000");
}

TEST(Url, RefusesWhatIsNoAddressOfAWebSocket) {
    for (const std::string_view text : {"",
                                        "localhost:8000",
                                        "127.0.0.1:8000",
                                        "/test/",
                                        "//host/",
                                        "ftp://host/",
                                        "ws://",
                                        "ws:///path",
                                        "ws://:8000/",
                                        "ws://host:/",
                                        "ws://host:0/",
                                        "ws://host:65536/",
                                        "ws://host:99999999999999999999/",
                                        "ws://host:-1/",
                                        "ws://host:8x/",
                                        "ws://user@host/",
                                        "ws://user:secret@host/",
                                        "ws://host/#part",
                                        "ws://host/a b",
                                        "ws://ho st/",
                                        "ws://host/%zz",
                                        "ws://a%0d%0aX:%20y/",
                                        "ws://host/\r\nX: y",
                                        "ws://[::1/",
                                        "ws://a,b/"}) {
        EXPECT_THROW((void)Url::parse(text), std::invalid_argument) << text;
    }
}

// The parser's complaint about a URL, without the URL itself.
std::string fault(const std::string& text) {
    try {
        (void)Url::parse(text);
    } catch (const std::invalid_argument& error) {
        const std::string what = error.what();
        const std::string quoted = '"' + printable(text) + "\": ";
        EXPECT_TRUE(what.starts_with(quoted)) << what;
        return what.substr(std::min(quoted.size(), what.size()));
    }
    return "none";
}

TEST(Url, Row80RefusesEveryPortThatIsNone) {
    for (const std::string_view port : {"0",
                                        "00",
                                        "65536",
                                        "86536",
                                        "131072",
                                        "4294967376",
                                        "18446744073709551696",
                                        "99999999999999999999999",
                                        "",
                                        "+80",
                                        "-1",
                                        "-80",
                                        "%2080",
                                        "80 ",
                                        " 80",
                                        "8x",
                                        "0x50",
                                        "80.0",
                                        "8e1",
                                        "\xd9\xa8\xd9\xa0",
                                        "http"}) {
        EXPECT_EQ(fault("ws://host:" + std::string{port} + "/"), "the port must be a number from 1 to 65535") << port;
        EXPECT_EQ(fault("wss://[::1]:" + std::string{port} + "/x"), "the port must be a number from 1 to 65535")
            << port;
    }
    EXPECT_EQ(Url::parse("ws://host:65535/").port, 65535);
    EXPECT_EQ(Url::parse("ws://host:1").port, 1);
    EXPECT_EQ(Url::parse("ws://host:0080/").port, 80);  // RFC 3986, 3.2.3: any number of digits
}

TEST(Url, Row80SaysWhatToWriteInstead) {
    EXPECT_EQ(fault("localhost:8000"), "the scheme is missing: write ws://localhost:8000");
    EXPECT_EQ(fault("127.0.0.1:8000/x?u=ws://a/"), "the scheme is missing: write ws://127.0.0.1:8000/x?u=ws://a/");
    EXPECT_EQ(fault("//host/"), "the scheme is missing: write ws://host/");
    EXPECT_EQ(fault("ws:/host/"), "two slashes come after ws: write ws://host/");
    EXPECT_EQ(fault("WSS:host/"), "two slashes come after wss: write wss://host/");
    EXPECT_EQ(fault(" ws://host/"), "a URL has no spaces: write ws://host/");
    EXPECT_EQ(fault("ws://host/caf\xc3\xa9 bar?a=\xc3\xa4"),
              "spaces and letters beyond ASCII stand as %XX in a URL: write ws://host/caf%C3%A9%20bar?a=%C3%A4");
    EXPECT_EQ(fault("ws://::1:8000/"), "an IPv6 address stands in brackets, such as [::1]");
}

TEST(Url, Row80NamesWhatAUrlMayNotHave) {
    EXPECT_EQ(fault("ws://b\xc3\xbc"
                    "cher.example/"),
              "a host has letters of ASCII only: write the form that begins with xn--");
    EXPECT_NE(fault("\xef\xbb\xbfws://host/").find("a byte order mark (BOM)"), std::string::npos);
    EXPECT_EQ(fault("ftp://host/"), "the scheme must be ws, wss, http or https");
    EXPECT_EQ(fault("ws:///path"), "the host is missing");
    EXPECT_EQ(fault("ws://:8000/"), "the host is missing");
    EXPECT_EQ(fault("ws://?x"), "the host is missing");
    EXPECT_EQ(fault("ws://h%6fst/"), "a host has no %");
    EXPECT_EQ(fault("ws://ann@host/"), "a user name is not supported");
    EXPECT_EQ(fault("ws://host/#part"),
              "a WebSocket's URL has no fragment (#): write %23 if it belongs to the path or the query");
    EXPECT_EQ(fault("ws://host#"),
              "a WebSocket's URL has no fragment (#): write %23 if it belongs to the path or the query");
    EXPECT_EQ(fault("ws://host/\n"), "a URL has no control characters");
    EXPECT_EQ(fault(std::string("ws://ho\0st/", 11)), "a URL has no control characters");
    EXPECT_EQ(fault("ws://[::1/"), "the ] of an IPv6 address is missing");
    EXPECT_EQ(fault("ws://[::1]8000/"), "only a port may follow the ] of an IPv6 address");
    for (const std::string_view host : {"ho st", "a,b", "host\\path", "[::g]", "[1.2.3.4]", "[]", "a]b", "a_b!"}) {
        EXPECT_NE(fault("ws://" + std::string{host} + "/").find("a host has letters"), std::string::npos) << host;
    }
    for (const std::string_view target : {"/a|b", "/<x>", "/%zz", "/%", "/a\"b", "?a=^"}) {
        EXPECT_NE(fault("ws://host" + std::string{target}).find("write it as %XX"), std::string::npos) << target;
    }
}

TEST(Url, KeepsTheZoneOfAnAddressToItself) {  // RFC 6874
    for (const std::string_view text : {"ws://[fe80::1%25eth0]:8000/x", "ws://[fe80::1%eth0]:8000/x"}) {
        const Url url = Url::parse(text);
        EXPECT_EQ(url.host, "fe80::1");
        EXPECT_EQ(url.zone, "%eth0");
        EXPECT_EQ(url.port, 8000);
        EXPECT_EQ(url.host_field(), "[fe80::1]:8000");
    }
    EXPECT_EQ(Url::parse("ws://[::1]/").zone, "");
    EXPECT_NE(fault("ws://[fe80::1%25]/").find("interface"), std::string::npos);
    EXPECT_NE(fault("ws://[fe80::1%25eth/0]/").find("]"), std::string::npos);
    EXPECT_NE(fault("ws://[fe80::1%et%0]/").find("interface"), std::string::npos);
}

}  // namespace
}  // namespace c10k::wire
