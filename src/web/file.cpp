#include "web/file.hpp"

#include "base/date.hpp"
#include "base/text.hpp"
#include "c10k/web.hpp"
#include "web/byte_range.hpp"
#include "web/file_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

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

std::string_view content_type(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = std::min(name.rfind('.'), name.size());
    const std::string_view extension = dot > 0 ? name.substr(dot) : std::string_view{};
    const auto known = std::find_if(kContentTypes.begin(), kContentTypes.end(), [extension](const ContentType& entry) {
        return iequals(entry.extension, extension);
    });
    return known == kContentTypes.end() ? "application/octet-stream" : known->type;
}

// Nanoseconds of its time, and its size.
std::string etag_of(std::chrono::nanoseconds time, std::size_t size) {
    std::string text;
    constexpr std::size_t kMostDigits = 20;
    text.reserve(2 * kMostDigits + 3);
    const auto add = [&text](auto number) {
        std::array<char, kMostDigits> digits;
        text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    };
    text += '"';
    add(time.count());
    text += '-';
    add(size);
    text += '"';
    return text;
}

// How a client can tell whether the file is still the same.
struct Validators {
    std::string etag;
    std::string last_modified;

    explicit Validators(const OpenFile& file) {
        const std::chrono::seconds seconds{file.modified().tv_sec};
        etag = etag_of(seconds + std::chrono::nanoseconds{file.modified().tv_nsec}, file.size());
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
    return file_response(request, OpenFile{path});
}

Response file_response(const Request& request, OpenFile file) {
    const std::size_t whole = file.size();
    if (whole > StaticFiles::kMaxBytes) {
        throw std::runtime_error(file.path() + " is larger than 16 MiB, the limit for files to serve");
    }
    const Validators validators{file};
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
    response.headers.add("Content-Type", content_type(file.path()));
    response.headers.add("X-Content-Type-Options", "nosniff");
    const ByteRange part = range.value_or(ByteRange{0, whole});
    if (part.size <= FileBody::kMaxWhole) {
        response.body = file.read(part.first, part.size);
    } else {
        response.stream_bytes = part.size;
        response.body_stream = FileBody{std::move(file), validators.etag, part};
    }
    return response;
}

}  // namespace c10k
