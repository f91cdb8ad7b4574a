#include "web/open_file.hpp"

#include "c10k/web.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

// A pipe without a writer must not stop the loop; what is no regular file is closed again.
constexpr int kReading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

int open_resolved(int folder, const char* path, std::uint64_t resolve) noexcept {
    open_how how{};
    how.flags = kReading;
    how.resolve = resolve;
    return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how));
}

bool is_regular(const std::string& path) noexcept {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

OpenFile::OpenFile(const std::string& path) : OpenFile(path, ::open(path.c_str(), kReading)) {
    if (descriptor_ < 0 && is_regular(path)) {
        throw std::runtime_error(path + " cannot be read");
    }
    if (!examine()) {
        throw NotFound("no file " + path);
    }
}

OpenFile::OpenFile(std::string path, int descriptor) noexcept : path_(std::move(path)), descriptor_(descriptor) {}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_),
      modified_(other.modified_) {}

OpenFile::~OpenFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::optional<OpenFile> OpenFile::find_beneath(const std::filesystem::path& folder, std::string_view file) {
    if (folder.empty()) {
        return std::nullopt;
    }
    std::string path;
    path.reserve(folder.native().size() + 1 + file.size());
    path += folder.native();
    path += '/';
    path += file;
    // A plain path on which there is no link at all cannot lead out of the folder: one call is enough.
    int found = open_resolved(AT_FDCWD, path.c_str(), RESOLVE_NO_SYMLINKS);
    if (found < 0 && errno == ELOOP) {
        const int root = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root >= 0) {
            found = open_resolved(root, path.c_str() + folder.native().size() + 1, RESOLVE_BENEATH);
            ::close(root);
        }
    }
    std::optional<OpenFile> opened{OpenFile{std::move(path), found}};
    if (!opened->examine()) {
        opened.reset();
    }
    return opened;
}

bool OpenFile::examine() noexcept {
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    size_ = static_cast<std::size_t>(status.st_size);
    modified_ = status.st_mtim;
    return true;
}

std::string OpenFile::read(std::size_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    read(offset, bytes.data(), size);
    return bytes;
}

void OpenFile::read(std::size_t offset, char* to, std::size_t size) const {
    while (size > 0) {
        const ssize_t count = ::pread(descriptor_, to, size, static_cast<off_t>(offset));
        if (count > 0) {
            offset += static_cast<std::size_t>(count);
            to += count;
            size -= static_cast<std::size_t>(count);
        } else if (count == 0 || errno != EINTR) {
            throw std::runtime_error(path_ + " cannot be read, or has become shorter");
        }
    }
}

}  // namespace c10k
