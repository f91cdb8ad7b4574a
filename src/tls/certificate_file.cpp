#include "tls/certificate_file.hpp"

#include "tls/openssl.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

// An administrator who renews once a week is in time.
constexpr int kSoonDays = 14;

using Level = CertificateProblem::Level;

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// A server has nobody to type a password.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

CertificateProblem unreadable(const std::string& path, std::string hint) {
    return {Level::kError, "cannot read " + path + ": " + std::system_category().message(errno), std::move(hint)};
}

// "2026-11-24 14:28 UTC"
std::string text_of(const ASN1_TIME* time) {
    std::tm parts{};
    char text[32];
    ASN1_TIME_to_tm(time, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
    return text;
}

std::optional<CertificateProblem> check_times(const std::string& path, const X509* certificate) {
    const ASN1_TIME* begin = X509_get0_notBefore(certificate);
    const ASN1_TIME* end = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(begin) > 0) {
        return CertificateProblem{Level::kError,
                                  "the certificate in " + path + " is not valid before " + text_of(begin),
                                  "wait until then, or set the clock right"};
    }
    if (X509_cmp_current_time(end) < 0) {
        return CertificateProblem{Level::kError, "the certificate in " + path + " expired on " + text_of(end),
                                  "get a new one: no client takes this one any more"};
    }
    int days = 0;
    int seconds = 0;
    ASN1_TIME_diff(&days, &seconds, nullptr, end);
    if (days < kSoonDays) {
        return CertificateProblem{Level::kWarning, "the certificate in " + path + " expires on " + text_of(end),
                                  "renew it, and send the server SIGHUP: then it reads the files again"};
    }
    return std::nullopt;
}

}  // namespace

std::vector<CertificateProblem> examine(const CertificateFiles& pair) {
    std::vector<CertificateProblem> problems;
    X509Pointer certificate;
    if (const File file{std::fopen(pair.certificate.c_str(), "r")}) {
        certificate.reset(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
        if (!certificate) {
            problems.push_back({Level::kError, "there is no certificate in " + pair.certificate,
                                "PEM is needed, which begins with -----BEGIN CERTIFICATE-----"});
        }
    } else {
        problems.push_back(
            unreadable(pair.certificate, "tls_certificate names a file; manage certificate makes one to develop with"));
    }

    KeyPointer key;
    if (const File file{std::fopen(pair.key.c_str(), "r")}) {
        bool is_encrypted = false;
        key.reset(PEM_read_PrivateKey(file.get(), nullptr, &no_password, &is_encrypted));
        if (is_encrypted) {
            problems.push_back(
                {Level::kError, "the key in " + pair.key + " is encrypted",
                 "there is nobody to type a password: openssl pkey -in " + pair.key + " -out plain.pem"});
        } else if (!key) {
            problems.push_back({Level::kError, "there is no private key in " + pair.key,
                                "PEM is needed, which begins with -----BEGIN PRIVATE KEY-----"});
        }
        struct stat status {};
        if (::fstat(::fileno(file.get()), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
            problems.push_back(
                {Level::kWarning, "everybody on this machine can read the key in " + pair.key, "chmod o= " + pair.key});
        }
    } else {
        problems.push_back(unreadable(pair.key, "tls_key names the file of the certificate's private key"));
    }

    if (certificate && key && X509_check_private_key(certificate.get(), key.get()) != 1) {
        problems.push_back({Level::kError,
                            "the key in " + pair.key + " is not that of the certificate in " + pair.certificate,
                            "tls_certificate and tls_key must have the same order"});
    }
    if (certificate) {
        if (auto problem = check_times(pair.certificate, certificate.get())) {
            problems.push_back(std::move(*problem));
        }
    }
    ERR_clear_error();
    return problems;
}

}  // namespace c10k
