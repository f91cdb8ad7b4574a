#include "wire/host.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace c10k::wire {
namespace {

using Entries = std::vector<std::string>;

// RFC 3986, 3.2.
TEST(Authority, IsAHostAndPerhapsAPort) {
    EXPECT_EQ(Authority::parse("Example.com")->host, "Example.com");
    EXPECT_EQ(Authority::parse("example.com")->port, std::nullopt);
    EXPECT_EQ(Authority::parse("my_service:8000")->port, 8000);
    EXPECT_EQ(Authority::parse("[::1]")->host, "[::1]");
    EXPECT_EQ(Authority::parse("[::1]:80")->port, 80);
}

// Row 6.
TEST(Authority, RefusesUsersPathsListsAndBadPorts) {
    for (const std::string_view text :
         {"",    ":80",  "a:",   "a:x", "a:-1",   "a:65536", "a:80:80", "a:80,b",    "user@a",         "user:pw@a",
          "a/b", "a?b",  "a#b",  "a,b", "a b",    " a",      "a\t",     "a\\b",      "a%41",           "\xc3\xa9",
          "::1", "[::1", "::1]", "[]",  "[::1]x", "[::1]:",  "[g::]",   "[1.2.3.4]", "[fe80::1%eth0]", "[::1]:80]"}) {
        EXPECT_FALSE(Authority::parse(text)) << text;
    }
    EXPECT_FALSE(Authority::parse(std::string_view{"a\0b", 3}));
    EXPECT_FALSE(Authority::parse(std::string_view{"[::1\0]", 6}));
}

TEST(HostAllowed, TheMachineItselfAlwaysIs) {
    for (const std::string_view host : {"localhost", "LOCALHOST:8000", "a.localhost", "localhost.", "127.0.0.1",
                                        "127.0.0.1:8000", "127.255.1.2", "[::1]", "[::1]:8000"}) {
        EXPECT_TRUE(host_allowed(host, Entries{})) << host;
    }
    for (const std::string_view host :
         {"", "evil-localhost", "localhost.example.com", "127.evil.com", "127.0.0.1.example.com", "128.0.0.1",
          "10.0.0.1", "[::2]", "127.0.0.1:8000/", "user@localhost", "0.0.0.0"}) {
        EXPECT_FALSE(host_allowed(host, Entries{})) << host;
    }
}

TEST(HostAllowed, EntriesAreNamesDomainsOrAStar) {
    const Entries name{"Example.com"};
    EXPECT_TRUE(host_allowed("example.COM:8000", name));
    EXPECT_TRUE(host_allowed("example.com.", name));
    EXPECT_FALSE(host_allowed("www.example.com", name));
    EXPECT_FALSE(host_allowed("evil-example.com", name));

    const Entries domain{".example.com"};
    EXPECT_TRUE(host_allowed("example.com", domain));
    EXPECT_TRUE(host_allowed("a.b.example.com", domain));
    EXPECT_FALSE(host_allowed("evil-example.com", domain));
    EXPECT_FALSE(host_allowed("example.com.evil.org", domain));

    EXPECT_TRUE(host_allowed("whatever.org", Entries{"*"}));
    EXPECT_FALSE(host_allowed("what ever", Entries{"*"}));
    EXPECT_FALSE(host_allowed("", Entries{""}));
}

// Row 19; RFC 6455, 10.2.
TEST(OriginAllowed, NoOriginIsAndOurOwnIs) {
    EXPECT_TRUE(origin_allowed(std::nullopt, "example.com", Entries{}));
    EXPECT_TRUE(origin_allowed("http://example.com", "example.com", Entries{}));
    EXPECT_TRUE(origin_allowed("http://example.com:8000", "EXAMPLE.com:8000", Entries{}));
    EXPECT_TRUE(origin_allowed("http://example.com", "example.com:80", Entries{}));
    EXPECT_TRUE(origin_allowed("https://example.com", "example.com", Entries{}));  // behind a TLS proxy
    EXPECT_TRUE(origin_allowed("https://example.com:443", "example.com", Entries{}));
    EXPECT_TRUE(origin_allowed("http://[::1]:8000", "[::1]:8000", Entries{}));
}

TEST(OriginAllowed, APageThatDidNotComeByHttpsIsForeignToOneThatDid) {
    EXPECT_TRUE(origin_allowed("https://example.com", "example.com", Entries{}, Scheme::kHttps));
    EXPECT_FALSE(origin_allowed("http://example.com", "example.com", Entries{}, Scheme::kHttps));
    EXPECT_FALSE(origin_allowed("http://example.com:8000", "example.com:8000", Entries{}, Scheme::kHttps));
    const Entries entries{"http://example.com"};
    EXPECT_TRUE(origin_allowed("http://example.com", "example.com", entries, Scheme::kHttps));
}

// Row 19.
TEST(OriginAllowed, NullAndForeignAreNot) {
    for (const std::string_view origin :
         {"null", "", "example.com", "http://evil.org", "http://evil-example.com", "http://example.com.evil.org",
          "http://www.example.com", "http://example.com:8000", "http://example.com:443", "https://example.com:80",
          "http://example.com/", "http://user@example.com", "http://example.com http://evil.org",
          "http://example.com, http://evil.org", "ftp://example.com", "file://", "://example.com"}) {
        EXPECT_FALSE(origin_allowed(origin, "example.com", Entries{})) << origin;
    }
    EXPECT_FALSE(origin_allowed("http://example.com", "", Entries{}));
}

TEST(OriginAllowed, EntriesAreOriginsSubdomainsOrAStar) {
    const Entries entries{"https://app.example.com", "http://*.example.org:8000"};
    EXPECT_TRUE(origin_allowed("https://APP.example.com:443", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("http://app.example.com", "api.example.com", entries));
    EXPECT_TRUE(origin_allowed("http://a.b.example.org:8000", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("http://example.org:8000", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("http://evil-example.org:8000", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("http://a.example.org", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("https://a.example.org:8000", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("https://app.example.com:8443", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("null", "api.example.com", entries));
    EXPECT_FALSE(origin_allowed("http://a.b", "api.example.com", Entries{"a.b", "http://*.a b"}));  // which are none
    EXPECT_TRUE(origin_allowed("null", "api.example.com", Entries{"*"}));
}

}  // namespace
}  // namespace c10k::wire
