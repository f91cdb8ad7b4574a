#include "tls/tls_stream.hpp"

#include "tls/certificates.hpp"
#include "tls/tls_error.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// Both ends of a connection, and the network between them: pieces of `cut` bytes.
class Ends {
public:
    Ends(std::shared_ptr<const TlsContext> server_context, std::shared_ptr<const TlsContext> client_context,
         const std::string& name, std::size_t cut = SIZE_MAX)
        : server(std::move(server_context), ""), client(std::move(client_context), name), cut_(cut) {
        client.start();
    }

    // Until nothing is under way.
    void run_until_idle() {
        while (!client.unsent().empty() || !server.unsent().empty()) {
            move(client, server, to_server);
            move(server, client, to_client);
        }
    }
    static std::size_t write(TlsStream& stream, std::string_view text) {
        TlsScratch scratch;
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        return stream.write({&piece, 1}, scratch);
    }

    TlsStream server;
    TlsStream client;
    std::string to_server;  // what has arrived
    std::string to_client;

private:
    void move(TlsStream& from, TlsStream& to, std::string& arrived) {
        const std::vector<char> bytes = from.take_unsent();
        for (std::size_t at = 0; at < bytes.size(); at += std::min(cut_, bytes.size() - at)) {
            const std::span<char> plain =
                to.receive(std::span{bytes}.subspan(at, std::min(cut_, bytes.size() - at)), scratch_);
            arrived.append(plain.data(), plain.size());
        }
    }

    std::size_t cut_;
    TlsScratch scratch_;
};

std::shared_ptr<const TlsContext> server_context(const std::vector<CertificateFiles>& pairs) {
    return TlsContext::for_server(pairs);
}

class TlsStreams : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Cuts, TlsStreams, testing::Values(1, 2, 5, 6, 100, 16 * 1024, SIZE_MAX));

TEST_P(TlsStreams, CarryBytesHoweverTheNetworkCutsThem) {
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1", GetParam()};
    ends.run_until_idle();
    ASSERT_TRUE(ends.client.is_open()) << ends.client.failure().message();
    ASSERT_TRUE(ends.server.is_open()) << ends.server.failure().message();
    std::string text(50'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i * 7919 >> 8);
    }
    EXPECT_EQ(Ends::write(ends.client, text), text.size());
    EXPECT_EQ(Ends::write(ends.server, "an answer"), 9U);
    ends.run_until_idle();
    EXPECT_TRUE(ends.to_server == text);
    EXPECT_EQ(ends.to_client, "an answer");
}

TEST_P(TlsStreams, EndEachDirectionByItself) {  // RFC 8446, 6.1
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1", GetParam()};
    ends.run_until_idle();
    Ends::write(ends.client, "last");
    ends.client.finish();
    ends.run_until_idle();
    EXPECT_EQ(ends.to_server, "last");
    EXPECT_TRUE(ends.server.has_ended());
    EXPECT_FALSE(ends.client.has_ended());
    Ends::write(ends.server, "still here");
    ends.server.finish();
    ends.run_until_idle();
    EXPECT_EQ(ends.to_client, "still here");
    EXPECT_TRUE(ends.client.has_ended());
}

TEST(TlsStream, TakesNoMoreThanItMayEncryptAhead) {
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1"};
    ends.run_until_idle();
    EXPECT_EQ(Ends::write(ends.server, std::string(1 << 20, 'x')), TlsStream::kMaxAhead);
    EXPECT_LT(ends.server.unsent().size(), TlsStream::kMaxAhead + 1024);
}

TEST(TlsStream, MakesOneRecordOfManySmallPieces) {
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1"};
    ends.run_until_idle();
    std::string text = "x";
    const std::vector<iovec> pieces(1000, {text.data(), 1});
    TlsScratch scratch;
    EXPECT_EQ(ends.server.write(pieces, scratch), 1000U);
    EXPECT_LT(ends.server.unsent().size(), 1100U);
}

TEST(TlsStream, HoldsNothingWhenAllIsSent) {
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1"};
    ends.run_until_idle();
    EXPECT_EQ(ends.server.unsent().capacity(), 0U);
    EXPECT_EQ(ends.client.unsent().capacity(), 0U);
}

TEST(TlsStream, ShowsTheCertificateForTheNameThatIsAskedFor) {  // RFC 6066, 3
    const CertificateFolder folder;
    const auto server = server_context({folder.make({.names = {"first.test"}}), folder.make({.names = {"second.test"}}),
                                        folder.make({.names = {"*.third.test"}})});
    const auto client = TlsContext::for_client(folder.authorities());
    for (const char* name : {"first.test", "second.test", "SECOND.test", "www.third.test"}) {
        Ends ends{server, client, name};
        ends.run_until_idle();
        EXPECT_TRUE(ends.client.is_open()) << name << ": " << ends.client.failure().message();
    }
    Ends other{server, client, "fourth.test"};
    other.run_until_idle();
    EXPECT_NE(other.client.failure().message().find("another host"), std::string::npos);
}

// The client's error for a server that shows this certificate.
std::string complaint(const std::vector<CertificateFiles>& shown, const std::string& trusted, const std::string& name) {
    Ends ends{server_context(shown), TlsContext::for_client(trusted), name};
    ends.run_until_idle();
    EXPECT_TRUE(ends.server.failure()) << "the server is told so by an alert";
    return ends.client.failure().message();
}

TEST(TlsStream, SaysWhatIsWrongWithTheServersCertificate) {
    const CertificateFolder folder;
    const std::string trusted = folder.authorities();
    const auto now = std::chrono::system_clock::now();
    const CertificateFiles good = folder.make({.names = {"good.test"}});
    const CertificateFiles expired = folder.make({.names = {"expired.test"}, .begin = now - 48h, .time = 24h});
    const CertificateFiles future = folder.make({.names = {"future.test"}, .begin = now + 24h});
    const CertificateFolder stranger;
    EXPECT_NE(complaint({good}, trusted, "evil.test").find("another host"), std::string::npos);
    EXPECT_NE(complaint({good}, trusted, "127.0.0.1").find("not for this IP address"), std::string::npos);
    EXPECT_NE(complaint({expired}, trusted, "expired.test").find("expired"), std::string::npos);
    EXPECT_NE(complaint({future}, trusted, "future.test").find("not valid yet"), std::string::npos);
    EXPECT_NE(complaint({good}, stranger.authorities(), "good.test").find("not trusted here"), std::string::npos);
}

TEST(TlsStream, BelievesAnybodyIfItIsTold) {
    const CertificateFolder folder;
    Ends ends{server_context({folder.make({.names = {"good.test"}})}), TlsContext::for_trusting_client(), "evil.test"};
    ends.run_until_idle();
    EXPECT_TRUE(ends.client.is_open());
}

TEST(TlsStream, ClientSaysThatItsServerSpeaksNoTls) {
    TlsStream client{TestTls::get().client, "127.0.0.1"};
    client.start();
    TlsScratch scratch;
    const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_TRUE(client.receive(answer, scratch).empty());
    EXPECT_NE(client.failure().message().find("does not speak TLS"), std::string::npos) << client.failure().message();
}

TEST(TlsStream, Row23AnswersPlainHttpWithPlain400) {
    for (const std::string_view request : {"GET / HTTP/1.1\r\n\r\n", "DELETE / HTTP/1.1\r\n", "PRI * HTTP/2.0", "G"}) {
        TlsStream server{TestTls::get().certificates.current(), ""};
        TlsScratch scratch;
        EXPECT_TRUE(server.receive(request, scratch).empty());
        EXPECT_EQ(server.failure(), TlsFault::kSpokeHttp);
        const std::string answer{server.unsent().begin(), server.unsent().end()};
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
        const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
        EXPECT_NE(answer.find("Content-Length: " + std::to_string(body.size()) + "\r\n"), std::string::npos);
    }
}

TEST(TlsStream, Row26RefusesALongHelloAtItsHeader) {
    TlsStream server{TestTls::get().certificates.current(), ""};
    TlsScratch scratch;
    for (const char byte : std::string{"\x16\x03\x01\x40\x00\x01\x00", 7}) {
        server.receive({&byte, 1}, scratch);
        EXPECT_FALSE(server.failure());
    }
    server.receive(std::string_view{"\x40"}, scratch);
    EXPECT_EQ(server.failure(), TlsFault::kHelloTooLong);
}

// The same bytes of a handshake in records of at most `size` bytes.
std::string in_records(std::string_view message, std::size_t size) {
    std::string records;
    for (std::size_t at = 0; at < message.size(); at += size) {
        const std::string_view part = message.substr(at, size);
        records += "\x16\x03\x01"s;
        records += static_cast<char>(part.size() >> 8);
        records += static_cast<char>(part.size());
        records += part;
    }
    return records;
}

// A ClientHello, without its record.
std::string client_hello(TlsStream& client) {
    client.start();
    const std::vector<char> record = client.take_unsent();
    return {record.begin() + 5, record.end()};
}

// A hello that OpenSSL would take 65,280 bytes for.
const std::string kLongHello = "\x01\x00\xff\x00\x03\x03"s + std::string(1000, 'x');

// RFC 8446, 5.1: a message may be cut into records anywhere.
TEST(TlsStream, Row26ServesAHelloInRecordsOfAnySize) {
    const TestTls& tls = TestTls::get();
    for (const std::size_t size : {1, 2, 3, 4, 5, 6, 100}) {
        for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
            TlsStream client{tls.client, "127.0.0.1"};
            const std::string records = in_records(client_hello(client), size);
            TlsStream server{tls.certificates.current(), ""};
            TlsScratch scratch;
            for (std::size_t at = 0; at < records.size(); at += std::min(cut, records.size() - at)) {
                EXPECT_TRUE(server.receive(std::string_view{records}.substr(at, cut), scratch).empty());
            }
            EXPECT_FALSE(server.failure()) << server.failure().message();
            client.receive(server.take_unsent(), scratch);
            EXPECT_TRUE(client.is_open()) << client.failure().message();
            server.receive(client.take_unsent(), scratch);
            EXPECT_TRUE(server.is_open()) << server.failure().message();
        }
    }
}

TEST(TlsStream, Row26RefusesALongHelloInRecordsOfAnySize) {
    for (const std::size_t size : {1, 2, 3, 4, 5, 100}) {
        TlsStream server{TestTls::get().certificates.current(), ""};
        TlsScratch scratch;
        const std::string records = in_records(kLongHello, size);
        const std::size_t enough = records.find('\xff') + 1;
        server.receive(std::string_view{records}.substr(0, enough - 1), scratch);
        EXPECT_FALSE(server.failure()) << server.failure().message();
        server.receive(std::string_view{records}.substr(enough - 1, 1), scratch);
        EXPECT_EQ(server.failure(), TlsFault::kHelloTooLong) << size;
    }
}

// RFC 8446, 4.1.4: a hello without a key that the server can use is answered by a wish for another hello.
TEST(TlsStream, Row26RefusesALongHelloBehindAGoodOne) {
    TlsStream client{TestTls::get().client, "127.0.0.1"};
    std::string hello = client_hello(client);
    // X448 in the list of groups, and X25519 with its key's length: both become a group that nobody has (RFC 8701).
    for (const auto& [bytes, at] : {std::pair{"\x00\x17\x00\x1e"s, 2}, std::pair{"\x00\x1d\x00\x20"s, 0}}) {
        ASSERT_NE(hello.find(bytes), std::string::npos);
        hello.replace(hello.find(bytes) + at, 2, "\x1a\x1a");
    }
    for (const std::string& between : {""s, "\x14\x03\x03\x00\x01\x01"s}) {
        for (const std::size_t cut : {std::size_t{1}, SIZE_MAX}) {
            TlsStream server{TestTls::get().certificates.current(), ""};
            TlsScratch scratch;
            const std::string bytes = in_records(hello, 1000) + between + in_records(kLongHello, 2);
            for (std::size_t at = 0; at < bytes.size(); at += std::min(cut, bytes.size() - at)) {
                server.receive(std::string_view{bytes}.substr(at, cut), scratch);
            }
            EXPECT_EQ(server.failure(), TlsFault::kHelloTooLong) << server.failure().message();
            EXPECT_FALSE(server.unsent().empty()) << "the first one was answered";
        }
    }
}

// RFC 8446, 5.1: no records of another type inside of a message, and none of the handshake without bytes.
TEST(TlsStream, Row26RefusesRecordsThatInterruptTheHello) {
    const std::string hello = [] {
        TlsStream client{TestTls::get().client, "127.0.0.1"};
        return client_hello(client);
    }();
    for (const std::string& other : {"\x15\x03\x03\x00\x02\x01\x00"s, "\x14\x03\x03\x00\x01\x01"s,
                                     "\x17\x03\x03\x00\x01x"s, "\x16\x03\x03\x00\x00"s, "\x15\x03\x03\x00\x00"s}) {
        for (const std::size_t before : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{50}}) {
            TlsStream server{TestTls::get().certificates.current(), ""};
            TlsScratch scratch;
            server.receive(in_records(hello.substr(0, before), 1), scratch);
            EXPECT_FALSE(server.failure()) << server.failure().message();
            server.receive(other + in_records(hello.substr(before), 1), scratch);
            EXPECT_TRUE(server.failure()) << before << " bytes, then type " << int{other[0]};
            ASSERT_FALSE(server.unsent().empty());
            EXPECT_EQ(server.unsent().front(), '\x15') << "an alert says so";
        }
    }
}

TEST(TlsStream, Row26SurvivesAHandshakeThatIsWrongAtAnyByte) {
    const TestTls& tls = TestTls::get();
    TlsStream client{tls.client, "127.0.0.1"};
    client.start();
    const std::vector<char> hello = client.take_unsent();
    for (std::size_t i = 0; i < hello.size(); ++i) {
        std::vector<char> wrong = hello;
        wrong[i] = static_cast<char>(wrong[i] ^ 0x55);
        TlsStream server{tls.certificates.current(), ""};
        TlsScratch scratch;
        EXPECT_TRUE(server.receive(wrong, scratch).empty());
        EXPECT_FALSE(server.is_open());
    }
}

TEST(TlsStream, FailsAtARecordThatIsNotWhatWasSent) {  // RFC 8446, 5.2: bad_record_mac
    const TestTls& tls = TestTls::get();
    Ends ends{tls.certificates.current(), tls.client, "127.0.0.1"};
    ends.run_until_idle();
    Ends::write(ends.client, "pay 10");
    std::vector<char> record = ends.client.take_unsent();
    record.back() = static_cast<char>(record.back() ^ 1);
    TlsScratch scratch;
    EXPECT_TRUE(ends.server.receive(record, scratch).empty());
    EXPECT_TRUE(ends.server.failure());
    EXPECT_FALSE(ends.server.unsent().empty()) << "it says so";
}

TEST(ServerCertificates, AreReadAnewForConnectionsFromThenOn) {
    const CertificateFolder folder;
    const CertificateFiles files = folder.make({.names = {"old.test"}});
    const auto client = TlsContext::for_client(folder.authorities());
    ServerCertificates certificates{{files}};
    Ends before{certificates.current(), client, "old.test"};
    before.run_until_idle();

    const CertificateFiles renewed = folder.make({.names = {"new.test"}});
    std::filesystem::copy_file(renewed.certificate, files.certificate,
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_THROW(certificates.reload(), std::runtime_error);  // the old key: as if read between two writes
    Ends meanwhile{certificates.current(), client, "old.test"};
    meanwhile.run_until_idle();
    EXPECT_TRUE(meanwhile.client.is_open());

    std::filesystem::copy_file(renewed.key, files.key, std::filesystem::copy_options::overwrite_existing);
    certificates.reload();
    Ends after{certificates.current(), client, "new.test"};
    after.run_until_idle();
    EXPECT_TRUE(after.client.is_open());
    Ends::write(before.client, "still here");
    before.run_until_idle();
    EXPECT_EQ(before.to_server, "still here");
}

}  // namespace
}  // namespace c10k
