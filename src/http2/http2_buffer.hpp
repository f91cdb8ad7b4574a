#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace c10k {

// Bytes that only grow until all of them are taken.
class Http2Buffer {
public:
    // Room for `size` more bytes, which the caller fills before anything else happens. Throws std::bad_alloc.
    char* extend(std::size_t size) {
        if (capacity_ - end_ < size) {
            grow(size);
        }
        char* const room = bytes_.get() + end_;
        end_ += size;
        return room;
    }
    void consume(std::size_t size) noexcept { begin_ += size; }
    // Keeps its memory.
    void clear() noexcept { begin_ = end_ = 0; }

    [[nodiscard]] char* begin() const noexcept { return bytes_.get() + begin_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    struct Free {
        void operator()(char* bytes) const noexcept { std::free(bytes); }
    };

    void grow(std::size_t size) {
        constexpr std::size_t kSmallest = 4096;
        std::size_t capacity = capacity_ < kSmallest ? kSmallest : 2 * capacity_;
        while (capacity - end_ < size) {
            capacity *= 2;
        }
        void* const grown = std::realloc(bytes_.get(), capacity);
        if (grown == nullptr) {
            throw std::bad_alloc{};
        }
        static_cast<void>(bytes_.release());
        bytes_.reset(static_cast<char*>(grown));
        capacity_ = capacity;
    }

    std::unique_ptr<char, Free> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// Buffers that a loop lends to its connections while they have something to send: one that has nothing holds no memory,
// and one that has takes none from the allocator.
class Http2Buffers {
public:
    [[nodiscard]] Http2Buffer lend() noexcept {
        if (free_.empty()) {
            return {};
        }
        Http2Buffer buffer = std::move(free_.back());
        free_.pop_back();
        bytes_ -= buffer.capacity();
        return buffer;
    }
    void take_back(Http2Buffer buffer) noexcept {
        if (bytes_ + buffer.capacity() <= kMaxBytes && free_.size() < kMost) {
            buffer.clear();
            bytes_ += buffer.capacity();
            free_.push_back(std::move(buffer));
        }
    }
    Http2Buffers() { free_.reserve(kMost); }

private:
    static constexpr std::size_t kMaxBytes = std::size_t{8} * 1024 * 1024;
    static constexpr std::size_t kMost = 256;

    std::vector<Http2Buffer> free_;
    std::size_t bytes_ = 0;
};

}  // namespace c10k
