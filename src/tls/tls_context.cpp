#include "tls/tls_context.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <span>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

constexpr int kSecurityLevel = 2;

// The protocols that we speak inside TLS (RFC 7301), each with its length in front; h2 only where it is offered.
constexpr std::array<unsigned char, 12> kProtocols{2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::span<const unsigned char> kAll{kProtocols};
constexpr std::span<const unsigned char> kHttp2 = kAll.first(3);
constexpr std::span<const unsigned char> kHttp1 = kAll.subspan(3);

// The first text on OpenSSL's queue.
std::string openssl_reason() {
    const unsigned long error = ERR_get_error();
    const char* reason =
        ERR_SYSTEM_ERROR(error) ? std::strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    ERR_clear_error();
    return reason != nullptr ? reason : "no reason is known";
}

// Picks h2 if this connection may speak it, else http/1.1. Refuses a client that offers neither (RFC 7301, 3.2).
int choose_protocol(SSL* session, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* /*argument*/) {
    const std::span<const unsigned char> ours = TlsContext::offers_http2(session) ? kAll : kHttp1;
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

// Shows the certificate for the name that the client asks for.
int choose_certificate(SSL* session, int* /*alert*/, void* argument) {
    const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    if (SSL_CTX* context = static_cast<const TlsContext*>(argument)->find(name)) {
        SSL_set_SSL_CTX(session, context);
    }
    return SSL_TLSEXT_ERR_OK;
}

// A server has nobody to type a password.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*argument*/) { return -1; }

void use(SSL_CTX* context, const CertificateFiles& pair) {
    SSL_CTX_set_default_passwd_cb(context, &no_password);
    if (SSL_CTX_use_certificate_chain_file(context, pair.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, pair.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        throw std::runtime_error("cannot use " + pair.certificate + " with " + pair.key + ": " + openssl_reason());
    }
}

}  // namespace

std::shared_ptr<const TlsContext> TlsContext::for_server(const std::vector<CertificateFiles>& pairs) {
    std::shared_ptr<TlsContext> made{new TlsContext{Role::kServer}};
    for (const CertificateFiles& pair : pairs) {
        use(made->add(), pair);
    }
    SSL_CTX_set_tlsext_servername_callback(made->get(), &choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(made->get(), made.get());
    return made;
}

std::shared_ptr<const TlsContext> TlsContext::for_client() {
    std::shared_ptr<TlsContext> made{new TlsContext{Role::kClient}};
    SSL_CTX* context = made->add();
    SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return made;
}

std::shared_ptr<const TlsContext> TlsContext::for_client(const std::string& authorities) {
    std::shared_ptr<TlsContext> made{new TlsContext{Role::kClient}};
    SSL_CTX* context = made->add();
    if (SSL_CTX_load_verify_file(context, authorities.c_str()) != 1) {
        throw std::runtime_error("cannot read certificates from " + authorities + ": " + openssl_reason());
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    return made;
}

std::shared_ptr<const TlsContext> TlsContext::for_trusting_client() {
    std::shared_ptr<TlsContext> made{new TlsContext{Role::kClient}};
    made->add();
    return made;
}

TlsContext::~TlsContext() {
    for (SSL_CTX* context : contexts_) {
        SSL_CTX_free(context);
    }
}

SSL_CTX* TlsContext::add() {
    SSL_CTX* context = SSL_CTX_new(is_server() ? TLS_server_method() : TLS_client_method());
    if (context == nullptr) {
        throw std::runtime_error("OpenSSL offers no TLS: " + openssl_reason());
    }
    contexts_.push_back(context);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_security_level(context, kSecurityLevel);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection has none
    if (is_server()) {
        SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
    } else {
        SSL_CTX_set_alpn_protos(context, kHttp1.data(), kHttp1.size());
    }
    return context;
}

void TlsContext::offer_http2(SSL* session) noexcept {
    if (SSL_is_server(session) == 1) {
        SSL_set_app_data(session, session);
    } else {
        SSL_set_alpn_protos(session, kHttp2.data(), kHttp2.size());
    }
}

bool TlsContext::offers_http2(const SSL* session) noexcept { return SSL_get_app_data(session) != nullptr; }

bool TlsContext::speaks_http2(const SSL* session) noexcept {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session, &name, &size);
    const auto h2 = kHttp2.subspan(1);
    return std::equal(name, name + size, h2.begin(), h2.end());
}

SSL_CTX* TlsContext::find(const char* name) const noexcept {
    const auto found = std::find_if(contexts_.begin(), contexts_.end(), [name](const SSL_CTX* context) {
        return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
    });
    return found != contexts_.end() ? *found : nullptr;
}

ServerCertificates::ServerCertificates(std::vector<CertificateFiles> files) : files_(std::move(files)) { reload(); }

void ServerCertificates::reload() {
    for (const CertificateFiles& pair : files_) {
        for (const CertificateProblem& problem : examine(pair)) {
            if (problem.level == CertificateProblem::Level::kError) {
                throw std::runtime_error(problem.text + " (" + problem.hint + ')');
            }
        }
    }
    std::shared_ptr<const TlsContext> made = TlsContext::for_server(files_);
    const std::lock_guard lock{mutex_};
    current_.swap(made);
}

std::shared_ptr<const TlsContext> ServerCertificates::current() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

}  // namespace c10k
