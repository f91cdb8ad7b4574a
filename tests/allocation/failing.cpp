#include "allocation/failing.hpp"

#include <cstdlib>
#include <new>

// The linker (--wrap) has all calls of malloc() and realloc() come here, and leads to the real ones from here.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
}

namespace c10k::allocation {
namespace {

thread_local std::size_t left = 0;  // allocations up to the one that fails, with it; 0: none will
thread_local bool has_failed = false;

bool is_to_fail() noexcept {
    if (left == 0 || --left > 0) {
        return false;
    }
    has_failed = true;
    return true;
}

}  // namespace

void fail(std::size_t n) noexcept {
    left = n + 1;
    has_failed = false;
}

bool stop_failing() noexcept {
    left = 0;
    return has_failed;
}

}  // namespace c10k::allocation

extern "C" {
void* __wrap_malloc(std::size_t size) { return c10k::allocation::is_to_fail() ? nullptr : __real_malloc(size); }

void* __wrap_realloc(void* memory, std::size_t size) {
    return c10k::allocation::is_to_fail() ? nullptr : __real_realloc(memory, size);
}
}

void* operator new(std::size_t size) {
    void* memory = c10k::allocation::is_to_fail() ? nullptr : __real_malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc{};
    }
    return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
