#include "base/random.hpp"
#include "c10k/manage.hpp"
#include "manage/commands.hpp"
#include "tls/certificate_maker.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

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

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    throw CommandError("cannot write " + path.string() + ": " + std::system_category().message(error));
}

// A file that is written whole before it takes its place. Unless it is kept, all is as it was before.
class NewFile {
public:
    // Writes it beside its place. Throws CommandError.
    NewFile(std::filesystem::path place, const std::string& text, mode_t mode)
        : place_(std::move(place)),
          beside_(place_.parent_path() / ('.' + place_.filename().string() + '.' + std::to_string(random_u32()))) {
        const int file = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file < 0) {
            fail(place_, errno);
        }
        errno = ENOSPC;  // of a write that is short
        const bool is_written =
            ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
        const int error = errno;
        ::close(file);
        if (!is_written) {
            ::unlink(beside_.c_str());
            fail(place_, error);
        }
    }
    ~NewFile() {
        if (state_ == State::kSwapped && !rename(RENAME_EXCHANGE)) {
            return;  // the old one stays beside the new one rather than being lost
        }
        if (state_ == State::kBeside || state_ == State::kSwapped) {
            ::unlink(beside_.c_str());
        } else if (state_ == State::kPlaced) {
            ::unlink(place_.c_str());
        }
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    // Takes its place. Throws CommandError.
    void place(Replacing replacing) {
        if (replacing == Replacing::kYes && rename(RENAME_EXCHANGE)) {
            state_ = State::kSwapped;
        } else if ((replacing == Replacing::kNo || errno == ENOENT) && rename(RENAME_NOREPLACE)) {
            state_ = State::kPlaced;
        } else if (errno == EINVAL && rename(0)) {
            state_ = State::kKept;  // on a file system that cannot exchange files, the old file is lost
        } else {
            fail(place_, errno);
        }
    }
    void keep() {
        if (state_ == State::kSwapped) {
            ::unlink(beside_.c_str());
        }
        state_ = State::kKept;
    }

private:
    enum class State : std::uint8_t {
        kBeside,
        kPlaced,   // where nothing was
        kSwapped,  // with the old file, which is beside it now
        kKept,
    };

    [[nodiscard]] bool rename(unsigned flags) const {
        return ::renameat2(AT_FDCWD, beside_.c_str(), AT_FDCWD, place_.c_str(), flags) == 0;
    }

    std::filesystem::path place_;
    std::filesystem::path beside_;
    State state_ = State::kBeside;
};

// So that the names last, too, if the machine loses its power.
void sync_folder(const std::filesystem::path& folder) {
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        ::fsync(file);
        ::close(file);
    }
}

}  // namespace

void make_certificate(const CertificateOptions& options) {
    const std::filesystem::path folder{options.folder};
    const std::filesystem::path certificate = folder / "certificate.pem";
    const std::filesystem::path key = folder / "key.pem";
    const std::filesystem::path authority = folder / "ca.pem";
    for (const auto& path : {certificate, key, authority}) {
        if (std::filesystem::is_directory(path)) {
            throw CommandError(path.string() + " is a folder");
        }
        if (options.replacing == Replacing::kNo && std::filesystem::exists(path)) {
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
    NewFile new_key{key, made.key, kForUsOnly};
    NewFile new_certificate{certificate, made.certificate, kForAll};
    NewFile new_authority{authority, maker.certificate(), kForAll};
    const auto files = {&new_key, &new_certificate, &new_authority};
    for (NewFile* file : files) {
        file->place(options.replacing);
    }
    for (NewFile* file : files) {
        file->keep();
    }
    sync_folder(folder);

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
