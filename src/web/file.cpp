#include "base/date.hpp"
#include "base/text.hpp"
#include "c10k/task.hpp"
#include "c10k/web.hpp"
#include "web/byte_range.hpp"
#include "web/file_body.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <sys/stat.h>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;

struct ContentType {
    std::string_view extension;
    std::string_view type;
};

constexpr std::array kContentTypes{
    ContentType{".avif", "image/avif"},
    ContentType{".css", "text/css; charset=utf-8"},
    ContentType{".gif", "image/gif"},
    ContentType{".htm", "text/html; charset=utf-8"},
    ContentType{".html", "text/html; charset=utf-8"},
    ContentType{".ico", "image/vnd.microsoft.icon"},
    ContentType{".jpeg", "image/jpeg"},
    ContentType{".jpg", "image/jpeg"},
    ContentType{".js", "text/javascript; charset=utf-8"},
    ContentType{".json", "application/json"},
    ContentType{".map", "application/json"},
    ContentType{".mjs", "text/javascript; charset=utf-8"},
    ContentType{".mp3", "audio/mpeg"},
    ContentType{".mp4", "video/mp4"},
    ContentType{".pdf", "application/pdf"},
    ContentType{".png", "image/png"},
    ContentType{".svg", "image/svg+xml"},
    ContentType{".txt", "text/plain; charset=utf-8"},
    ContentType{".wasm", "application/wasm"},
    ContentType{".webm", "video/webm"},
    ContentType{".webp", "image/webp"},
    ContentType{".woff", "font/woff"},
    ContentType{".woff2", "font/woff2"},
    ContentType{".xml", "application/xml"},
};

std::string_view content_type(const fs::path& file) {
    const std::string extension = to_lower(file.extension().string());
    const auto known = std::find_if(kContentTypes.begin(), kContentTypes.end(),
                                    [&extension](const ContentType& entry) { return entry.extension == extension; });
    return known == kContentTypes.end() ? "application/octet-stream" : known->type;
}

// How a client can tell whether the file is still the same.
struct Validators {
    std::string etag;
    std::string last_modified;

    explicit Validators(const struct stat& file) {
        const std::chrono::seconds seconds{file.st_mtim.tv_sec};
        const auto time = seconds + std::chrono::nanoseconds{file.st_mtim.tv_nsec};
        etag = '"' + std::to_string(time.count()) + '-' + std::to_string(file.st_size) + '"';
        last_modified = http_date(std::chrono::system_clock::time_point{seconds});
    }

    // RFC 9110, 13.2.2: If-Modified-Since counts only without If-None-Match. It is compared as text: a client sends the
    // Last-Modified that it got.
    [[nodiscard]] bool match(const Headers& headers) const {
        if (headers.count("If-None-Match") == 0) {
            return headers.get("If-Modified-Since") == last_modified;
        }
        return std::any_of(headers.begin(), headers.end(), [this](const Headers::Field& field) {
            return iequals(field.name, "If-None-Match") && names_etag(field.value);
        });
    }

private:
    // The comparison is weak: a proxy that compresses makes our tag W/"..." (RFC 9110, 13.1.2).
    [[nodiscard]] bool names_etag(std::string_view list) const {
        const auto members = split_list(list);
        return std::any_of(members.begin(), members.end(), [this](std::string_view member) {
            if (member.starts_with("W/")) {
                member.remove_prefix(2);
            }
            return member == "*" || member == etag;
        });
    }
};

}  // namespace

Response Response::file(const Request& request, const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        throw NotFound("no file " + path);
    }
    const fs::path file{path};
    const auto whole = static_cast<std::size_t>(status.st_size);
    if (whole > StaticFiles::kMaxBytes) {
        throw std::runtime_error(path + " is larger than 16 MiB, the limit for files to serve");
    }
    const Validators validators{status};
    Response response;
    response.headers.add("ETag", validators.etag);
    response.headers.add("Last-Modified", validators.last_modified);
    // Keep it, but ask each time: the same name may be another file after a release.
    response.headers.add("Cache-Control", "no-cache");
    if (validators.match(request.headers)) {
        response.status = 304;
        return response;
    }
    const auto range = requested_range(request, whole, validators.etag, validators.last_modified);
    response.headers.add("Accept-Ranges", "bytes");
    if (range) {
        response.status = range->size > 0 ? 206 : 416;
        response.headers.add("Content-Range", range->content_range(whole));
    }
    if (response.status == 416) {
        return response;
    }
    response.headers.add("Content-Type", content_type(file));
    response.headers.add("X-Content-Type-Options", "nosniff");
    const FileBody body{file, validators.etag, range.value_or(ByteRange{0, whole})};
    if (body.size() <= FileBody::kMaxWhole) {
        response.body = body.read_whole();
    } else {
        response.stream_bytes = body.size();
        response.body_stream = body;
    }
    return response;
}

}  // namespace c10k
