#pragma once

#include "http2/http2_buffer.hpp"
#include "http2/http2_streams.hpp"
#include "loop/loop.hpp"
#include "wire/http2_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <sys/uio.h>

namespace c10k {

// All that one HTTP/2 connection sends: the frames of all its streams in one buffer, which goes out with one send for
// each turn of the loop, as far as the windows of the peer allow (RFC 9113, 5.2).
//
// Streams that find no room wait in the order in which they came, and each gets at most 16 KiB at a time: one that has
// much to send takes nothing from the others.
class Http2Sender final : private Flushable {
public:
    // The bytes of a connection that may wait for the kernel, beside those of control frames: while it takes what it is
    // given, and while it does not.
    static constexpr std::size_t kMaxBytes = std::size_t{256} * 1024;
    static constexpr std::size_t kMaxBytesBehind = std::size_t{64} * 1024;
    // So many bytes go out at once, and not at the end of the turn: more would save no more sends, and the peer works
    // on them meanwhile.
    static constexpr std::size_t kSendFrom = std::size_t{32} * 1024;
    // Bytes of one stream at a time: a frame.
    static constexpr std::size_t kMaxTurn = wire::kHttp2MaxPayload;

    Http2Sender(Loop& loop, Backend& inner, SocketId tcp, Http2Streams& streams, Http2Buffers& buffers) noexcept
        : loop_(loop), inner_(inner), tcp_(tcp), streams_(streams), buffers_(buffers) {}
    ~Http2Sender();

    // ---- Frames of the connection. Throw std::bad_alloc, and then nothing has changed.

    // Appends a frame. The caller fills the returned payload before anything else happens.
    char* append(const wire::Http2FrameHeader& header);
    // Room for bytes that are no frame.
    char* append(std::size_t size);

    // ---- Streams

    // As Backend::send(). Throws std::bad_alloc.
    [[nodiscard]] std::size_t send(std::uint32_t slot, std::span<const iovec> bytes);
    // Sends all of a stream's body with END_STREAM, in one frame, if there is room for it now and nobody waits. Returns
    // whether it has. Throws std::bad_alloc.
    [[nodiscard]] bool send_whole(std::uint32_t slot, std::string_view body);
    // The stream waits no more; if its turn has come, it passes that on.
    void forget(std::uint32_t slot);
    // The peer takes `bytes` more (or less) of this stream, or of all together. Return false if its window is too large
    // now.
    [[nodiscard]] bool widen(std::uint32_t slot, std::int64_t bytes) noexcept;
    [[nodiscard]] bool widen(std::int64_t bytes) noexcept;
    // The owner of a stream that was woken has heard of it: the next ones have their turn when it has had its own.
    void note_woken() { loop_.flush_later(*this, 0); }

    // ---- The socket

    // Answers a send.
    void on_sent(std::size_t bytes);
    // Sends FIN when all has gone.
    void finish();
    // The kernel has yet to take so many bytes.
    [[nodiscard]] std::size_t bytes() const noexcept { return sending_.size() + filling_.size(); }
    [[nodiscard]] std::size_t memory() const noexcept { return sending_.capacity() + filling_.capacity(); }
    // Sends nothing more. Returns the bytes that the kernel may still read.
    [[nodiscard]] std::shared_ptr<const void> close();

private:
    static constexpr std::uint32_t kNone = Http2Stream::kNone;

    void flush() override;
    void count_sent(std::size_t bytes);
    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
        return filling_.size() + wire::Http2FrameHeader::kBytes + bytes <=
               (is_in_flight_ ? kMaxBytesBehind : kMaxBytes);
    }
    void wait(std::uint32_t slot, Http2Stream& stream) noexcept;
    void leave_queue(Http2Stream& stream) noexcept;
    void wake() noexcept;

    Loop& loop_;
    Backend& inner_;
    SocketId tcp_;
    Http2Streams& streams_;
    Http2Buffers& buffers_;
    Http2Buffer sending_;  // the kernel may be reading it
    Http2Buffer filling_;
    std::int64_t window_ = wire::kHttp2InitialWindow;
    std::uint32_t first_ = kNone;  // of those that wait
    std::uint32_t last_ = kNone;
    bool is_in_flight_ = false;
    bool is_finishing_ = false;
    bool is_closed_ = false;  // or FIN was sent
};

}  // namespace c10k
