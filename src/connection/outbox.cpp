#include "connection/outbox.hpp"

#include "base/block_pool.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

namespace c10k {
namespace {

// Sharing costs a chunk and a piece of the send of its own: below this, copying is cheaper.
constexpr std::size_t kShareFrom = 4096;
constexpr std::size_t kFirstChunk = 512;  // of the free blocks; in half of it, answers to 16 messages would take two
constexpr std::size_t kLargestChunk = 32 * 1024;
// How many bytes of droppable frames the kernel sees at once: bytes that it has seen may not be dropped any more.
constexpr std::size_t kMaxLooseShown = 64 * 1024;

}  // namespace

// Either holds bytes, which then follow it in memory, or shares a frame.
struct Outbox::Chunk {
    Chunk* next;
    internal::EncodedFrame shared;
    const char* data;
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t capacity;  // 0 if it shares
    Kind kind;               // a loose one holds whole frames, and nothing else
    bool is_shown;           // by gather(), and not answered by consume()

    static Chunk* holding(std::size_t wanted) {
        const std::size_t total = BlockPool::rounded(wanted);
        auto* chunk = new (take_block(total)) Chunk{};
        chunk->data = reinterpret_cast<const char*>(chunk + 1);
        chunk->capacity = static_cast<std::uint32_t>(total - sizeof(Chunk));
        return chunk;
    }
    static void destroy(Chunk* chunk) noexcept {
        const std::size_t bytes = sizeof(Chunk) + chunk->capacity;
        chunk->~Chunk();
        give_block(chunk, bytes);
    }
    char* room() noexcept { return reinterpret_cast<char*>(this + 1) + end; }
    // Drops all frames of which nothing has been sent. Returns how many. Requires: it is loose, and not shown.
    std::size_t drop_frames() noexcept {
        std::size_t dropped = 0;
        std::uint32_t first = end;
        for (std::uint32_t at = 0; at < end;) {
            const wire::FrameHeader header({data + at, end - at});
            if (at >= begin) {
                first = std::min(first, at);
                ++dropped;
            }
            at += static_cast<std::uint32_t>(header.size() + header.length());
        }
        end = first;
        return dropped;
    }
};

char* Outbox::extend(std::size_t size) { return extend(size, Kind::kKept); }

char* Outbox::extend(std::size_t size, Kind kind) {
    if (last_ == nullptr || last_->capacity - last_->end < size || last_->capacity == 0 || last_->kind != kind) {
        // Chunks grow with the bytes queued, so that few bytes take little memory and many take few chunks.
        const std::size_t usual = std::clamp(bytes_, kFirstChunk, kLargestChunk);
        Chunk* chunk = Chunk::holding(std::max(usual, sizeof(Chunk) + size));
        chunk->kind = kind;
        append(chunk);
    }
    char* room = last_->room();
    last_->end += static_cast<std::uint32_t>(size);
    bytes_ += size;
    return room;
}

void Outbox::append(std::string_view bytes) {
    if (!bytes.empty()) {
        std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
    }
}

void Outbox::append(Chunk* chunk) noexcept {
    (last_ != nullptr ? last_->next : first_) = chunk;
    last_ = chunk;
}

void Outbox::append_frame(const internal::EncodedFrame& frame) { append_frame(frame, Kind::kKept); }

void Outbox::append_loose_frame(const internal::EncodedFrame& frame) { append_frame(frame, Kind::kLoose); }

void Outbox::append_frame(const internal::EncodedFrame& frame, Kind kind) {
    const std::string_view bytes = frame.bytes();
    if (bytes.size() < kShareFrom) {
        std::memcpy(extend(bytes.size(), kind), bytes.data(), bytes.size());
        return;
    }
    Chunk* chunk = Chunk::holding(sizeof(Chunk));
    chunk->shared = frame;
    chunk->data = bytes.data();
    chunk->end = static_cast<std::uint32_t>(bytes.size());
    chunk->capacity = 0;
    chunk->kind = kind;
    append(chunk);
    bytes_ += bytes.size();
}

std::size_t Outbox::drop_oldest(std::size_t most) noexcept {
    std::size_t dropped = 0;
    Chunk* kept = nullptr;  // the last chunk before the one at hand
    for (Chunk* chunk = first_; chunk != nullptr && bytes_ > most;) {
        Chunk* next = chunk->next;
        if (chunk->kind == Kind::kLoose && !chunk->is_shown) {
            const std::uint32_t before = chunk->end;
            dropped += chunk->drop_frames();
            bytes_ -= before - chunk->end;
        }
        if (chunk->begin != chunk->end) {
            kept = chunk;
        } else {
            (kept != nullptr ? kept->next : first_) = next;
            last_ = chunk == last_ ? kept : last_;
            Chunk::destroy(chunk);
        }
        chunk = next;
    }
    return dropped;
}

void Outbox::prepend(std::string_view bytes) {
    if (first_ == nullptr) {
        append(bytes);
    } else if (!bytes.empty()) {
        Chunk* chunk = Chunk::holding(sizeof(Chunk) + bytes.size());
        std::memcpy(chunk->room(), bytes.data(), bytes.size());
        chunk->end = static_cast<std::uint32_t>(bytes.size());
        chunk->next = std::exchange(first_, chunk);
        bytes_ += bytes.size();
    }
}

std::span<iovec> Outbox::gather(std::span<iovec> pieces) const noexcept {
    std::size_t count = 0;
    std::size_t loose = 0;
    for (Chunk* chunk = first_; chunk != nullptr && count < pieces.size() && loose < kMaxLooseShown;
         chunk = chunk->next) {
        chunk->is_shown = true;
        pieces[count++] = {const_cast<char*>(chunk->data + chunk->begin), chunk->end - chunk->begin};
        loose += chunk->kind == Kind::kLoose ? chunk->end - chunk->begin : 0;
    }
    return pieces.first(count);
}

void Outbox::consume(std::size_t size) noexcept {
    bytes_ -= size;
    while (first_ != nullptr) {
        const std::size_t taken = std::min<std::size_t>(size, first_->end - first_->begin);
        first_->begin += static_cast<std::uint32_t>(taken);
        size -= taken;
        if (first_->begin != first_->end) {
            for (Chunk* chunk = first_; chunk != nullptr && chunk->is_shown; chunk = chunk->next) {
                chunk->is_shown = false;
            }
            return;
        }
        Chunk::destroy(std::exchange(first_, first_->next));
    }
    last_ = nullptr;
}

std::shared_ptr<const void> Outbox::release() noexcept {
    if (empty()) {
        return nullptr;
    }
    std::shared_ptr<Outbox> released;
    try {
        released = std::make_shared<Outbox>();
    } catch (const std::bad_alloc&) {
        // Without memory for an owner there is no way to note when the kernel has read them: they stay for ever.
        static std::atomic<Chunk*> kept_for_ever{nullptr};
        last_->next = kept_for_ever.load();
        while (!kept_for_ever.compare_exchange_weak(last_->next, first_)) {
        }
        first_ = last_ = nullptr;
        bytes_ = 0;
        return nullptr;
    }
    released->first_ = std::exchange(first_, nullptr);
    released->last_ = std::exchange(last_, nullptr);
    released->bytes_ = std::exchange(bytes_, 0);
    return released;
}

}  // namespace c10k
