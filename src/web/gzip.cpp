#include "base/text.hpp"
#include "c10k/middleware.hpp"
#include "web/file_body.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <zlib.h>

namespace c10k {
namespace {

// At the level below this takes a loop some ten milliseconds.
constexpr std::size_t kMaxBytes = 1024 * 1024;
constexpr int kLevel = 5;

// A weight of RFC 9110, 12.4.2, in thousandths: "0.5" is 500. Anything else weighs nothing.
int weight(std::string_view text) {
    constexpr std::array kPlaces{100, 10, 1};
    if (text.empty() || text.size() > 2 + kPlaces.size() || (text[0] != '0' && text[0] != '1') ||
        (text.size() > 1 && text[1] != '.')) {
        return 0;
    }
    int thousandths = text[0] == '1' ? 1000 : 0;
    for (std::size_t at = 2; at < text.size(); ++at) {
        if (!is_digit(text[at])) {
            return 0;
        }
        thousandths += (text[at] - '0') * kPlaces[at - 2];
    }
    return std::min(thousandths, 1000);
}

// The weight of "br;q=0.5"; without a parameter q it is 1.
int weight_of_member(std::string_view member) {
    for (std::size_t end = member.find(';'); end != std::string_view::npos; end = member.find(';')) {
        member.remove_prefix(end + 1);
        const std::string_view parameter = trim(member.substr(0, member.find(';')));
        if (iequals(parameter.substr(0, 2), "q=")) {
            return weight(parameter.substr(2));
        }
    }
    return 1000;
}

// Whether the client takes gzip and does not like the body as it is better (RFC 9110, 12.5.3).
bool takes_gzip(const Headers& headers) {
    std::optional<int> gzip;
    std::optional<int> any;
    int identity = 0;  // if the client does not name it, it accepts it as a last resort
    for (const auto& [name, value] : headers) {
        if (!iequals(name, "Accept-Encoding")) {
            continue;
        }
        for (const std::string_view member : split_list(value)) {
            const std::string_view coding = trim(member.substr(0, member.find(';')));
            if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) {
                gzip = weight_of_member(member);
            } else if (coding == "*") {
                any = weight_of_member(member);
            } else if (iequals(coding, "identity")) {
                identity = weight_of_member(member);
            }
        }
    }
    const int ours = gzip.value_or(any.value_or(0));
    return ours > 0 && ours >= identity;
}

bool is_text(std::string_view content_type) {
    constexpr std::array<std::string_view, 4> kTypes{"application/json", "application/javascript", "application/xml",
                                                     "image/svg+xml"};
    const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
    return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") ||
           std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

// A file that is sent in pieces; null if it is none.
const FileBody* file_of(const Response& response) { return response.body_stream.target<FileBody>(); }

// Whether the response could be compressed for a client that accepts gzip.
bool is_compressible(const Response& response, std::size_t least_bytes) {
    const Headers& headers = response.headers;
    const bool is_whole = wire::has_body(response.status) && response.status != 206 &&
                          (!response.body_stream || file_of(response) != nullptr);
    const std::size_t size = response.body_stream ? response.stream_bytes.value_or(0) : response.body.size();
    return is_whole && size >= least_bytes && size <= kMaxBytes && headers.count("Content-Encoding") == 0 &&
           is_text(headers.get("Content-Type").value_or("")) && !headers.has_token("Cache-Control", "no-transform");
}

// In the form of RFC 1952, if that is shorter. Empty if it is not, or there is no memory for it.
std::optional<std::string> compress(std::string_view text) {
    constexpr int kGzipWindowBits = 15 + 16;
    constexpr int kMemoryLevel = 8;
    if (text.empty()) {
        return std::nullopt;
    }
    std::string bytes;
    try {
        bytes.resize(text.size() - 1);
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
    z_stream stream{};
    if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
        return std::nullopt;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // which zlib only reads
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    const bool is_shorter = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    bytes.resize(stream.total_out);
    deflateEnd(&stream);
    return is_shorter ? std::optional{std::move(bytes)} : std::nullopt;
}

// The tag of a body that is the same in meaning but not in bytes (RFC 9110, 8.8.1).
void weaken_etag(Headers& headers) {
    if (const auto etag = headers.get("ETag"); etag && !etag->starts_with("W/")) {
        headers.set("ETag", "W/" + std::string{*etag});
    }
}

void vary(Headers& headers) {
    if (!headers.has_token("Vary", "Accept-Encoding") && !headers.has_token("Vary", "*")) {
        headers.add("Vary", "Accept-Encoding");
    }
}

class Gzip {
public:
    explicit Gzip(std::size_t least_bytes) : least_bytes_(least_bytes) {}

    Task<Response> operator()(Request& request, Next<Request> next) const {
        Response response = co_await next(request);
        Headers& headers = response.headers;
        // With 304 the view does not say whether the page would be compressed; it has the headers that the client
        // knows from its 200 (RFC 9110, 15.4.5).
        const bool is_known = response.status == 304;
        if (!is_known && !is_compressible(response, least_bytes_)) {
            co_return response;
        }
        vary(headers);
        if (!takes_gzip(request.headers)) {
            co_return response;
        }
        if (!is_known) {  // also for HEAD: the answer states the length that GET would have
            const FileBody* file = file_of(response);
            std::string whole = file != nullptr ? file->read_whole() : std::move(response.body);
            auto compressed = compress(whole);
            if (!compressed) {
                response.body = file != nullptr ? std::string{} : std::move(whole);
                co_return response;
            }
            response.body = *std::move(compressed);
            response.body_stream = {};
            response.stream_bytes = {};
            headers.set("Content-Encoding", "gzip");
            headers.remove("Accept-Ranges");  // a range would be one of the file, not of the compressed body
        }
        weaken_etag(headers);
        co_return response;
    }

private:
    std::size_t least_bytes_;
};

}  // namespace

Middleware gzip(std::size_t least_bytes) { return Gzip{least_bytes}; }

}  // namespace c10k
