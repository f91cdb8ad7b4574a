#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace c10k {

// A certificate and its key as texts in PEM.
struct CertificateTexts {
    std::string certificate;
    std::string key;
};

struct CertificateWishes {
    std::vector<std::string> names;  // hosts and IP addresses; the first is its subject too
    // An hour ago, because a client's clock may be behind: time() itself is, by up to a tick.
    std::chrono::system_clock::time_point begin = std::chrono::system_clock::now() - std::chrono::hours{1};
    std::chrono::hours time = std::chrono::hours{24} * 365;
};

// An authority to develop and test with. Its key is in no file: once this object is destroyed, nobody can sign another
// certificate that clients of this authority would believe.
class CertificateMaker {
public:
    // Throws std::runtime_error if OpenSSL fails.
    explicit CertificateMaker(const std::string& name, const CertificateWishes& wishes = {});
    ~CertificateMaker();
    CertificateMaker(const CertificateMaker&) = delete;
    CertificateMaker& operator=(const CertificateMaker&) = delete;

    // Its own certificate in PEM, for clients that are to trust it.
    [[nodiscard]] std::string certificate() const;
    // Makes a new key (P-256), and a server's certificate for it. Throws std::runtime_error if a wish cannot be
    // fulfilled.
    [[nodiscard]] CertificateTexts make(const CertificateWishes& wishes) const;

private:
    std::unique_ptr<evp_pkey_st, void (*)(evp_pkey_st*)> key_;
    std::unique_ptr<x509_st, void (*)(x509_st*)> certificate_;
};

}  // namespace c10k
