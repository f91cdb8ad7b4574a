// The header of a frame, read and written (RFC 6455, 5.2), and masks (5.3).

#include "require.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace c10k::wire;
using c10k::fuzz::require;

// What RFC 6455, 5.2 says of these bytes, which may end anywhere: an independent reading.
void read_header(std::string_view bytes) {
    const std::vector<unsigned char> arrived(bytes.begin(), bytes.end());
    const std::vector<char> exactly(bytes.begin(), bytes.end());  // a sanitizer sees a step beyond it
    const FrameHeader header({exactly.data(), exactly.size()});

    require(header.has_first() == !arrived.empty(), "the first byte is there if it has arrived");
    if (arrived.empty()) {
        return;
    }
    require(header.is_final() == (arrived[0] >= 128), "FIN is the highest bit");
    require(header.has_reserved_bits() == (arrived[0] / 16 % 8 != 0), "three bits are reserved");
    require(static_cast<int>(header.opcode()) == arrived[0] % 16, "the opcode is the low half");

    require(header.has_second() == (arrived.size() >= 2), "the second byte is there if it has arrived");
    if (arrived.size() < 2) {
        return;
    }
    require(header.is_masked() == (arrived[1] >= 128), "MASK is the highest bit");
    const int short_length = arrived[1] % 128;
    require(header.short_length() == short_length, "a length is in the low seven bits");
    const std::size_t more = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    require(header.size() == 2 + more + (header.is_masked() ? 4 : 0), "the size follows from the second byte");

    require(header.has_length() == (arrived.size() >= 2 + more), "the length is there if it has arrived");
    if (header.has_length()) {
        std::uint64_t length = more == 0 ? short_length : 0;
        for (std::size_t i = 0; i < more; ++i) {
            length = length * 256 + arrived[2 + i];
        }
        require(header.length() == length, "the length is big-endian");
        const bool padded = (more == 2 && length < 126) || (more == 8 && length < 65536);
        require(header.is_length_padded() == padded, "the shortest form of a length is the only one");
    }

    require(header.is_whole() == (arrived.size() >= header.size()), "the header is whole once all has arrived");
    if (header.is_whole()) {
        char key[4] = {};
        header.key().write(key);
        const std::string_view sent = bytes.substr(2 + more, header.is_masked() ? 4 : 0);
        require(std::equal(sent.begin(), sent.end(), key), "the key is the last four bytes");
        require(header.is_masked() || std::string_view(key, 4) == std::string_view("\0\0\0\0", 4), "or there is none");
    }
}

// The payload of a whole frame, unmasked byte by byte.
std::string payload_of(std::string_view frame, std::size_t header_bytes, bool masked) {
    std::string payload(frame.substr(header_bytes));
    for (std::size_t i = 0; masked && i < payload.size(); ++i) {
        payload[i] = static_cast<char>(payload[i] ^ frame[header_bytes - 4 + i % 4]);
    }
    return payload;
}

void require_frame(std::string_view frame, Role sender, Opcode opcode, std::string_view payload) {
    const FrameHeader header(frame);
    require(header.is_whole() && header.is_final() && !header.has_reserved_bits(), "what is written can be read");
    require(header.opcode() == opcode, "with the same opcode");
    require(header.is_masked() == (sender == Role::kClient), "a client masks, a server does not");
    require(header.length() == payload.size() && !header.is_length_padded(), "with the same length");
    require(frame.size() == frame_bytes(sender, payload.size()), "and takes the bytes it was said to");
    require(payload_of(frame, header.size(), header.is_masked()) == payload, "the payload comes back");
}

void write_and_read(Role sender, Opcode opcode, std::string_view payload) {
    std::string frames = "before";
    append_frame(sender, opcode, payload, frames);
    require(frames.starts_with("before"), "what was there before stays");
    require_frame(std::string_view(frames).substr(6), sender, opcode, payload);
    if (payload.size() <= kMaxControlBytes) {
        require_frame(ControlFrame(sender, opcode, payload).view(), sender, opcode, payload);
    }
}

// Masking in two parts is masking the whole, in place or not.
void mask(MaskKey key, std::string_view payload, std::size_t cut) {
    std::string whole(payload.size(), '\0');
    key.apply(payload, whole.data());
    std::string parts(payload);
    key.apply(std::string_view(parts).substr(0, cut), parts.data());
    key.after(cut).apply(std::string_view(parts).substr(cut), parts.data() + cut);
    require(parts == whole, "a cut does not change a mask");
    key.apply(whole, whole.data());
    require(whole == payload, "masking twice is masking never");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    for (std::size_t arrived = 0; arrived <= std::min(size, FrameHeader::kMaxBytes + 1); ++arrived) {
        read_header(input.substr(0, arrived));
    }

    const FrameHeader header(input);
    if (!header.is_whole()) {
        return 0;
    }
    // What follows the header is repeated up to a length around which the form of the length changes.
    std::string payload(input.substr(header.size()));
    if (!payload.empty() && header.length() <= 0x10000 + 10) {
        while (payload.size() < header.length()) {
            payload += payload.substr(0, header.length() - payload.size());
        }
        payload.resize(header.length());
    }
    write_and_read(header.is_masked() ? Role::kClient : Role::kServer, header.opcode(), payload);
    mask(header.key(), payload, payload.empty() ? 0 : header.length() % payload.size());
    return 0;
}
