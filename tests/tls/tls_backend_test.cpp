// The behaviour that TLS adds to a backend. tests/loop/backend_test.cpp tests, on every backend, what TLS must not
// change.

#include "tls/tls_backend.hpp"

#include "loop/backend_fixture.hpp"
#include "loop/loop.hpp"
#include "tls/tls_error.hpp"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <utility>

namespace c10k {
namespace {

// Notes what happens to a socket, and closes it at the event that is told.
class Owner final : public SocketEvents {
public:
    enum class Event { kNone, kConnected, kReceived, kEnd, kSent, kFailed };

    Event closes_at = Event::kNone;
    std::function<void()> close;
    std::function<void()> on_open = [] {};
    int connected = 0;
    int ends = 0;
    std::string received;
    std::vector<std::size_t> sent;
    std::vector<std::error_code> failures;

    void on_connected() override {
        ++connected;
        on_open();
        happens(Event::kConnected);
    }
    void on_received(std::span<char> bytes) override {
        received.append(bytes.data(), bytes.size());
        happens(Event::kReceived);
    }
    void on_end() override {
        ++ends;
        happens(Event::kEnd);
    }
    void on_sent(std::size_t bytes) override {
        sent.push_back(bytes);
        happens(Event::kSent);
    }
    void on_failed(std::error_code error) override {
        failures.push_back(error);
        happens(Event::kFailed);
    }

private:
    void happens(Event event) {
        EXPECT_FALSE(closed_) << "an event after the close";
        if (event == closes_at) {
            closed_ = true;
            close();
        }
    }

    bool closed_ = false;
};

class Tls : public testing::Test, private ListenerEvents {
protected:
    Tls() {
        auto made = std::make_unique<MemoryBackend>();
        network = made.get();
        tls.emplace(std::move(made));
        listener_ = tls->listen(Address::resolve("127.0.0.1", 0), {}, *this);
        begin_anew();
    }

    void begin_anew() {
        server = {};
        client = {};
        server.close = [this] { tls->close(server_id); };
        client.close = [this] { tls->close(client_id); };
    }

    // A client that speaks TLS, and its server, which attaches and receives at once.
    void dial() {
        client_id = tls->connect(tls->local_address(listener_));
        tls->secure(client_id, TestTls::get().client, "127.0.0.1");
        tls->attach(client_id, client);
        tls->start_receiving(client_id);
    }
    // One that does not.
    void dial_plainly() {
        client_id = tls->connect(tls->local_address(listener_));
        tls->attach(client_id, client);
        tls->start_receiving(client_id);
        run_until_idle();
    }
    void run_until_idle() {
        while (tls->wait(tls->now()) > 0) {
        }
    }
    void send(SocketId socket, std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        if (const std::size_t taken = tls->send(socket, {&piece, 1}); taken > 0) {
            (socket == server_id ? server : client).sent.push_back(taken);
        }
    }

    bool server_speaks_tls = true;
    MemoryBackend* network;
    std::optional<TlsBackend> tls;
    Owner server;
    Owner client;
    SocketId server_id;
    SocketId client_id;

private:
    void on_accepted(SocketId socket, const Address&, const Address&) override {
        server_id = socket;
        if (server_speaks_tls) {
            tls->secure(socket, TestTls::get().certificates.current());
        }
        tls->attach(socket, server);
        tls->start_receiving(socket);
    }
    void on_accept_failed(std::error_code) override {}

    SocketId listener_;
};

TEST_F(Tls, CarriesLargeBytesThroughAnyNetwork) {
    for (const std::size_t sends : {std::size_t{7}, std::size_t{1000}, std::size_t{16'406}, SIZE_MAX}) {
        for (const std::size_t receives : {std::size_t{3}, std::size_t{5000}, SIZE_MAX}) {
            for (const bool later : {false, true}) {
                network->faults() = {.late_answer = later ? 1.0 : 0.0,
                                     .read_bytes = receives,
                                     .write_bytes = sends,
                                     .kernel_bytes = 20'000};
                begin_anew();
                dial();
                run_until_idle();
                std::string text(sends < 100 || receives < 100 ? 20'000 : 200'000, '\0');
                for (std::size_t i = 0; i < text.size(); ++i) {
                    text[i] = static_cast<char>(i * 7919 >> 8);
                }
                for (std::size_t at = 0; at < text.size(); at += client.sent.back()) {
                    const std::size_t answers = client.sent.size();
                    send(client_id, std::string_view{text}.substr(at));
                    run_until_idle();
                    ASSERT_EQ(client.sent.size(), answers + 1) << "one answer to each send()";
                    ASSERT_GT(client.sent.back(), 0U);
                }
                ASSERT_TRUE(server.received == text) << sends << ' ' << receives;
                tls->close(client_id);
                tls->close(server_id);
            }
        }
    }
}

TEST_F(Tls, AnswersASendWhenTheNetworkHasTakenItAndNotBefore) {
    network->faults().kernel_bytes = 10'000;
    dial();
    run_until_idle();
    tls->stop_receiving(server_id);
    const std::string much(1 << 20, 'x');
    send(client_id, much);
    run_until_idle();
    EXPECT_TRUE(client.sent.empty());
    tls->start_receiving(server_id);
    run_until_idle();
    ASSERT_EQ(client.sent, std::vector<std::size_t>{TlsStream::kMaxAhead});
    EXPECT_EQ(server.received.size(), TlsStream::kMaxAhead);
}

TEST_F(Tls, AnswersASendThatComesBeforeTheHandshakeIsDoneWhenItIs) {
    dial_plainly();  // and says nothing
    send(server_id, "too early");
    run_until_idle();
    EXPECT_TRUE(server.sent.empty());
    tls->close(client_id);
    run_until_idle();
    EXPECT_EQ(server.failures.size(), 1U);
    EXPECT_EQ(server.failures.at(0), TlsFault::kCutInHandshake);
}

TEST_F(Tls, HoldsWhatComesWithTheHandshakeUntilTheOwnerReceives) {
    client.on_open = [this] {
        tls->stop_receiving(server_id);
        send(client_id, "early");
        tls->shutdown_write(client_id);
    };
    dial();
    run_until_idle();
    EXPECT_EQ(server.received, "");
    EXPECT_EQ(server.ends, 0);
    tls->start_receiving(server_id);
    run_until_idle();
    EXPECT_EQ(server.received, "early");
    EXPECT_EQ(server.ends, 1);
}

TEST_F(Tls, EndsWithCloseNotifyOnceAndOneDirectionAlone) {
    dial();
    run_until_idle();
    send(client_id, "last");
    tls->shutdown_write(client_id);
    run_until_idle();
    EXPECT_EQ(server.received, "last");
    EXPECT_EQ(server.ends, 1);
    send(server_id, "an answer");
    run_until_idle();
    EXPECT_EQ(client.received, "an answer");
    EXPECT_EQ(client.ends, 0);
    tls->close(server_id);
    run_until_idle();
    EXPECT_EQ(client.ends, 1);
    EXPECT_EQ(server.ends, 1);
    EXPECT_TRUE(client.failures.empty());
}

TEST_F(Tls, SaysCloseNotifyEvenIfItsOwnerOnlyCloses) {  // RFC 8446, 6.1
    dial();
    run_until_idle();
    network->faults().read_bytes = 1;
    tls->stop_receiving(client_id);
    tls->close(server_id);
    network->shutdown_write(client_id);
    tls->start_receiving(client_id);
    network->wait(network->now());  // one byte of the alert: FIN is not there yet
    EXPECT_EQ(client.ends, 0);
    run_until_idle();
    EXPECT_EQ(client.ends, 1);
}

TEST_F(Tls, TakesAFinAloneForTheEndToo) {  // RFC 9112, 9.8
    dial();
    run_until_idle();
    send(client_id, "cut");
    network->shutdown_write(client_id);
    run_until_idle();
    EXPECT_EQ(server.received, "cut");
    EXPECT_EQ(server.ends, 1);
    EXPECT_TRUE(server.failures.empty());
}

TEST_F(Tls, PassesAResetOn) {
    dial();
    run_until_idle();
    network->reset(client_id);
    run_until_idle();
    ASSERT_EQ(server.failures.size(), 1U);
    EXPECT_EQ(server.failures.front(), std::errc::connection_reset);
    EXPECT_EQ(server.ends, 0);
}

TEST_F(Tls, Row23TellsAPlainClientAndEndsItsConnection) {
    dial_plainly();
    send(client_id, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    run_until_idle();
    EXPECT_TRUE(client.received.starts_with("HTTP/1.1 400 ")) << client.received;
    EXPECT_EQ(client.ends, 1);
    send(client_id, std::string(100'000, 'x'));  // is read, so that no reset eats the answer
    run_until_idle();
    EXPECT_TRUE(client.failures.empty());
    EXPECT_TRUE(server.failures.empty()) << "it waits until the client has read";
    network->shutdown_write(client_id);
    run_until_idle();
    ASSERT_EQ(server.failures.size(), 1U);
    EXPECT_EQ(server.failures.front(), TlsFault::kSpokeHttp);
    EXPECT_EQ(server.received, "");
}

TEST_F(Tls, EachEventMayCloseItsSocket) {
    using Event = Owner::Event;
    for (const bool later : {false, true}) {
        for (const Event event : {Event::kConnected, Event::kReceived, Event::kEnd, Event::kSent, Event::kFailed}) {
            for (Owner* closing : {&server, &client}) {
                network->faults().late_answer = later ? 1 : 0;
                begin_anew();
                closing->closes_at = event;
                dial();
                run_until_idle();
                send(client_id, "to the server");
                send(server_id, "to the client");
                run_until_idle();
                network->shutdown_write(client_id);
                network->reset(event == Event::kFailed && closing == &client ? server_id : client_id);
                run_until_idle();
                tls->close(client_id);
                tls->close(server_id);
                run_until_idle();
            }
        }
    }
}

TEST_F(Tls, HangsUpOnAPeerThatAsksForRepliesAndReadsNone) {  // key updates (RFC 8446, 4.6.3)
    constexpr int kRequests = 10'000;
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
    const std::unique_ptr<SSL, void (*)(SSL*)> session{SSL_new(context.get()), &SSL_free};
    BIO* incoming = BIO_new(BIO_s_mem());
    BIO* outgoing = BIO_new(BIO_s_mem());
    SSL_set_bio(session.get(), incoming, outgoing);
    SSL_set_connect_state(session.get());
    const auto take_outgoing = [outgoing] {
        std::string bytes(BIO_pending(outgoing), '\0');
        BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size()));
        return bytes;
    };

    dial_plainly();
    while (SSL_do_handshake(session.get()) != 1) {
        const std::string bytes = take_outgoing();
        send(client_id, bytes);
        run_until_idle();
        ASSERT_FALSE(client.received.empty());
        BIO_write(incoming, client.received.data(), static_cast<int>(client.received.size()));
        client.received.clear();
    }
    for (int i = 0; i < kRequests; ++i) {
        SSL_key_update(session.get(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(session.get());
    }
    network->faults().kernel_bytes = 1000;
    tls->stop_receiving(client_id);
    const std::string bytes = take_outgoing();
    for (std::size_t at = 0; at < bytes.size() && server.failures.empty(); at += client.sent.back()) {
        send(client_id, std::string_view{bytes}.substr(at));
        run_until_idle();
    }
    ASSERT_EQ(server.failures.size(), 1U);
    EXPECT_EQ(server.failures.front(), TlsFault::kRepliesNotTaken);
}

TEST_F(Tls, LeavesPlainSocketsAlone) {
    server_speaks_tls = false;
    dial_plainly();
    send(client_id, "GET as it is");
    run_until_idle();
    EXPECT_EQ(server.received, "GET as it is");
}

TEST(TlsBackend, IsMadeWhenItIsNeededAndOnce) {
    auto memory = std::make_unique<MemoryBackend>();
    const Backend* inner = memory.get();
    Loop loop{std::move(memory)};
    EXPECT_EQ(&loop.backend(), inner);
    TlsBackend& made = TlsBackend::of(loop);
    EXPECT_EQ(&loop.backend(), &made);
    EXPECT_EQ(&TlsBackend::of(loop), &made);
    EXPECT_EQ(made.name(), "memory");
}

}  // namespace
}  // namespace c10k
