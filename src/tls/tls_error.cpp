#include "tls/tls_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string>

namespace c10k {
namespace {

// After our faults come OpenSSL's reasons, and after those its verdicts on certificates.
constexpr int kFirstReason = 50;
constexpr int kFirstVerdict = 100'000;

std::string fault_text(TlsFault fault) {
    switch (fault) {
        case TlsFault::kSpokeHttp: return "the client spoke plain HTTP to a TLS port";
        case TlsFault::kHelloTooLong: return "a message of the TLS handshake is too long";
        case TlsFault::kOutOfPlace: return "other records interrupt the client's TLS handshake";
        case TlsFault::kCutInHandshake: return "the other side ended the connection during the TLS handshake";
        case TlsFault::kRepliesNotTaken: return "the other side asks for TLS replies and does not read them";
    }
    return "no such fault";
}

std::string verdict_text(int verdict) {
    switch (verdict) {
        case X509_V_ERR_HOSTNAME_MISMATCH: return "the server's certificate is for another host name";
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return "the server's certificate is not for this IP address";
        case X509_V_ERR_CERT_HAS_EXPIRED: return "the server's certificate has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID: return "the server's certificate is not valid yet: is the clock right?";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return "the server's certificate is signed by nobody but itself: trust it by its file (ca_file, --ca), or "
                   "have the server show another";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return "the server's certificate comes from an authority that is not trusted here: name the file of that "
                   "authority (ca_file, --ca)";
        default: return std::string{"the server's certificate is not good: "} + X509_verify_cert_error_string(verdict);
    }
}

std::string reason_text(int reason) {
    switch (reason) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_UNKNOWN_PROTOCOL:
        case SSL_R_UNEXPECTED_MESSAGE: return "the other side does not speak TLS at this port";
        default: break;
    }
    const char* text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
    return std::string{"the TLS connection failed: "} + (text != nullptr ? text : "no reason is known");
}

class TlsCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "tls"; }
    [[nodiscard]] std::string message(int value) const override {
        if (value >= kFirstVerdict) {
            return verdict_text(value - kFirstVerdict);
        }
        return value >= kFirstReason ? reason_text(value - kFirstReason) : fault_text(static_cast<TlsFault>(value));
    }
};

const std::error_category& tls_category() noexcept {
    static const TlsCategory category;
    return category;
}

}  // namespace

std::error_code make_error_code(TlsFault fault) noexcept { return {static_cast<int>(fault), tls_category()}; }

std::error_code take_tls_error(const ssl_st* session) noexcept {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : ERR_R_INTERNAL_ERROR;
    const long verdict = SSL_get_verify_result(session);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
        return {kFirstVerdict + static_cast<int>(verdict), tls_category()};
    }
    return {kFirstReason + reason, tls_category()};
}

}  // namespace c10k
