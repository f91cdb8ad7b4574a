#pragma once

#include "loop/backend.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace c10k {

// The life of a stream (RFC 9113, 5.1). Idle and closed streams have no record.
enum class Http2StreamState : std::uint8_t {
    kOpen,
    kHalfClosedLocal,   // we have sent END_STREAM
    kHalfClosedRemote,  // the peer has
    kDone,              // both have; the owner has yet to close it
    kFailed,            // it is over; the owner has yet to hear of it
    kGone,              // and has yet to close it
};

// Why a stream fails: SocketEvents::on_failed() gets it. message() is a text for a user.
enum class Http2StreamError : std::uint8_t {
    kRefused = 1,  // the peer has not looked at the request: it may be sent again (RFC 9113, 8.7)
    kReset,        // the peer has ended the stream: NO_ERROR or CANCEL
    kFailed,       // the same, with another code
    kBroken,       // the peer broke a rule on this stream
    kLost,         // the connection has ended
};

[[nodiscard]] std::error_code make_error_code(Http2StreamError error) noexcept;

// Whether the peer may still send something on a stream.
[[nodiscard]] constexpr bool can_receive(Http2StreamState state) noexcept {
    return state == Http2StreamState::kOpen || state == Http2StreamState::kHalfClosedLocal;
}
[[nodiscard]] constexpr bool can_send(Http2StreamState state) noexcept {
    return state == Http2StreamState::kOpen || state == Http2StreamState::kHalfClosedRemote;
}
[[nodiscard]] constexpr bool has_failed(Http2StreamState state) noexcept {
    return state == Http2StreamState::kFailed || state == Http2StreamState::kGone;
}

// One stream. There may be millions of them: everything that only few need at a time lies elsewhere.
struct Http2Stream {
    // Of its place among those that wait for room on their connection.
    static constexpr std::uint32_t kNone = UINT32_MAX;

    SocketEvents* events = nullptr;     // null before attach()
    std::unique_ptr<std::string> held;  // came while the owner did not receive
    std::uint32_t generation = 0;
    std::uint32_t session = kNone;  // the slot of its session; kNone when that has ended
    std::uint32_t id = 0;           // on its connection
    std::int32_t send_window = 0;   // bytes that the peer takes; below 0 if it has made its window smaller
    std::uint32_t unreturned = 0;   // bytes of our window that the peer has used and not got back
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    union {
        std::uint16_t wanted = 0;  // bytes of the send() that waits
        Http2StreamError error;    // once it has failed
    };
    Http2StreamState state = Http2StreamState::kOpen;
    bool is_receiving : 1 = false;
    bool is_answered : 1 = false;     // the head of the response has been sent, or has come
    bool is_client : 1 = false;       // we have opened it: `events` are Http2StreamEvents
    bool waits_for_room : 1 = false;  // it is in the queue of its connection
    bool waits : 1 = false;           // send() has returned 0, and on_sent() has not come
    bool has_news : 1 = false;        // the next wait() looks what its owner has to hear
    bool end_is_told : 1 = false;     // on_end() has come
    bool was_woken : 1 = false;       // its turn has come to use the room on its connection
};
static_assert(sizeof(Http2Stream) == 48, "ten million of them have to fit into memory");

// The streams of a loop by their slots. A slot that is free costs nothing once its neighbours are free, too.
class Http2Streams {
public:
    // The slots of streams have this bit, those of the inner backend do not.
    static constexpr std::uint32_t kStreamBit = 1U << 31U;

    [[nodiscard]] static bool is_stream(SocketId socket) noexcept { return (socket.slot & kStreamBit) != 0; }

    // A new record, of a stream of the session in that slot. Throws std::bad_alloc.
    SocketId add(std::uint32_t session, std::uint32_t id);
    void remove(std::uint32_t slot) noexcept;

    // Null if the stream was removed. Requires: is_stream(socket).
    [[nodiscard]] Http2Stream* find(SocketId socket) noexcept {
        const std::uint32_t index = socket.slot & ~kStreamBit;
        Page* const page = index / kPageSize < pages_.size() ? pages_[index / kPageSize].get() : nullptr;
        if (page == nullptr) {
            return nullptr;
        }
        Http2Stream& found = page->streams[index % kPageSize];
        return found.generation == socket.generation ? &found : nullptr;
    }
    // Requires: the slot is one of a stream that was not removed.
    [[nodiscard]] Http2Stream& at(std::uint32_t slot) noexcept {
        const std::uint32_t index = slot & ~kStreamBit;
        return pages_[index / kPageSize]->streams[index % kPageSize];
    }
    [[nodiscard]] SocketId id_of(std::uint32_t slot) noexcept { return {slot, at(slot).generation}; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // ---- News: the next Backend::wait() looks what the owners of these streams have to hear

    void note_news(std::uint32_t slot) noexcept {
        if (Http2Stream& stream = at(slot); !stream.has_news) {
            stream.has_news = true;
            news_.push_back(slot);  // add() has made room
        }
    }
    [[nodiscard]] bool has_news() const noexcept { return !news_.empty(); }
    // Calls `tell` with the slot of each stream that has news; news that it makes are left for the next time. Returns
    // how many there were.
    template <typename Tell>
    int tell_news(Tell tell) {
        const std::size_t count = news_.size();
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t slot = news_[i];
            if (exists(slot) && at(slot).has_news) {
                at(slot).has_news = false;
                tell(slot);
            }
        }
        news_.erase(news_.begin(), news_.begin() + static_cast<std::ptrdiff_t>(count));
        return static_cast<int>(count);
    }

private:
    static constexpr std::uint32_t kPageSize = 1024;
    static constexpr std::uint32_t kNone = Http2Stream::kNone;

    struct Page {
        std::array<Http2Stream, kPageSize> streams;
        std::uint32_t first_free = kNone;  // a list, linked by `next`
        std::uint32_t used = 0;
        std::uint32_t previous = kNone;  // of the pages with room
        std::uint32_t next = kNone;
    };

    [[nodiscard]] bool exists(std::uint32_t slot) const noexcept {
        return pages_[(slot & ~kStreamBit) / kPageSize] != nullptr;
    }
    void reserve_news();
    void add_page();
    void link(std::uint32_t page) noexcept;
    void unlink(std::uint32_t page) noexcept;

    std::vector<std::unique_ptr<Page>> pages_;  // null where all slots are free
    std::vector<std::uint32_t> news_;           // slots, of which some may have been removed since
    std::uint32_t roomy_ = kNone;               // the first page with free slots, of a list
    std::uint32_t last_generation_ = 0;         // never used twice, so that an old id finds nothing
    std::size_t count_ = 0;
};

// The slots of one connection's streams by the streams' ids: a hash table of 4 bytes an entry, at most half full.
class Http2StreamIds {
public:
    explicit Http2StreamIds(Http2Streams& streams) noexcept : streams_(streams) {}

    // Makes room, so that the next add() succeeds. Throws std::bad_alloc.
    void reserve_one();
    // Requires: reserve_one() was called since the last add(), and the id is not there.
    void add(std::uint32_t slot) noexcept;
    // Requires: it is there.
    void remove(std::uint32_t slot) noexcept;
    // Null if there is none of that id.
    [[nodiscard]] Http2Stream* find(std::uint32_t id) noexcept {
        if (slots_.empty()) {
            return nullptr;
        }
        for (std::size_t place = place_of(id); slots_[place] != Http2Stream::kNone; place = (place + 1) & mask()) {
            Http2Stream& stream = streams_.at(slots_[place]);
            if (stream.id == id) {
                found_ = slots_[place];
                return &stream;
            }
        }
        return nullptr;
    }
    // Asks for the record that find() will look at first.
    void prefetch(std::uint32_t id) const noexcept {
        if (!slots_.empty() && slots_[place_of(id)] != Http2Stream::kNone) {
            __builtin_prefetch(&streams_.at(slots_[place_of(id)]));
        }
    }
    // The slot of the stream that the last find() has returned.
    [[nodiscard]] std::uint32_t found() const noexcept { return found_; }

    void clear() noexcept {
        slots_ = {};
        size_ = 0;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t memory() const noexcept { return slots_.capacity() * sizeof slots_[0]; }
    // With kNone where there is no stream.
    [[nodiscard]] std::span<const std::uint32_t> slots() const noexcept { return slots_; }

private:
    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
    // A peer chooses ids: a secret factor keeps it from choosing such as collide. Sixteen ids in a row stay together,
    // since frames of neighbours come together.
    [[nodiscard]] std::size_t place_of(std::uint32_t id) const noexcept {
        const std::uint64_t number = id >> 1U;
        const std::uint64_t row = ((number >> 4U) * factor_) >> 32U;
        return ((row << 4U) | (number & 15U)) & mask();
    }
    void rehash(std::size_t size);
    void put(std::uint32_t slot) noexcept;

    Http2Streams& streams_;
    std::vector<std::uint32_t> slots_;
    std::uint64_t factor_ = 0;
    std::size_t size_ = 0;
    std::uint32_t found_ = Http2Stream::kNone;
};

}  // namespace c10k

template <>
struct std::is_error_code_enum<c10k::Http2StreamError> : std::true_type {};
