// Bad handshakes (docs/reference/hostile-input.md), given to the parser itself: whole, and byte by byte.
#include "testkit/in_full.hpp"
#include "wire/hostile_requests.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <random>

namespace c10k::wire {
namespace {

TEST(HostileHandshake, TheHandshakeThatTheOthersAreMadeOfIsGood) { EXPECT_EQ(verdict(handshake(good_fields())), 101); }

TEST(HostileHandshake, Row01RefusesKeysThatAreNot16BytesInBase64) {
    EXPECT_EQ(verdict(handshake_without("Sec-WebSocket-Key")), 400);
    for (const std::string_view key :
         {"", "AAA", "AAAA", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
          "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBs-_Bub25jZQ==", "dGhlIHNhbXBs SBub25jZQ==",
          "=GhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!=="}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Key", key)), 400) << key;
    }
}

TEST(HostileHandshake, Row02RefusesAHandshakeWithoutAVersion) {
    EXPECT_EQ(verdict(handshake_without("Sec-WebSocket-Version")), 426);
}

TEST(HostileHandshake, Row03RefusesOtherVersions) {
    for (const std::string_view version :
         {"12", "99", "8", "0", "130", "013", "+13", "13.0", "13,13", "13 13", "x", ""}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Version", version)), 426) << version;
    }
    EXPECT_EQ(verdict(handshake_with_another("Sec-WebSocket-Version", "13")), 426);
}

TEST(HostileHandshake, Row04SwitchesOnlyForGetWithTheUpgradeInHttp11) {
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

TEST(HostileHandshake, Row05RefusesTwoKeys) {
    for (const std::string_view second : {kKey, std::string_view{"x3JJHMbDL1EzLkh9GBhXDw=="}, std::string_view{""}}) {
        EXPECT_EQ(verdict(handshake_with_another("Sec-WebSocket-Key", second)), 400) << second;
        EXPECT_EQ(verdict(handshake_with_another("SEC-WEBSOCKET-KEY", second)), 400) << second;
    }
}

TEST(HostileHandshake, Row06RefusesHostsThatAreNoneOrTwo) {
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

TEST(HostileHandshake, Row16RefusesAHandshakeWithABodyAndReadsTheBodyAsOne) {
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

TEST(HostileHandshake, Row19RefusesForeignOrigins) {
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
TEST(HostileHandshake, Row20OddListsCostLittle) {
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

TEST(HostileHandshake, Row21And22OpenWithoutWhatIsNotUnderstood) {
    for (const std::string_view extensions :
         {"constructor", "__proto__", "x-unknown; a; b=1", "permessage-deflate; server_max_window_bits=7",
          "permessage-deflate; server_max_window_bits=16", "permessage-deflate; client_max_window_bits=010",
          "permessage-deflate; server_max_window_bits", "permessage-deflate; unknown",
          "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
        EXPECT_EQ(verdict(handshake_with("Sec-WebSocket-Extensions", extensions)), 101) << extensions;
    }
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

    // A field that another fault has removed stays away.
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
TEST(HostileHandshake, Rows01To06NoMalformedHandshakeOfManyIsAnsweredWith101) {
    const std::uint64_t count = testkit::in_full(1'000'000, 100'000);
    BadHandshakes bad{20};
    const std::clock_t begin = std::clock();
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string bytes = bad.next();
        const int whole = verdict_in_pieces(bytes, bytes.size());
        ASSERT_NE(whole, 101) << i << ": " << bytes;
        if (i % 10 == 0) {
            ASSERT_EQ(verdict_in_pieces(bytes, 1), whole) << i << ": " << bytes;
        }
    }
    EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, static_cast<double>(count) * 0.001);
}

}  // namespace
}  // namespace c10k::wire
