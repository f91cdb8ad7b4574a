#pragma once

#include "tls/hello_watch.hpp"
#include "tls/tls_context.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <sys/uio.h>
#include <system_error>
#include <utility>
#include <vector>

struct bio_st;
struct ssl_st;

namespace c10k {

// Memory that the streams of one loop share, so that none needs its own.
class TlsScratch {
public:
    static constexpr std::size_t kRecordBytes = 16 * 1024;  // the most in one record (RFC 8446, 5.1)

    // Room for `size` decrypted bytes; overwrites the previous ones.
    std::span<char> decrypted(std::size_t size);
    // Room for the bytes that will be encrypted as one record.
    std::span<char> record() noexcept { return record_; }

private:
    std::unique_ptr<char[]> decrypted_;
    std::size_t size_ = 0;
    std::array<char, kRecordBytes> record_;
};

// One end of a TLS connection, without a network: it decrypts bytes from the peer, and encrypts bytes for the peer. It
// has no descriptor and no clock, and keeps no bytes but unsent ones and the beginning of a record.
class TlsStream {
public:
    // The most bytes that one write() takes, so that few are encrypted long before they are sent.
    static constexpr std::size_t kMaxAhead = 64 * 1024;

    // A server's end, or a client's, which asks for `name`, a host or an IP address, and accepts only a certificate for
    // it.
    TlsStream(std::shared_ptr<const TlsContext> context, const std::string& name);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    [[nodiscard]] bool is_server() const noexcept { return context_->is_server(); }
    // See TlsContext. Requires: nothing has come yet.
    void offer_http2() noexcept { TlsContext::offer_http2(session_); }
    [[nodiscard]] bool speaks_http2() const noexcept { return TlsContext::speaks_http2(session_); }
    // The handshake is done.
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    // The peer's close_notify has come (RFC 8446, 6.1).
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    // The reason why it cannot go on; unsent() may then hold an alert for the peer.
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }

    // Begins a client's handshake.
    void start();
    // Takes bytes from the network. Returns them decrypted, valid until `scratch` is used again.
    std::span<char> receive(std::span<const char> bytes, TlsScratch& scratch);
    // Encrypts bytes from the beginning of `bytes`, and returns how many: none before the handshake is done.
    std::size_t write(std::span<const iovec> bytes, TlsScratch& scratch);
    // Sends close_notify. The peer may go on sending.
    void finish();

    // The bytes that have to go to the network.
    [[nodiscard]] const std::vector<char>& unsent() const noexcept { return unsent_; }
    std::vector<char> take_unsent() noexcept { return std::exchange(unsent_, {}); }

private:
    // How OpenSSL reads and writes.
    struct Network;

    std::span<const char> serve_handshake(std::span<const char> bytes);
    bool shake_hands();
    void fail(std::error_code error) { failure_ = error; }

    std::shared_ptr<const TlsContext> context_;
    ssl_st* session_;
    std::span<const char> incoming_;
    std::vector<char> unsent_;
    std::error_code failure_;
    HelloWatch hello_;  // of a server's client
    bool open_ = false;
    bool ended_ = false;
};

}  // namespace c10k
