#include "web/file_body.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace c10k {
namespace {

// Memory holds this much of a file for each client, and as much that is on its way.
constexpr std::size_t kPieceBytes = 32 * 1024;

// The file of that version that other responses send already, or this one.
std::shared_ptr<const OpenFile> share(OpenFile file, const std::string& version) {
    // By thread, so that no loop waits for another. A file that no response sends any more is forgotten.
    thread_local std::map<std::pair<std::string, std::string>, std::weak_ptr<const OpenFile>> open_files;
    std::erase_if(open_files, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<const OpenFile>& known = open_files[{file.path(), version}];
    std::shared_ptr<const OpenFile> shared = known.lock();
    if (!shared) {
        shared = std::make_shared<OpenFile>(std::move(file));
        known = shared;
    }
    return shared;
}

}  // namespace

FileBody::FileBody(OpenFile file, const std::string& version, ByteRange range)
    : file_(share(std::move(file), version)), range_(range) {}

std::string FileBody::read_whole() const { return file_->read(range_.first, range_.size); }

Task<> FileBody::operator()(BodyWriter& body) const {
    std::string piece;
    for (std::size_t at = 0; at < range_.size; at += piece.size()) {
        piece.resize(std::min(kPieceBytes, range_.size - at));
        file_->read(range_.first + at, piece.data(), piece.size());
        co_await body.write(piece);
    }
}

}  // namespace c10k
