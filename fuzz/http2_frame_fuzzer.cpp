// The frames of an HTTP/2 connection (RFC 9113, 4 and 6), and the heads in them (8.2 and 8.3; RFC 7541).
//
// A head's kind is its stream's number: 1: a request, 2: a response, 3: trailers, and so on.

#include "base/text.hpp"
#include "memory.hpp"
#include "pieces.hpp"
#include "require.hpp"
#include "wire/head_tokens.hpp"
#include "wire/hpack.hpp"
#include "wire/http2_frame_reader.hpp"
#include "wire/http2_head.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace c10k;
using namespace c10k::wire;
using fuzz::Cut;
using fuzz::require;
using Type = Http2FrameType;
using Kind = Http2HeadReader::Kind;
using State = Http2HeadReader::State;

// ---- Frames

std::string described(const Http2FrameHeader& header, std::string_view payload) {
    return std::to_string(static_cast<int>(header.type)) + ' ' + std::to_string(header.flags) + ' ' +
           std::to_string(header.stream) + ' ' + std::string(payload) + '\n';
}

std::string described(Http2Error error) { return "bad " + std::string(name_of(error)) + '\n'; }

// A transcript of what comes out of a reader.
class Notes final : public Http2FrameReader::Events {
public:
    void receive(std::span<char> piece) {
        if (!has_failed_) {
            reader_.receive(piece, *this);
            require(reader_.held_bytes() <= 2 * kHttp2MaxPayload, "a reader holds no more than a frame");
            require(reader_.is_inside() || reader_.held_bytes() <= std::string{}.capacity(),
                    "between frames a reader holds nothing");
        }
    }
    // With the DATA frame that has come in part.
    [[nodiscard]] std::string transcript() const { return text_ + (is_in_data_ ? described(data_header_, data_) : ""); }

    bool on_frame_begin(const Http2FrameHeader& header) override {
        require(header.length <= kHttp2MaxPayload && !is_in_data_, "a frame is not too long, and begins behind others");
        if (header.type == Type::kData) {
            data_header_ = header;
            data_.clear();
            is_in_data_ = true;
        }
        return true;
    }
    bool on_data(std::span<char> piece, Http2FrameReader& reader) override {
        require(is_in_data_ && reader.header().length == data_header_.length, "data are of the frame at hand");
        data_.append(piece.data(), piece.size());
        if (reader.is_at_end()) {
            text_ += described(data_header_, data_);
            is_in_data_ = false;
        }
        return true;
    }
    bool on_frame(const Http2FrameHeader& header, std::string_view payload) override {
        require(header.length == payload.size() && !is_in_data_, "any other frame comes whole");
        text_ += described(header, payload);
        return true;
    }
    void on_bad_frame(Http2Error error, std::string_view reason) override {
        require(!reason.empty() && !has_failed_, "a fault has a reason, and is the last event");
        text_ += (is_in_data_ ? described(data_header_, data_) : "") + described(error);
        is_in_data_ = false;
        has_failed_ = true;
    }

private:
    Http2FrameReader reader_;
    std::string text_;
    std::string data_;
    Http2FrameHeader data_header_;
    bool is_in_data_ = false;
    bool has_failed_ = false;
};

std::string transcript(std::string_view bytes, Cut cut) {
    Notes notes;
    fuzz::deliver(bytes, cut, [&](std::span<char> piece) { notes.receive(piece); });
    return notes.transcript();
}

struct Frame {
    Http2FrameHeader header;
    std::string_view payload;
};

// The same by an independent reading, whose frames other checks use, too.
std::string model(std::string_view bytes, std::vector<Frame>& frames) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
    std::string text;
    while (bytes.size() >= 9) {
        const std::uint32_t length = byte(0) * 65'536 + byte(1) * 256 + byte(2);
        const std::uint32_t stream = byte(5) % 128 * 16'777'216 + byte(6) * 65'536 + byte(7) * 256 + byte(8);
        const Http2FrameHeader header{length, static_cast<Type>(bytes[3]), static_cast<std::uint8_t>(bytes[4]), stream};
        if (length > 16'384) {
            return text + described(Http2Error::kFrameSizeError);
        }
        bytes.remove_prefix(9);
        std::string_view payload = bytes.substr(0, length);
        const bool is_whole = payload.size() == length;
        bytes.remove_prefix(payload.size());
        if (header.type == Type::kData) {
            if (header.has(http2_flag::kPadded)) {
                if (length == 0) {
                    return text + described(header, "") + described(Http2Error::kFrameSizeError);
                }
                if (!payload.empty()) {
                    const std::size_t padding = static_cast<unsigned char>(payload.front());
                    payload.remove_prefix(1);
                    if (padding >= length) {
                        return text + described(header, "") + described(Http2Error::kProtocolError);
                    }
                    payload = payload.substr(0, length - 1 - padding);
                }
            }
            text += described(header, payload);
        } else if (is_whole) {
            text += described(header, payload);
            frames.push_back({header, payload});
        }
    }
    return text;
}

// ---- Heads

// The second are so tight that small inputs reach them.
const Http2HeadReader::Limits kLimits[] = {{.allows_protocol = true}, {.max_bytes = 250, .max_fields = 3}};

std::string described(const Http2Head& head) {
    std::string text = head.method + ' ' + head.scheme + ' ' + head.authority + ' ' + head.path + ' ' + head.protocol +
                       ' ' + std::to_string(head.status) + '\n';
    for (const auto& [name, value] : head.headers) {
        text += name + '=' + value + '\n';
    }
    return text + (head.content_length ? std::to_string(*head.content_length) : "none") + '\n';
}

bool is_text(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
}

void require_sound_fields(const Http2Head& head, const Http2HeadReader::Limits& limits) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : head.headers) {
        require(is_token(name) && to_lower(name) == name, "a name is a token in small letters");
        require(is_text(value) && trim(value) == value, "a value is a trimmed text");
        require(name != "connection" && name != "keep-alive" && name != "proxy-connection" &&
                    name != "transfer-encoding" && name != "upgrade",
                "no field belongs to a connection");
        require(name != "te" || value == "trailers", "TE says trailers");
        bytes += name.size() + value.size();
    }
    require(bytes <= limits.max_bytes && head.headers.size() <= limits.max_fields, "a head keeps to its limits");
    const std::size_t lengths = head.headers.count("content-length");
    require(lengths == (head.content_length ? 1U : 0U), "the length of a body is said once");
}

void require_sound(const Http2Head& head, Kind kind, const Http2HeadReader::Limits& limits) {
    require_sound_fields(head, limits);
    if (kind == Kind::kResponse) {
        require(head.status >= 100 && head.status <= 599 && head.status != 101, "a response has a status");
        return;
    }
    if (kind == Kind::kTrailers) {
        require(head.headers.size() == 0, "nobody reads trailers");
        return;
    }
    require(is_token(head.method), "a method is a token");
    require(head.headers.count("host") == 0 && head.headers.count("cookie") <= 1, "Host and Cookie are said once");
    require(!head.authority.empty(), "a request names its host");
    if (head.method == "CONNECT" && head.protocol.empty()) {
        require(head.scheme.empty() && head.path.empty(), "a CONNECT has neither a scheme nor a path");
        return;
    }
    require(head.protocol.empty() || (limits.allows_protocol && head.method == "CONNECT"), "RFC 8441, 4");
    require(head.path == "*" ? head.method == "OPTIONS" : head.path.starts_with('/'), "a path is a path");
    require(std::all_of(head.path.begin(), head.path.end(), is_target_char), "a path is visible ASCII");
}

// Reads one head. Returns its text; empty if the connection cannot go on.
std::optional<std::string> read(HpackDecoder& decoder, Http2HeadReader& reader, std::string_view block) {
    const std::vector<char> exact(block.begin(), block.end());  // so that a sanitizer sees a step beyond it
    if (!decoder.decode({exact.data(), exact.size()}, reader)) {
        return std::nullopt;
    }
    const State state = reader.finish();
    require((state == State::kGood) == reader.reason().empty(), "a bad head has a reason");
    return state == State::kGood ? described(reader.head()) : "bad " + std::string(reader.reason()) + '\n';
}

// Our decoder reads a head of our encoder as the same one.
void write_again(const Http2Head& head, Kind kind) {
    HpackEncoder encoder;
    HpackDecoder decoder;
    for (int i = 0; i < 2; ++i) {  // the second one out of the tables
        const Http2HeadReader::Limits wide{.max_bytes = 1U << 20U, .max_fields = 1'000, .allows_protocol = true};
        Http2HeadReader reader(kind, wide);
        const std::string block =
            kind == Kind::kRequest ? encoder.encode(head) : encoder.encode(head.status, head.headers);
        require(read(decoder, reader, block) == described(head), "a head written again is the same");
    }
}

// A proxy that writes an accepted request as HTTP/1.1 writes one request, with the same fields: nothing is smuggled.
void write_as_http1(const Http2Head& head) {
    std::string bytes = head.method + ' ' + head.path + " HTTP/1.1\r\n";
    append_field(bytes, "Host", head.authority);
    for (const auto& [name, value] : head.headers) {
        append_field(bytes, name, value);
    }
    bytes += "\r\n";
    const HttpLimits wide{.max_request_line_bytes = 1U << 20U,
                          .max_head_bytes = 1U << 20U,
                          .max_header_fields = 1'000,
                          .max_body_bytes = UINT32_MAX};
    RequestParser parser(wide);
    const std::size_t taken = parser.receive_head(bytes);
    if (parser.state() == RequestParser::State::kFailed) {
        const int status = parser.failure().status();
        require(status == 413 || status == 417, "HTTP/1.1 refuses only what it does not do");
        return;
    }
    require(taken == bytes.size(), "a head is one head in HTTP/1.1, too");
    require((parser.state() == RequestParser::State::kBody) == (head.content_length.value_or(0) > 0),
            "a body follows if its length is said");
    std::string fields;
    for (const auto& [name, value] : parser.request().headers) {
        if (name != "Host") {
            fields += name + '=' + value + '\n';
        }
    }
    std::string expected;
    for (const auto& [name, value] : head.headers) {
        expected += name + '=' + value + '\n';
    }
    require(fields == expected, "each field is the same field in HTTP/1.1");
}

// The blocks of all heads.
std::vector<std::pair<Kind, std::string>> blocks(const std::vector<Frame>& frames) {
    std::vector<std::pair<Kind, std::string>> found;
    for (auto frame = frames.begin(); frame != frames.end(); ++frame) {
        if (frame->header.type == Type::kHeaders) {
            found.emplace_back(static_cast<Kind>((frame->header.stream + 2) % 3), frame->payload);
            while (!frame->header.has(http2_flag::kEndHeaders) && frame + 1 != frames.end() &&
                   (frame + 1)->header.type == Type::kContinuation) {
                found.back().second += (++frame)->payload;
            }
        }
    }
    return found;
}

// As a connection decodes them, one after the other.
void read_heads(const std::vector<std::pair<Kind, std::string>>& blocks, const Http2HeadReader::Limits& limits) {
    HpackDecoder decoder;
    for (const auto& [kind, block] : blocks) {
        Http2HeadReader reader(kind, limits);
        if (!read(decoder, reader, block)) {
            return;
        }
        if (reader.state() == State::kGood) {
            const Http2Head& head = reader.head();
            require_sound(head, kind, limits);
            if (kind != Kind::kTrailers) {
                write_again(head, kind);
            }
            if (kind == Kind::kRequest && !head.path.empty()) {
                write_as_http1(head);
            }
        }
    }
}

// A byte of HPACK can name a field of 4 KB in the table: memory follows the limits, not what a head says.
void weigh(const std::vector<std::pair<Kind, std::string>>& blocks, const Http2HeadReader::Limits& limits) {
    constexpr std::size_t kTables = std::size_t{16} * 1024;  // libnghttp2's
    HpackDecoder decoder;
    fuzz::MemoryMeter memory;
    for (const auto& [kind, block] : blocks) {
        std::optional<Http2HeadReader> reader{std::in_place, kind, limits};
        const std::string_view bytes = block;
        const bool is_good = memory.watch([&] { return decoder.decode(bytes, *reader); });
        require(!is_good ||
                    memory.held() <= 4 * limits.max_bytes + 2 * limits.max_fields * sizeof(Headers::Field) + kTables,
                "a head takes no more memory than the limits allow");
        memory.watch([&] { reader.reset(); });
        if (!is_good) {
            return;
        }
        require(memory.held() <= kTables, "between heads there are only the tables");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::vector<Frame> frames;
    const std::string expected = model(input, frames);
    for (const Cut cut : fuzz::kCuts) {
        require(transcript(input, cut) == expected, "the same frames come, however the bytes are cut");
    }
    const std::vector<std::pair<Kind, std::string>> heads = blocks(frames);
    for (const Http2HeadReader::Limits& limits : kLimits) {
        read_heads(heads, limits);
        weigh(heads, limits);
    }
    return 0;
}
