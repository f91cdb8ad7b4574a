#include "allocation/failing.hpp"

#include "base/block_pool.hpp"

#include <cstdint>
#include <cstdlib>
#include <new>
#include <zlib.h>

// The linker (--wrap) has all calls of malloc(), realloc() and deflateInit2() come here, and leads to the real ones
// from here.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
int __real_deflateInit2_(z_streamp stream, int level, int method, int window_bits, int memory_level, int strategy,
                         const char* version, int stream_size);
}

namespace c10k::allocation {
namespace {

thread_local std::size_t left = 0;               // allocations up to the one that fails, with it; 0: none will
thread_local std::size_t most_bytes = SIZE_MAX;  // that can be had at once
thread_local bool deflate_fails = false;
thread_local bool has_failed = false;

bool is_to_fail(std::size_t size) noexcept {
    if (size > most_bytes) {
        has_failed = true;
        return true;
    }
    if (left == 0 || --left > 0) {
        return false;
    }
    has_failed = true;
    return true;
}

}  // namespace

void fail(std::size_t n) noexcept {
    release_free_blocks();
    left = n + 1;
    has_failed = false;
}

void fail_from_bytes(std::size_t bytes) noexcept {
    most_bytes = bytes - 1;
    has_failed = false;
}

void fail_deflate() noexcept {
    deflate_fails = true;
    has_failed = false;
}

bool stop_failing() noexcept {
    left = 0;
    most_bytes = SIZE_MAX;
    deflate_fails = false;
    return has_failed;
}

}  // namespace c10k::allocation

extern "C" {
void* __wrap_malloc(std::size_t size) { return c10k::allocation::is_to_fail(size) ? nullptr : __real_malloc(size); }

void* __wrap_realloc(void* memory, std::size_t size) {
    return c10k::allocation::is_to_fail(size) ? nullptr : __real_realloc(memory, size);
}

int __wrap_deflateInit2_(z_streamp stream, int level, int method, int window_bits, int memory_level, int strategy,
                         const char* version, int stream_size) {
    if (c10k::allocation::deflate_fails) {
        c10k::allocation::has_failed = true;
        return Z_MEM_ERROR;
    }
    return __real_deflateInit2_(stream, level, method, window_bits, memory_level, strategy, version, stream_size);
}
}

void* operator new(std::size_t size) {
    void* memory = c10k::allocation::is_to_fail(size) ? nullptr : __real_malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc{};
    }
    return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
