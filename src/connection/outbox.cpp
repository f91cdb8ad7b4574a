#include "connection/outbox.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace c10k {
namespace {

// Sharing costs a chunk and a piece of the send of its own: below this, copying is cheaper.
constexpr std::size_t kShareFrom = 4096;
constexpr std::size_t kFirstChunk = 256;
constexpr std::size_t kLargestChunk = 16 * 1024;

}  // namespace

// Either holds bytes, which then follow it in memory, or shares a message.
struct Outbox::Chunk {
    Chunk* next;
    Message shared;
    const char* data;
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t capacity;  // 0 if it shares

    static Chunk* holding(std::size_t total) {
        void* memory = std::malloc(total);
        if (memory == nullptr) {
            throw std::bad_alloc{};
        }
        auto* chunk = new (memory) Chunk{};
        chunk->data = reinterpret_cast<const char*>(chunk + 1);
        chunk->capacity = static_cast<std::uint32_t>(total - sizeof(Chunk));
        return chunk;
    }
    char* room() noexcept { return reinterpret_cast<char*>(this + 1) + end; }
};

char* Outbox::extend(std::size_t size) {
    if (last_ == nullptr || last_->capacity - last_->end < size || last_->capacity == 0) {
        // Chunks grow with what has gathered, so that little takes little and much takes few.
        const std::size_t usual = std::clamp(bytes_, kFirstChunk, kLargestChunk);
        Chunk* chunk = Chunk::holding(std::max(usual, sizeof(Chunk) + size));
        (last_ != nullptr ? last_->next : first_) = chunk;
        last_ = chunk;
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

void Outbox::append_frame(const Message& message) {
    const std::string_view frame = message.frame();
    if (frame.size() < kShareFrom) {
        append(frame);
        return;
    }
    Chunk* chunk = Chunk::holding(sizeof(Chunk));
    chunk->shared = message;
    chunk->data = frame.data();
    chunk->end = static_cast<std::uint32_t>(frame.size());
    chunk->capacity = 0;
    (last_ != nullptr ? last_->next : first_) = chunk;
    last_ = chunk;
    bytes_ += frame.size();
}

void Outbox::prepend(std::string_view bytes) {
    if (first_ == nullptr) {
        append(bytes);
    } else if (!bytes.empty()) {
        Chunk* chunk = Chunk::holding(sizeof(Chunk) + bytes.size());
        std::memcpy(chunk->room(), bytes.data(), bytes.size());
        chunk->end = chunk->capacity;
        chunk->next = std::exchange(first_, chunk);
        bytes_ += bytes.size();
    }
}

std::span<iovec> Outbox::gather(std::span<iovec> pieces) const noexcept {
    std::size_t count = 0;
    for (const Chunk* chunk = first_; chunk != nullptr && count < pieces.size(); chunk = chunk->next) {
        pieces[count++] = {const_cast<char*>(chunk->data + chunk->begin), chunk->end - chunk->begin};
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
            return;
        }
        Chunk* done = std::exchange(first_, first_->next);
        done->~Chunk();
        std::free(done);
    }
    last_ = nullptr;
}

std::shared_ptr<const void> Outbox::release() {
    if (empty()) {
        return nullptr;
    }
    auto released = std::make_shared<Outbox>();
    released->first_ = std::exchange(first_, nullptr);
    released->last_ = std::exchange(last_, nullptr);
    released->bytes_ = std::exchange(bytes_, 0);
    return released;
}

}  // namespace c10k
