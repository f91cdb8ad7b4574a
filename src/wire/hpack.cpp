#include "wire/hpack.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <nghttp2/nghttp2.h>
#include <stdexcept>
#include <vector>

namespace c10k::wire {
namespace {

constexpr std::size_t kTableBytes = NGHTTP2_DEFAULT_HEADER_TABLE_SIZE;

// Statuses that are a byte of their own, beginning with index 8 of the static table (RFC 7541, appendix A).
constexpr std::array kStaticStatuses{200, 204, 206, 304, 400, 404, 500};
constexpr std::uint8_t kIndexed = 0x80;
constexpr std::uint8_t kFirstStatusIndex = 8;

constexpr std::array<std::string_view, 5> kConnectionFields{"connection", "keep-alive", "proxy-connection",
                                                            "transfer-encoding", "upgrade"};

std::string_view view(const std::uint8_t* bytes, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
}

// libnghttp2 takes bytes that it does not change by a pointer to such as may change.
std::uint8_t* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

HpackDecoder::HpackDecoder() = default;
HpackDecoder::~HpackDecoder() = default;

void HpackDecoder::Free::operator()(nghttp2_hd_inflater* inflater) const noexcept { nghttp2_hd_inflate_del(inflater); }

bool HpackDecoder::decode(std::string_view block, Http2HeadReader& head) {
    if (inflater_ == nullptr) {
        nghttp2_hd_inflater* made = nullptr;
        if (nghttp2_hd_inflate_new(&made) != 0) {
            throw std::bad_alloc{};
        }
        inflater_.reset(made);
    }
    constexpr int kIsWhole = 1;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        const auto taken =
            nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, bytes_of(block), block.size(), kIsWhole);
        if (taken == NGHTTP2_ERR_NOMEM) {
            throw std::bad_alloc{};
        }
        if (taken < 0) {
            return false;
        }
        block.remove_prefix(static_cast<std::size_t>(taken));
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            head.add(view(field.name, field.namelen), view(field.value, field.valuelen));
        } else if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
            nghttp2_hd_inflate_end_headers(inflater_.get());
            return true;
        }
    }
}

// The fields of a head as libnghttp2 takes them: they point into the head, and into names that had to be changed.
class HpackEncoder::Fields {
public:
    Fields() { fields_.reserve(kUsual); }
    void add(std::string_view name, std::string_view value) {
        fields_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    // Fields from a view. Requires: it is called once.
    void add_checked(const Headers& headers) {
        std::size_t name_bytes = 0;
        for (const auto& [name, value] : headers) {
            name_bytes += name.size();
        }
        names_.resize(name_bytes);
        char* room = names_.data();
        fields_.reserve(fields_.size() + headers.size());
        for (const auto& [name, value] : headers) {
            const auto ends_line = [](char c) { return is_control(c) && c != '\t'; };
            if (!is_token(name) || std::any_of(value.begin(), value.end(), ends_line)) {
                throw std::logic_error("not a header field: " + percent_encode(name, " ") + ": " +
                                       percent_encode(value, " "));
            }
            const std::string_view lower{room, name.size()};
            room = std::transform(name.begin(), name.end(), room,
                                  [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
            if (std::find(kConnectionFields.begin(), kConnectionFields.end(), lower) == kConnectionFields.end()) {
                add(lower, trim(value));
            }
        }
    }
    [[nodiscard]] const std::vector<nghttp2_nv>& all() const noexcept { return fields_; }

private:
    static constexpr std::size_t kUsual = 16;

    std::vector<nghttp2_nv> fields_;
    std::string names_;  // one behind the other
};

HpackEncoder::HpackEncoder() = default;
HpackEncoder::~HpackEncoder() = default;

void HpackEncoder::Free::operator()(nghttp2_hd_deflater* deflater) const noexcept { nghttp2_hd_deflate_del(deflater); }

void HpackEncoder::make_deflater() {
    if (deflater_ == nullptr) {
        nghttp2_hd_deflater* made = nullptr;
        if (nghttp2_hd_deflate_new(&made, kTableBytes) != 0) {
            throw std::bad_alloc{};
        }
        deflater_.reset(made);
    }
}

void HpackEncoder::set_table_size(std::uint32_t bytes) {
    if (deflater_ == nullptr && bytes >= kTableBytes) {
        return;  // it begins with as much
    }
    make_deflater();
    if (nghttp2_hd_deflate_change_table_size(deflater_.get(), bytes) != 0) {
        throw std::bad_alloc{};
    }
}

std::string HpackEncoder::encode(const Http2Head& request) {
    Fields fields;
    fields.add(":method", request.method);
    if (!request.protocol.empty()) {
        fields.add(":protocol", request.protocol);
    }
    if (!request.scheme.empty()) {
        fields.add(":scheme", request.scheme);
    }
    fields.add(":authority", request.authority);
    if (!request.path.empty()) {
        fields.add(":path", request.path);
    }
    fields.add_checked(request.headers);
    return encode(fields);
}

std::string HpackEncoder::encode(int status, const Headers& headers) {
    if (status < 100 || status > 999) {
        throw std::logic_error("an HTTP status has three digits, not " + std::to_string(status));
    }
    const auto* const place = std::find(kStaticStatuses.begin(), kStaticStatuses.end(), status);
    if (headers.size() == 0 && place != kStaticStatuses.end() && deflater_ == nullptr) {
        return {static_cast<char>(kIndexed + kFirstStatusIndex + (place - kStaticStatuses.begin()))};
    }
    const std::string digits = std::to_string(status);
    Fields fields;
    fields.add(":status", digits);
    fields.add_checked(headers);
    return encode(fields);
}

std::string HpackEncoder::encode(Fields& fields) {
    make_deflater();
    const std::vector<nghttp2_nv>& all = fields.all();
    std::string block(nghttp2_hd_deflate_bound(deflater_.get(), all.data(), all.size()), '\0');
    const auto size = nghttp2_hd_deflate_hd(deflater_.get(), bytes_of(block), block.size(), all.data(), all.size());
    if (size < 0) {
        throw std::bad_alloc{};
    }
    block.resize(static_cast<std::size_t>(size));
    return block;
}

}  // namespace c10k::wire
