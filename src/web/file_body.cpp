#include "web/file_body.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

// Memory holds this much of a file for each client, and as much that is on its way.
constexpr std::size_t kPieceBytes = 32 * 1024;

}  // namespace

class FileBody::OpenFile {
public:
    explicit OpenFile(std::string path)
        : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (descriptor_ < 0) {
            throw std::runtime_error(path_ + " cannot be read");
        }
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() { ::close(descriptor_); }

    // Throws std::runtime_error if there are not so many bytes.
    void read(std::size_t offset, char* to, std::size_t size) const {
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

private:
    std::string path_;
    int descriptor_;
};

FileBody::FileBody(const std::filesystem::path& file, const std::string& version, ByteRange range)
    : file_(open(file, version)), range_(range) {}

std::shared_ptr<const FileBody::OpenFile> FileBody::open(const std::filesystem::path& file,
                                                         const std::string& version) {
    // By thread, so that no loop waits for another. A file that no response sends any more is forgotten.
    thread_local std::map<std::pair<std::string, std::string>, std::weak_ptr<const OpenFile>> open_files;
    std::erase_if(open_files, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<const OpenFile>& known = open_files[{file.string(), version}];
    std::shared_ptr<const OpenFile> opened = known.lock();
    if (!opened) {
        opened = std::make_shared<OpenFile>(file.string());
        known = opened;
    }
    return opened;
}

std::string FileBody::read_whole() const {
    std::string bytes(range_.size, '\0');
    file_->read(range_.first, bytes.data(), range_.size);
    return bytes;
}

Task<> FileBody::operator()(BodyWriter& body) const {
    std::string piece;
    for (std::size_t at = 0; at < range_.size; at += piece.size()) {
        piece.resize(std::min(kPieceBytes, range_.size - at));
        file_->read(range_.first + at, piece.data(), piece.size());
        co_await body.write(piece);
    }
}

}  // namespace c10k
