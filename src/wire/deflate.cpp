#include "wire/deflate.hpp"

#include <algorithm>
#include <new>
#include <span>
#include <stdexcept>
#include <zlib.h>

namespace c10k::wire {
namespace {

// The bytes at the end of a flush, which a message on the wire leaves out (RFC 7692, 7.2.1).
constexpr std::string_view kTail{"\0\0\xFF\xFF", 4};

// Two thirds of the time that zlib takes by default (6), and an eighth more bytes.
constexpr int kLevel = 2;

// zlib cannot compress for a window of 256 bytes (its 8 means 9). Without references any window will do.
constexpr std::uint8_t kMinWindowBits = 9;

// Tables in proportion to the window: both take 2 to the power of window_bits + 2 bytes.
constexpr int memory_level(int window_bits) { return window_bits - 7; }

// Negative bits: without zlib's own header.
constexpr int raw(std::uint8_t window_bits) { return -static_cast<int>(window_bits); }

Bytef* bytes_of(const char* bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes)); }

void give_input(z_stream& stream, std::string_view bytes) {
    stream.next_in = bytes_of(bytes.data());  // which zlib only reads
    stream.avail_in = static_cast<uInt>(bytes.size());
}

void give_room(z_stream& stream, std::span<char> room) {
    stream.next_out = bytes_of(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
}

void require_memory(int status) {
    if (status == Z_MEM_ERROR) {
        throw std::bad_alloc{};
    }
    if (status != Z_OK) {
        throw std::invalid_argument("zlib has no such window");
    }
}

}  // namespace

// ---- Deflater

void Deflater::End::operator()(z_stream_s* stream) const noexcept {
    deflateEnd(stream);
    delete stream;
}

Deflater::Deflater(std::uint8_t window_bits) : stream_(new z_stream{}) {
    const std::uint8_t bits = std::max(window_bits, kMinWindowBits);
    const int strategy = window_bits < kMinWindowBits ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
    require_memory(deflateInit2(stream_.get(), kLevel, Z_DEFLATED, raw(bits), memory_level(bits), strategy));
}

std::optional<internal::EncodedFrame> Deflater::compress(Message::Kind kind, std::string_view payload) {
    MessageBuilder compressed;
    try {
        if (deflate_into(compressed, payload)) {
            return compressed.finish_compressed(kind);
        }
    } catch (...) {
        reset();
        throw;
    }
    reset();
    return std::nullopt;
}

bool Deflater::deflate_into(MessageBuilder& compressed, std::string_view payload) {
    // zlib repeats its marker if there is no room for more than that behind it.
    constexpr std::size_t kSpare = 8;
    const std::size_t limit = std::min(payload.size() + kTail.size() + kSpare, Message::kMaxSize);
    z_stream& stream = *stream_;
    is_fresh_ = false;
    give_input(stream, payload);
    do {
        const std::span<char> room = compressed.room(payload.size() / 2 + kSpare, limit);
        if (room.empty()) {
            return false;
        }
        give_room(stream, room);
        deflate(&stream, Z_SYNC_FLUSH);
        compressed.wrote(room.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    compressed.drop_last(std::min(compressed.size(), kTail.size()));
    return compressed.size() < payload.size();
}

void Deflater::reset() noexcept {
    if (!is_fresh_) {
        deflateReset(stream_.get());
        is_fresh_ = true;
    }
}

// ---- Inflater

void Inflater::End::operator()(z_stream_s* stream) const noexcept {
    inflateEnd(stream);
    delete stream;
}

Inflater::Inflater(std::uint8_t window_bits) : stream_(new z_stream{}) {
    require_memory(inflateInit2(stream_.get(), raw(window_bits)));
}

Inflater::Result Inflater::inflate(std::string_view bytes, MessageBuilder& message, std::size_t limit) {
    constexpr std::size_t kUsualRatio = 4;
    constexpr std::size_t kMinRoom = 64;
    z_stream& stream = *stream_;
    give_input(stream, bytes);
    do {
        std::span<char> room = message.room(std::max(bytes.size() * kUsualRatio, kMinRoom), limit);
        const bool is_full = room.empty();
        char beyond = 0;
        if (is_full) {
            room = {&beyond, 1};
        }
        give_room(stream, room);
        const int status = ::inflate(&stream, Z_NO_FLUSH);
        const std::size_t inflated = room.size() - stream.avail_out;
        if (is_full && inflated > 0) {
            return Result::kTooBig;
        }
        message.wrote(inflated);
        switch (status) {
            case Z_OK: break;
            case Z_STREAM_END:  // a final block, and more may follow, with the same window (RFC 7692, 7.2.3.4)
                inflateResetKeep(&stream);
                break;
            case Z_BUF_ERROR: return Result::kGood;  // nothing is left to do
            case Z_MEM_ERROR: throw std::bad_alloc{};
            default: return Result::kCorrupt;
        }
    } while (stream.avail_in > 0 || stream.avail_out == 0);
    return Result::kGood;
}

Inflater::Result Inflater::end_message(MessageBuilder& message, std::size_t limit) {
    const Result result = inflate(kTail, message, limit);
    // Of these, the bits that are left of the last byte, and the mark of the place between two blocks (zlib.h). If the
    // tail was not the end of an empty block of its own, the message has ended inside something.
    constexpr int kUnusedBits = 7;
    constexpr int kBetweenBlocks = 128;
    const bool is_whole = (stream_->data_type & (kBetweenBlocks | kUnusedBits)) == kBetweenBlocks;
    return result == Result::kGood && !is_whole ? Result::kCorrupt : result;
}

void Inflater::reset(std::uint8_t window_bits) noexcept { inflateReset2(stream_.get(), raw(window_bits)); }

}  // namespace c10k::wire
