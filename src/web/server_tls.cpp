#include "web/server_tls.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace c10k {
namespace {

std::vector<CertificateFiles> certificate_files(const Settings& settings) {
    std::vector<CertificateFiles> pairs;
    for (std::size_t i = 0; i < settings.tls_certificate.size(); ++i) {
        pairs.push_back({settings.tls_certificate.at(i), settings.tls_key.at(i)});
    }
    return pairs;
}

CheckMessage to_message(const CertificateProblem& problem) {
    const bool is_error = problem.level == CertificateProblem::Level::kError;
    return {is_error ? CheckMessage::Level::kError : CheckMessage::Level::kWarning, is_error ? "tls.E002" : "tls.W001",
            problem.text, problem.hint};
}

bool is_error(const CheckMessage& message) { return message.level == CheckMessage::Level::kError; }

}  // namespace

std::vector<CheckMessage> check_tls(const Settings& settings) {
    const std::size_t certificates = settings.tls_certificate.size();
    const std::size_t keys = settings.tls_key.size();
    if (certificates != keys) {
        return {{CheckMessage::Level::kError, "tls.E001",
                 "tls_certificate names " + std::to_string(certificates) + " files and tls_key " + std::to_string(keys),
                 "each certificate has its key, in the same order"}};
    }
    const std::vector<CertificateFiles> pairs = certificate_files(settings);
    std::vector<CheckMessage> messages;
    for (const CertificateFiles& pair : pairs) {
        const std::vector<CertificateProblem> problems = examine(pair);
        std::transform(problems.begin(), problems.end(), std::back_inserter(messages), &to_message);
    }
    if (!pairs.empty() && std::none_of(messages.begin(), messages.end(), &is_error)) {
        try {
            static_cast<void>(TlsContext::for_server(pairs));
        } catch (const std::runtime_error& refused) {
            messages.push_back(
                {CheckMessage::Level::kError, "tls.E003", refused.what(), "RSA needs 2048 bits, and SHA-1 is too old"});
        }
    }
    return messages;
}

std::unique_ptr<ServerCertificates> server_certificates(const Settings& settings) {
    require_no_error(check_tls(settings));
    return settings.tls_certificate.empty() ? nullptr
                                            : std::make_unique<ServerCertificates>(certificate_files(settings));
}

}  // namespace c10k
