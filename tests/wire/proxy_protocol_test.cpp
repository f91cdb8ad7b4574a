#include "wire/proxy_protocol.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace c10k::wire {
namespace {

using namespace std::string_literals;

const std::string kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

// "complete 192.0.2.1:1234 after 41", "failed after 3", "reading"
std::string outcome(std::string_view bytes, std::size_t first, std::size_t each) {
    ProxyHeader header;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::string_view part = bytes.substr(at, at == 0 ? first : each);
        taken += header.receive(part);
        at += part.size();
    }
    switch (header.state()) {
        case ProxyHeader::State::kReading: return "reading";
        case ProxyHeader::State::kFailed:
            EXPECT_FALSE(header.failure().empty());
            return "failed after " + std::to_string(taken);
        case ProxyHeader::State::kComplete: break;
    }
    return "complete " + header.client().text() + " after " + std::to_string(taken);
}

// The outcome, however the bytes are cut.
std::string outcome(std::string_view bytes) {
    const std::string whole = outcome(bytes, bytes.size(), 1);
    EXPECT_EQ(outcome(bytes, 1, 1), whole);
    for (std::size_t at = 1; at < bytes.size(); ++at) {
        EXPECT_EQ(outcome(bytes, at, bytes.size()), whole) << at;
    }
    return whole;
}

bool fails(std::string_view bytes) { return outcome(bytes).starts_with("failed"); }

std::string v2(char command, char family, std::string_view rest) {
    return kSignature + command + family + static_cast<char>(rest.size() >> 8) + static_cast<char>(rest.size()) +
           std::string{rest};
}

const std::string kAddresses4 = "\xC0\0\x02\x01\xC0\0\x02\x02\x04\xD2\x01\xBB"s;
const std::string kAddresses6 =
    "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x01" + std::string(16, '\x02') + "\x04\xD2\x01\xBB"s;

// ---- Version 1

TEST(ProxyHeader, ReadsALine) {
    EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n"), "complete 192.0.2.1:1234 after 41");
    EXPECT_EQ(outcome("PROXY TCP6 2001:db8::1 ::1 1234 443\r\n"), "complete [2001:db8::1]:1234 after 37");
    EXPECT_EQ(outcome("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), "complete 255.255.255.255:65535 after 44");
}

TEST(ProxyHeader, LeavesWhatFollows) {
    EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\nGET / HTTP/1.1\r\n"),
              "complete 192.0.2.1:1234 after 41");
    EXPECT_EQ(outcome(v2('\x21', '\x11', kAddresses4) + "GET"), "complete 192.0.2.1:1234 after 28");
}

TEST(ProxyHeader, ReadsThatAProxyDoesNotKnow) {
    EXPECT_EQ(outcome("PROXY UNKNOWN\r\n"), "complete unknown after 15");
    EXPECT_EQ(outcome("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "complete unknown after 43");
}

TEST(ProxyHeader, TakesNoLineThatIsLongerThanThereAre) {
    const std::string start = "PROXY UNKNOWN ";
    const std::string longest = start + std::string(ProxyHeader::kMaxLine - start.size() - 2, 'x') + "\r\n";
    EXPECT_EQ(outcome(longest), "complete unknown after 107");
    EXPECT_EQ(outcome(start + std::string(10'000, 'x')).substr(0, 16), "failed after 107");
}

TEST(ProxyHeader, RefusesOtherLines) {
    for (const std::string& line : {"GET / HTTP/1.1\r\n"s,
                                    "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"s,
                                    "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4\r\n"s,
                                    "PROXY \r\n"s,
                                    "PROXY\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"s,
                                    "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP4 ::1 ::1 1 2\r\n"s,
                                    "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"s,
                                    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rX\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n"s,
                                    "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"s,
                                    "PROXY TCP4 192.0.2.1 localhost 1 2\r\n"s,
                                    "PROXY TCP6 ::1 ::1 65536 2\r\n"s,
                                    "PROXY TCP6 ::1\0 ::1 1 2\r\n"s,
                                    "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"s}) {
        EXPECT_TRUE(fails(line)) << line;
    }
    EXPECT_EQ(outcome("GET"), "failed after 1");  // no byte more than it takes
    EXPECT_EQ(outcome("POST"), "failed after 2");
}

// ---- Version 2

TEST(ProxyHeader, ReadsABinaryHeader) {
    EXPECT_EQ(outcome(v2('\x21', '\x11', kAddresses4)), "complete 192.0.2.1:1234 after 28");
    EXPECT_EQ(outcome(v2('\x21', '\x21', kAddresses6)), "complete [2001:db8::1]:1234 after 52");
}

TEST(ProxyHeader, SkipsExtensions) {
    const std::string extensions = "\x01\0\x02h2"s + "\x04\0\0"s + "\x20\x01\x01"s + std::string(257, 'x');
    EXPECT_EQ(outcome(v2('\x21', '\x11', kAddresses4 + extensions)), "complete 192.0.2.1:1234 after 296");
}

TEST(ProxyHeader, ReadsWhoIsNoClientOfTcp) {
    EXPECT_EQ(outcome(v2('\x20', '\0', "")), "complete unknown after 16");  // LOCAL: a proxy that looks after us
    EXPECT_EQ(outcome(v2('\x20', '\x11', kAddresses4)), "complete unknown after 28");
    EXPECT_EQ(outcome(v2('\x20', '\x11', "?")), "complete unknown after 17");
    EXPECT_EQ(outcome(v2('\x21', '\0', "anything")), "complete unknown after 24");
    EXPECT_EQ(outcome(v2('\x21', '\x31', std::string(216, '\0'))), "complete unknown after 232");
}

TEST(ProxyHeader, RefusesOtherBinaryHeaders) {
    for (const std::string& header :
         {v2('\x11', '\x11', kAddresses4), v2('\x31', '\x11', kAddresses4), v2('\x22', '\x11', kAddresses4),
          v2('\x21', '\x10', kAddresses4), v2('\x21', '\x12', kAddresses4), v2('\x21', '\x13', kAddresses4),
          v2('\x21', '\x41', kAddresses4), v2('\x21', '\x22', kAddresses6), v2('\x21', '\x11', ""),
          v2('\x21', '\x11', kAddresses4.substr(1)), v2('\x21', '\x21', kAddresses4),
          v2('\x21', '\x31', std::string(215, '\0')), v2('\x21', '\x11', kAddresses4 + "\x01"),
          v2('\x21', '\x11', kAddresses4 + "\x01\0\x05four"s), v2('\x21', '\x11', kAddresses4 + "\x01\xFF\xFFx"s)}) {
        EXPECT_TRUE(fails(header)) << testing::PrintToString(header);
    }
    EXPECT_EQ(outcome("\r\nGET"), "failed after 3");
    EXPECT_EQ(outcome(kSignature + "\x12"), "failed after 13");
}

TEST(ProxyHeader, TakesNoBinaryHeaderThatIsTooLong) {
    const std::string most = kAddresses4 + "\x20\x0F\xE1"s + std::string(4096 - 16 - 12 - 3, 'x');
    EXPECT_EQ(outcome(v2('\x21', '\x11', most), 4096, 1), "complete 192.0.2.1:1234 after 4096");
    EXPECT_EQ(outcome(kSignature + "\x21\x11\x0F\xF1"), "failed after 16");
    EXPECT_EQ(outcome(kSignature + "\x20\x00\xFF\xFF"s), "failed after 16");
}

}  // namespace
}  // namespace c10k::wire
