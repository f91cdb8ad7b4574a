#include "web/entries.hpp"

#include "wire/host.hpp"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace c10k {
namespace {

// "" for a good entry; else what is wrong and, in parentheses, what to do.
std::string text_of(const std::optional<EntryFault>& fault) {
    return fault ? fault->why + " (" + fault->hint + ')' : "";
}

using Cases =
    std::vector<std::pair<std::string, std::string>>;  // an entry, and the right spelling or what else is said

void expect_told(const Cases& cases, std::optional<EntryFault> (*fault_of)(std::string_view)) {
    for (const auto& [entry, told] : cases) {
        const std::string text = text_of(fault_of(entry));
        EXPECT_NE(text, "") << entry;
        EXPECT_NE(text.find(told), std::string::npos) << entry << ": " << text;
    }
}

TEST(Entries, Row80OriginsThatBrowsersSendAreGood) {
    for (const char* entry :
         {"https://example.com", "http://example.com:8000", "HTTPS://Example.COM", "https://*.example.com",
          "http://*.example.com:8000", "*", "http://localhost:5173", "http://127.0.0.1:8000", "http://[::1]:8000",
          "https://xn--bcher-kva.example", "https://my_host.example", "https://[::ffff:102:304]", "https://a.b-c.d1"}) {
        EXPECT_EQ(text_of(fault_of_origin(entry)), "") << entry;
    }
}

// A good entry is one that matches: also with the port that browsers leave out, and in capitals.
TEST(Entries, Row80AGoodOriginMatchesWhatABrowserSends) {
    for (const auto& [entry, origin] : Cases{{"HTTPS://Example.COM", "https://example.com"},
                                             {"https://example.com:443", "https://example.com"},
                                             {"http://example.com:80", "http://example.com"},
                                             {"https://example.com:08443", "https://example.com:8443"},
                                             {"HTTPS://*.Example.com:443", "https://a.example.com"},
                                             {"https://[::ffff:102:304]", "https://[::ffff:102:304]"}}) {
        EXPECT_EQ(text_of(fault_of_origin(entry)), "") << entry;
        EXPECT_TRUE(wire::origin_allowed(origin, "other.example", std::vector{entry})) << entry;
    }
}

TEST(Entries, Row80OriginsThatCanNeverMatchAreToldTheRightSpelling) {
    expect_told(
        {
            {"https://example.com/", "an origin has no path (write https://example.com)"},
            {"https://example.com:8000/chat", "(write https://example.com:8000)"},
            {"https://example.com?x", "an origin has no query (write https://example.com)"},
            {"https://example.com#x", "an origin has no fragment (write https://example.com)"},
            {"https://example.com\\", "(write https://example.com)"},
            {"https://*.example.com/", "(write https://*.example.com)"},
            {"HTTPS://Example.com/", "(write https://example.com)"},
            {"https://ann@example.com", "an origin has no user (write https://example.com)"},
            {"https://ann:secret@example.com:8443", "(write https://example.com:8443)"},
            {"example.com", "it has no scheme (write https://example.com)"},
            {"example.com:8000", "it has no scheme (write https://example.com:8000)"},
            {"*.example.com", "it has no scheme (write https://*.example.com)"},
            {"wss://example.com", "which does not come by wss (write https://example.com)"},
            {"ws://example.com:8000", "(write http://example.com:8000)"},
            {"https://.example.com", "(write https://*.example.com)"},
            {"https://*", "write * alone to allow all origins, or https://*.example.com"},
            {"https://a.*.example.com", "no name has a '*'"},
            {"https://ex*mple.com", "no name has a '*'"},
            {"https://*:8000", "write * alone"},
            {"https://example.com:99999", "not a number from 1 to 65535 (write https://example.com,"},
            {"https://example.com:65536", "not a number from 1 to 65535"},
            {"https://example.com:0", "not a number from 1 to 65535"},
            {"https://example.com:", "no port behind the colon (write https://example.com)"},
            {"https://example.com:http", "not a number from 1 to 65535"},
            {"https://example.com:8000:8001", "IPv6"},
            {"https://example.com:４４３", "punycode"},
            {"https://b\u00fccher.example", "punycode"},
            {"https://\u043f\u0440\u0438\u043c\u0435\u0440.example", "punycode"},
            {"https://ex\u0430mple.com", "punycode"},
            {"https://exam ple.com", "there is a space in it"},
            {"https://a.example https://b.example", "there is a space in it (between two entries stands a comma"},
            {" https://a.example", "there is a space in it"},
            {"https://example.com\u00a0", "U+00A0"},
            {"\ufeffhttps://example.com", "U+FEFF"},
            {"https://exam\u200bple.com", "U+200B"},
            {"\"https://example.com\"", "quotes"},
            {"https://example.com\t", "space"},
            {"https://exa\x01mple.com", "control character"},
            {"null", "anybody can make a page that has no origin"},
            {"NULL", "anybody"},
            {"file://", "only pages that come by http or https"},
            {"ftp://example.com", "only pages that come by http or https"},
            {"chrome-extension://abcdef", "only pages that come by http or https"},
            {"https:example.com", "behind its scheme stands ://"},
            {"https:/example.com", "behind its scheme stands ://"},
            {"//example.com", "an origin is https://"},
            {"https://", "there is no name in it"},
            {"", "there is no name in it"},
            {"https://a..example", "nothing between two of its dots"},
            {"https://" + std::string(64, 'a') + ".example", "at most 63"},
            {"https://" + std::string(300, 'a'), "at most 253"},
            {"https://ex%61mple.com", "no name has a '%'"},
            {"https://256.1.1.1", "no IPv4 address"},
            {"https://127.1", "(write https://127.0.0.1)"},
            {"https://*.127.0.0.1", "no names below an address (write https://127.0.0.1)"},
            {"http://[0:0:0:0:0:0:0:1]:8000", "(write http://[::1]:8000)"},
            {"http://[::FFFF:1.2.3.4]", "(write http://[::ffff:102:304])"},
            {"http://::1", "(write http://[::1])"},
            {"http://[::1", "no IPv6 address"},
            {"http://[fe80::1%eth0]", "no IPv6 address"},
            {"**", "no name has a '*'"},
        },
        &fault_of_origin);
}

TEST(Entries, Row80HostsThatNoRequestNamesAreToldTheRightSpelling) {
    for (const char* entry : {"example.com", "Example.COM", ".example.com", "*", "localhost", "127.0.0.1", "[::1]",
                              "my_host", "xn--bcher-kva.example"}) {
        EXPECT_EQ(text_of(fault_of_host(entry)), "") << entry;
    }
    expect_told(
        {
            {"https://example.com", "a host has no scheme (write example.com)"},
            {"https://example.com:8000/", "(write example.com)"},
            {"example.com:80", "(write example.com)"},
            {"example.com:", "(write example.com)"},
            {"example.com:99999", "(write example.com)"},
            {"example.com/", "a host has no path (write example.com)"},
            {"example.com?", "(write example.com)"},
            {"ann@example.com", "(write example.com)"},
            {"*.example.com", "(write .example.com)"},
            {"*example.com", "no name has a '*'"},
            {"example.com.", "(write example.com)"},
            {".example.com.", "(write .example.com)"},
            {"::1", "(write [::1])"},
            {"[::01]", "(write [::1])"},
            {"127.1", "(write 127.0.0.1)"},
            {"1.2.3.400", "no IPv4 address"},
            {".127.0.0.1", "(write 127.0.0.1)"},
            {"", "there is no name in it"},
            {".", "there is no name in it"},
            {"..example.com", "nothing between two of its dots"},
            {"a..b", "nothing between two of its dots"},
            {"b\u00fccher.example", "punycode"},
            {"a.example b.example", "space"},
            {"example.com\u200b", "U+200B"},
            {"'example.com'", "quotes"},
            {"exam,ple", "no name has a ','"},
        },
        &fault_of_host);
}

TEST(Entries, Row80ProxiesThatAreNoNetworkAreToldTheRightSpelling) {
    for (const char* entry : {"127.0.0.1", "10.0.0.0/8", "fd00::/8", "::1", "0.0.0.0/0", "unix:"}) {
        EXPECT_EQ(text_of(fault_of_proxy(entry)), "") << entry;
    }
    expect_told(
        {
            {"nginx", "names are not looked up"},
            {"localhost", "names are not looked up"},
            {"127.0.0.1:8000", "(write 127.0.0.1)"},
            {"[::1]", "(write ::1)"},
            {"[::1]:8000", "(write ::1)"},
            {"[fd00::]/8", "(write fd00::/8)"},
            {"http://127.0.0.1", "(write 127.0.0.1)"},
            {"127.1", "(write 127.0.0.1)"},
            {"*", "0.0.0.0/0, ::/0"},
            {"10.0.0.0/33", "up to 32"},
            {"10.0.0/8", "such as"},
            {"10.0.0.0/-1", "up to 32"},
            {"10.0.0.0/", "up to 32"},
            {"10.0.0.0/255.0.0.0", "after the / comes the number of common bits"},
            {"http://10.0.0.0/8", "(write 10.0.0.0/8)"},
            {"300.0.0.1", "such as"},
            {"unix:/run/nginx.sock", "write unix:"},
            {"", "such as"},
            {"10.0.0.1 10.0.0.2", "comma"},
        },
        &fault_of_proxy);
}

TEST(Entries, Row80HostsToListenOnAreToldTheRightSpelling) {
    for (const char* host : {"127.0.0.1", "0.0.0.0", "0", "127.1", "::", "[::1]", "fe80::1%eth0", "*", "localhost",
                             "LOCALHOST", "my-host.example", "unix:/run/site.sock", "unix:@site"}) {
        EXPECT_EQ(text_of(fault_of_listening_host(host)), "") << host;
    }
    expect_told(
        {
            {"", "it is empty"},
            {"127.0.0.1:8000", "(write host = 127.0.0.1 and port = 8000)"},
            {"[::1]:8000", "(write host = [::1] and port = 8000)"},
            {"http://127.0.0.1/", "(write host = 127.0.0.1)"},
            {"127.0.0.1, ::1", "space"},
            {"127.0.0.1/8", "(write host = 127.0.0.1)"},
            {"*.example.com", "no name has a '*'"},
            {"256.0.0.1", "no IPv4 address"},
            {"::g", "no IPv6 address"},
            {"b\u00fccher.example", "punycode"},
            {"unix:", "the path is missing"},
            {"local host", "space"},
            {"\ufefflocalhost", "U+FEFF"},
        },
        &fault_of_listening_host);
}

}  // namespace
}  // namespace c10k
