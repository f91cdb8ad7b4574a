#pragma once

#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "web/byte_range.hpp"
#include "web/open_file.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace c10k {

// A file, or a part of one, as a body that is read while it is sent: a slow client holds a piece of it, not a copy.
//
// All responses on a thread that send the same version of a file share one descriptor. It stays the same file if
// another takes its name.
class FileBody {
public:
    // Smaller ones are read whole: one piece is not worth a stream.
    static constexpr std::size_t kMaxWhole = 64 * 1024;

    // `version` changes with the file's content.
    FileBody(OpenFile file, const std::string& version, ByteRange range);

    [[nodiscard]] std::size_t size() const noexcept { return range_.size; }
    // Throws std::runtime_error if there are fewer bytes than there were.
    [[nodiscard]] std::string read_whole() const;
    // A BodyStream. It lives as long as the task. Throws like read_whole().
    Task<> operator()(BodyWriter& body) const;

private:
    std::shared_ptr<const OpenFile> file_;
    ByteRange range_;
};

}  // namespace c10k
