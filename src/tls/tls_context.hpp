#pragma once

#include "tls/certificate_file.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace c10k {

// One side's part in TLS connections: what a server shows, or whom a client trusts. It does not change, and many
// connections on all loops share it.
//
// TLS 1.2 and 1.3, with OpenSSL's ciphers at its security level 2; no compression, no renegotiation, no session
// tickets: a WebSocket lives so long that the handshake does not matter, and keys for tickets would have to be kept and
// changed.
class TlsContext {
public:
    // A server's. The pair whose certificate is for the name that a client asks for is shown to it (RFC 6066, 3), and
    // the first to all others. Throws std::runtime_error with a text for a user.
    static std::shared_ptr<const TlsContext> for_server(const std::vector<CertificateFiles>& pairs);

    // A client's: one that trusts the authorities that this system trusts, or those in a file in PEM, or everybody.
    // Throw std::runtime_error with a text for a user.
    static std::shared_ptr<const TlsContext> for_client();
    static std::shared_ptr<const TlsContext> for_client(const std::string& authorities);
    static std::shared_ptr<const TlsContext> for_trusting_client();

    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    [[nodiscard]] bool is_server() const noexcept { return role_ == Role::kServer; }
    // OpenSSL's, the first to be used.
    [[nodiscard]] ssl_ctx_st* get() const noexcept { return contexts_.front(); }
    // That of the pair for a host of this name, or null.
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

    // Reads the files anew, for the connections that come from now on. If it throws, nothing has changed.
    void reload();

    [[nodiscard]] std::shared_ptr<const TlsContext> current() const;

private:
    const std::vector<CertificateFiles> files_;
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsContext> current_;
};

}  // namespace c10k
