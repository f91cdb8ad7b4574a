#include "base/date.hpp"
#include "base/text.hpp"
#include "c10k/web.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <system_error>
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

// Whether `file` is made of plain names: not empty, not hidden, not "." or "..", without NUL.
bool is_plain(std::string_view file) {
    while (!file.empty()) {
        const std::string_view part = file.substr(0, file.find('/'));
        if (part.empty() || part.starts_with('.') || part.find('\0') != std::string_view::npos) {
            return false;
        }
        file.remove_prefix(std::min(part.size() + 1, file.size()));
    }
    return true;
}

// A file inside a folder, with no symbolic link left in its path. Empty if it is none or lies elsewhere.
std::optional<fs::path> find_inside(const fs::path& folder, std::string_view file) {
    std::error_code error;
    const fs::path root = fs::canonical(folder, error);
    if (error) {
        return std::nullopt;
    }
    const fs::path found = fs::canonical(root / file, error);
    if (error || !fs::is_regular_file(found, error)) {
        return std::nullopt;
    }
    const auto [end, parted] = std::mismatch(root.begin(), root.end(), found.begin(), found.end());
    return end == root.end() && parted != found.end() ? std::optional{found} : std::nullopt;
}

// How a client can tell whether the file is still the same.
struct Validators {
    std::string etag;
    std::string last_modified;

    explicit Validators(const fs::path& file, std::uintmax_t size) {
        const auto time = fs::last_write_time(file);
        etag = '"' + std::to_string(time.time_since_epoch().count()) + '-' + std::to_string(size) + '"';
        last_modified = http_date(
            std::chrono::time_point_cast<std::chrono::system_clock::duration>(std::chrono::file_clock::to_sys(time)));
    }

    // RFC 9110, 13.2.2: If-Modified-Since counts only without If-None-Match. It is compared as text: what a client
    // sends is the Last-Modified it got.
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

std::string read_whole(const fs::path& file, std::size_t size) {
    std::string bytes(size, '\0');
    std::ifstream input{file, std::ios::binary};
    if (!input.read(bytes.data(), static_cast<std::streamsize>(size))) {
        throw std::runtime_error(file.string() + " cannot be read");
    }
    return bytes;
}

}  // namespace

Response StaticFiles::serve(const Request& request, std::string_view file) const {
    std::optional<fs::path> found;
    for (auto folder = folders_.begin(); is_plain(file) && !found && folder != folders_.end(); ++folder) {
        found = find_inside(*folder, file);
    }
    if (!found) {
        throw NotFound("no static file " + std::string{file});
    }
    const std::uintmax_t size = fs::file_size(*found);
    if (size > kMaxBytes) {
        throw std::runtime_error(found->string() + " is larger than a static file may be, 16 MiB");
    }
    const Validators validators{*found, size};
    Response response;
    response.headers.add("ETag", validators.etag);
    response.headers.add("Last-Modified", validators.last_modified);
    // Keep it, but ask each time: the same name may be another file after a release.
    response.headers.add("Cache-Control", "no-cache");
    if (validators.match(request.headers)) {
        response.status = 304;
        return response;
    }
    response.headers.add("Content-Type", content_type(*found));
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.body = read_whole(*found, size);
    return response;
}

}  // namespace c10k
