#pragma once

#include "tls/certificate_maker.hpp"
#include "tls/tls_context.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {

// Certificates in files that go with this object.
class CertificateFolder {
public:
    CertificateFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "c10k-tls-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("mkdtemp");
        }
        path_ = name;
    }
    ~CertificateFolder() { std::filesystem::remove_all(path_); }
    CertificateFolder(const CertificateFolder&) = delete;
    CertificateFolder& operator=(const CertificateFolder&) = delete;

    // Returns the path of the file.
    std::string write(const std::string& name, std::string_view text) const {
        const std::filesystem::path path = path_ / name;
        std::ofstream{path} << text;
        std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return path.string();
    }
    [[nodiscard]] std::string authorities() const { return write("ca.pem", maker_.certificate()); }
    CertificateFiles make(const CertificateWishes& wishes) const {
        const CertificateTexts texts = maker_.make(wishes);
        const std::string& name = wishes.names.front();
        return {write(name + ".pem", texts.certificate), write(name + "-key.pem", texts.key)};
    }

private:
    std::filesystem::path path_;
    CertificateMaker maker_{"tests"};
};

// Both sides of TLS for 127.0.0.1, made once for all tests of a program.
struct TestTls {
    static const TestTls& get() {
        static const TestTls made;
        return made;
    }

    CertificateFolder folder;
    std::string authorities = folder.authorities();
    CertificateFiles files = folder.make({.names = {"127.0.0.1", "localhost"}});
    ServerCertificates certificates{{files}};
    std::shared_ptr<const TlsContext> client = TlsContext::for_client(authorities);
};

}  // namespace c10k
