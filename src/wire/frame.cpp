#include "wire/frame.hpp"

#include <cstring>
#include <stdexcept>

namespace c10k::wire {

std::uint64_t FrameHeader::length() const noexcept {
    if (length_bytes() == 0) {
        return short_length();
    }
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < length_bytes(); ++i) {
        length = length << 8 | byte(2 + i);
    }
    return length;
}

bool FrameHeader::is_length_padded() const noexcept { return 2 + length_bytes() > header_bytes(length()); }

MaskKey FrameHeader::key() const noexcept {
    return is_masked() ? MaskKey::read(bytes_.data() + 2 + length_bytes()) : MaskKey{};
}

char* write_header(Opcode opcode, std::size_t payload_bytes, char* to) noexcept {
    const std::size_t length_bytes = header_bytes(payload_bytes) - 2;
    *to++ = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
    *to++ = static_cast<char>(length_bytes == 0 ? payload_bytes : length_bytes == 2 ? 126 : 127);
    for (std::size_t i = length_bytes; i > 0; --i) {
        *to++ = static_cast<char>(payload_bytes >> (8 * (i - 1)));
    }
    return to;
}

char* write_frame(Role sender, Opcode opcode, std::string_view payload, char* to) {
    char* rest = write_header(opcode, payload.size(), to);
    MaskKey key;
    if (sender == Role::kClient) {
        key = MaskKey::random();
        to[1] = static_cast<char>(to[1] | 0x80);
        key.write(rest);
        rest += MaskKey::kSize;
    }
    key.apply(payload, rest);
    return rest + payload.size();
}

char* write_frame(Role sender, const internal::EncodedFrame& frame, char* to) {
    char* const end = write_frame(sender, frame.is_text() ? Opcode::kText : Opcode::kBinary, frame.payload(), to);
    *to = frame.bytes().front();  // which may have the bit of a compressed one
    return end;
}

void append_frame(Role sender, Opcode opcode, std::string_view payload, std::string& to) {
    const std::size_t start = to.size();
    to.resize(start + frame_bytes(sender, payload.size()));
    write_frame(sender, opcode, payload, to.data() + start);
}

ControlFrame::ControlFrame(Role sender, Opcode opcode, std::string_view payload) {
    if (payload.size() > kMaxControlBytes) {
        throw std::length_error("a control frame holds at most 125 bytes");
    }
    size_ = static_cast<std::uint8_t>(write_frame(sender, opcode, payload, bytes_.data()) - bytes_.data());
}

}  // namespace c10k::wire
