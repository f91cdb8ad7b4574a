#include "c10k/manage.hpp"
#include "manage/commands.hpp"
#include "transport/certificate_maker.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace c10k {
namespace {

constexpr mode_t kForAll = 0644;
constexpr mode_t kForUsOnly = 0600;

std::string date_text(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

// Never follows or changes a file that is there.
void write_new(const std::filesystem::path& path, const std::string& text, mode_t mode) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    const bool is_written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    if (file >= 0) {
        ::close(file);
    }
    if (!is_written) {
        throw CommandError("cannot write " + path.string() + ": " + std::system_category().message(error));
    }
}

}  // namespace

void make_certificate(const CertificateOptions& options) {
    const std::filesystem::path folder{options.folder};
    const std::filesystem::path certificate = folder / "certificate.pem";
    const std::filesystem::path key = folder / "key.pem";
    const std::filesystem::path authority = folder / "ca.pem";
    for (const auto& path : {certificate, key, authority}) {
        if (options.replacing == Replacing::kYes) {
            std::filesystem::remove(path);
        } else if (std::filesystem::exists(path)) {
            throw CommandError(path.string() + " is there already: --force replaces it, --folder takes another place");
        }
    }

    CertificateWishes wishes;
    wishes.names = {"localhost", "127.0.0.1", "::1"};
    wishes.names.insert(wishes.names.end(), options.names.begin(), options.names.end());
    wishes.time = std::chrono::hours{24} * options.days;
    const CertificateMaker maker{"c10k development, " + date_text(wishes.begin), wishes};
    const CertificateTexts made = maker.make(wishes);

    std::filesystem::create_directories(folder);
    write_new(key, made.key, kForUsOnly);
    write_new(certificate, made.certificate, kForAll);
    write_new(authority, maker.certificate(), kForAll);

    std::string names;
    for (const std::string& name : wishes.names) {
        names += (names.empty() ? "" : ", ") + name;
    }
    std::printf(
        "A certificate for %s, until %s:\n"
        "  %s  is what the server shows\n"
        "  %s  is its private key, for nobody else\n"
        "  %s  is for those who are to trust it; nothing else can be signed in its name, as its key is in no file\n"
        "\n"
        "Serve with it (or set both in c10k.conf):\n"
        "  manage runserver --set tls_certificate=%s --set tls_key=%s\n"
        "\n"
        "Trust it:\n"
        "  curl --cacert %s https://localhost:8000/\n"
        "  Chromium: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n c10k -i %s  (package libnss3-tools)\n"
        "  Firefox: Settings, Certificates, View, Authorities, Import\n",
        names.c_str(), date_text(wishes.begin + wishes.time).c_str(), certificate.c_str(), key.c_str(),
        authority.c_str(), certificate.c_str(), key.c_str(), authority.c_str(), authority.c_str());
}

}  // namespace c10k
