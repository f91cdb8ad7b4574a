#include "wire/forwarded.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k::wire {
namespace {

TEST(IsNetwork, TakesAddressesAndNetworks) {
    for (const char* text : {"127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "10.1.2.3/32"}) {
        EXPECT_TRUE(is_network(text)) << text;
    }
    for (const char* text : {"", "localhost", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x", "/8",
                             "10.0.0.0/-1", "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20"}) {
        EXPECT_FALSE(is_network(text)) << text;
    }
}

std::string client(const std::string& peer, const std::vector<std::string>& forwarded,
                   const std::vector<std::string>& trusted) {
    Headers headers{{"Accept", "198.51.100.99"}};
    for (const std::string& value : forwarded) {
        headers.add("X-Forwarded-For", value);
    }
    return client_of(peer, headers, trusted);
}

const std::vector<std::string> kTrusted{"127.0.0.1", "10.0.0.0/8", "fd00::/8"};

TEST(ClientOf, IsThePeerIfThatIsNoProxyOfOurs) {
    EXPECT_EQ(client("203.0.113.7:1000", {"198.51.100.1"}, kTrusted), "203.0.113.7:1000");
    EXPECT_EQ(client("127.0.0.1:1000", {"198.51.100.1"}, {}), "127.0.0.1:1000");
    EXPECT_EQ(client("127.0.0.2:1000", {"198.51.100.1"}, kTrusted), "127.0.0.2:1000");
}

TEST(ClientOf, IsThePeerOfAProxy) {
    EXPECT_EQ(client("127.0.0.1:1000", {"198.51.100.1"}, kTrusted), "198.51.100.1");
    EXPECT_EQ(client("[fd00::1]:1000", {"2001:db8::1"}, kTrusted), "2001:db8::1");
    EXPECT_EQ(client("127.0.0.1:1000", {}, kTrusted), "127.0.0.1:1000");
}

TEST(ClientOf, DoesNotBelieveWhatTheClientSaidItself) {
    EXPECT_EQ(client("127.0.0.1:1000", {"1.2.3.4, 198.51.100.1"}, kTrusted), "198.51.100.1");
    EXPECT_EQ(client("127.0.0.1:1000", {"1.2.3.4", "198.51.100.1"}, kTrusted), "198.51.100.1");
    EXPECT_EQ(client("127.0.0.1:1000", {"10.1.1.1, 198.51.100.1"}, kTrusted), "198.51.100.1");
}

TEST(ClientOf, BelievesWhoComesByAUnixSocketIfTold) {
    EXPECT_EQ(client("unix:", {"203.0.113.7"}, {"unix:"}), "203.0.113.7");
    EXPECT_EQ(client("unix:", {"203.0.113.7"}, {"0.0.0.0/0", "::/0"}), "unix:");
    EXPECT_EQ(client("unix:", {"203.0.113.7, unix:"}, {"unix:"}), "unix:");
    EXPECT_EQ(client("127.0.0.1:5", {"203.0.113.7"}, {"unix:"}), "127.0.0.1:5");
}

TEST(ClientOf, BelievesANetworkThatEndsInsideOfAByte) {
    EXPECT_EQ(client("172.16.0.1:1000", {"198.51.100.1"}, {"172.16.0.0/12"}), "198.51.100.1");
    EXPECT_EQ(client("172.31.255.255:1000", {"198.51.100.1"}, {"172.16.0.0/12"}), "198.51.100.1");
    EXPECT_EQ(client("172.32.0.1:1000", {"198.51.100.1"}, {"172.16.0.0/12"}), "172.32.0.1:1000");
}

TEST(ClientOf, BelievesNobodyForWhatIsNoNetworkOrNoAddress) {
    EXPECT_EQ(client("127.0.0.1:1000", {"198.51.100.1"}, {"localhost"}), "127.0.0.1:1000");
    EXPECT_EQ(client("unix:", {"198.51.100.1"}, kTrusted), "unix:");
}

TEST(ClientOf, GoesThroughARowOfProxies) {
    EXPECT_EQ(client("127.0.0.1:1000", {"1.2.3.4, 198.51.100.1,10.2.0.1 ,\t10.1.0.1"}, kTrusted), "198.51.100.1");
    EXPECT_EQ(client("127.0.0.1:1000", {"10.2.0.1, 10.1.0.1"}, kTrusted), "10.2.0.1");
    EXPECT_EQ(client("[::ffff:10.0.0.1]:1000", {"198.51.100.1"}, kTrusted), "198.51.100.1");
}

TEST(ClientOf, StopsAtWhatIsNoAddress) {
    EXPECT_EQ(client("127.0.0.1:1000", {"198.51.100.1, unknown"}, kTrusted), "127.0.0.1:1000");
    EXPECT_EQ(client("127.0.0.1:1000", {"<script>, 10.0.0.1"}, kTrusted), "10.0.0.1");
    EXPECT_EQ(client("127.0.0.1:1000", {",,"}, kTrusted), "127.0.0.1:1000");
}

TEST(ClientOf, TakesAnAddressWithItsPort) {
    for (const char* text : {"9.9.9.9", "9.9.9.9:0", "9.9.9.9:65535", "::9", "::ffff:9.9.9.9", "[::9]", "[::9]:443",
                             "[::ffff:9.9.9.9]:1"}) {
        EXPECT_EQ(client("127.0.0.1:1000", {text}, kTrusted), text);
    }
}

TEST(ClientOf, TakesNothingThatOnlyBeginsLikeAnAddress) {
    for (const char* text : {"[::9]junk",
                             "[::9",
                             "[::9]:",
                             "[::9]:x",
                             "[::9]:65536",
                             "[::9]:-1",
                             "[::9]]:1",
                             "[[::9]]",
                             "[]",
                             "[",
                             "[]:1",
                             "[9.9.9.9]:1",
                             "::9]",
                             "::9:99999",
                             "fe80::9%eth0",
                             "[fe80::9%eth0]:1",
                             "9.9.9.9:",
                             "9.9.9.9:65536",
                             "9.9.9.9:99999999",
                             "9.9.9.9:+1",
                             "9.9.9.9: 1",
                             "9.9.9.9:1x",
                             "9.9.9.9.",
                             "9.9.9",
                             "9.9.9.256",
                             "09.9.9.9",
                             "9.9.9.9/8",
                             ":9",
                             ":",
                             "9.9.9.9 9.9.9.9",
                             "\"9.9.9.9\"",
                             "for=9.9.9.9",
                             "example.com:80"}) {
        EXPECT_EQ(client("127.0.0.1:1000", {text}, kTrusted), "127.0.0.1:1000") << text;
    }
    const std::string with_nul{"9.9.9.9\0x", 9};
    EXPECT_EQ(client("127.0.0.1:1000", {with_nul}, kTrusted), "127.0.0.1:1000");
    EXPECT_FALSE(is_network(with_nul));
    EXPECT_FALSE(is_trusted("[10.0.0.1]:80", kTrusted));
    EXPECT_FALSE(is_trusted("10.0.0.1:99999", kTrusted));
}

TEST(CameSecurely, IsWhatTheConnectionSaysOrAProxyOfOurs) {
    const std::vector<std::string> trusted{"10.0.0.0/8"};
    Request request;
    request.peer = "192.0.2.7:5000";
    EXPECT_FALSE(came_securely(request, trusted));
    request.headers = {{"X-Forwarded-Proto", "https"}, {"Accept", "http"}};
    EXPECT_FALSE(came_securely(request, trusted));  // anybody can write that
    request.peer = "10.0.0.1:5000";
    EXPECT_TRUE(came_securely(request, trusted));
    request.headers = {{"X-Forwarded-Proto", "https, http"}};
    EXPECT_FALSE(came_securely(request, trusted));
    request.headers = {{"x-forwarded-proto", "http"}, {"X-Forwarded-Proto", "HTTPS"}};
    EXPECT_TRUE(came_securely(request, trusted));
    request.is_secure = true;
    request.headers = {};
    EXPECT_TRUE(came_securely(request, trusted));
    request.headers = {{"X-Forwarded-Proto", "http"}};
    EXPECT_FALSE(came_securely(request, trusted));
    request.peer = "192.0.2.7:5000";
    EXPECT_TRUE(came_securely(request, trusted));
}

}  // namespace
}  // namespace c10k::wire
