#pragma once

#include "tls/certificate_file.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace c10k {

// One side's part in TLS connections: a server's certificates, or the authorities that a client trusts. It does not
// change, and many connections on all loops share it.
//
// It speaks TLS 1.2 and 1.3, with OpenSSL's ciphers at security level 2, without compression, renegotiation and session
// tickets: a WebSocket lives so long that its handshake does not matter, and keys for tickets would have to be kept
// secret and rotated.
class TlsContext {
public:
    // A server's. It shows a client the certificate for the name that the client asks for (RFC 6066, 3), else the first
    // one. Throws std::runtime_error with a text for a user.
    static std::shared_ptr<const TlsContext> for_server(const std::vector<CertificateFiles>& pairs);

    // A client's, which trusts the authorities that this system trusts, or those in a PEM file, or everybody. These
    // throw std::runtime_error with a text for a user.
    static std::shared_ptr<const TlsContext> for_client();
    static std::shared_ptr<const TlsContext> for_client(const std::string& authorities);
    static std::shared_ptr<const TlsContext> for_trusting_client();

    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    [[nodiscard]] bool is_server() const noexcept { return role_ == Role::kServer; }
    // OpenSSL's, the first to be used.
    [[nodiscard]] ssl_ctx_st* get() const noexcept { return contexts_.front(); }
    // A server's session may speak HTTP/2, and not only HTTP/1.1; a client's asks for HTTP/2 alone (ALPN, RFC 7301).
    static void offer_http2(ssl_st* session) noexcept;
    // Of a server's.
    [[nodiscard]] static bool offers_http2(const ssl_st* session) noexcept;
    // The handshake has agreed on HTTP/2.
    [[nodiscard]] static bool speaks_http2(const ssl_st* session) noexcept;
    // The context of the pair for a host of this name, or null.
    [[nodiscard]] ssl_ctx_st* find(const char* name) const noexcept;

private:
    enum class Role { kServer, kClient };

    explicit TlsContext(Role role) noexcept : role_(role) {}
    ssl_ctx_st* add();

    Role role_;
    std::vector<ssl_ctx_st*> contexts_;  // one for each pair
};

// The certificates that a server shows now. Thread: any.
class ServerCertificates {
public:
    // Throws std::runtime_error with a text for a user if one is not good.
    explicit ServerCertificates(std::vector<CertificateFiles> files);

    // Reads the files again, for new connections. If it throws, nothing has changed.
    void reload();

    [[nodiscard]] std::shared_ptr<const TlsContext> current() const;

private:
    const std::vector<CertificateFiles> files_;
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsContext> current_;
};

}  // namespace c10k
