#include "base/random.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <pthread.h>
#include <sys/random.h>
#include <system_error>
#include <utility>

namespace c10k {
namespace {

void draw(std::span<char> bytes) {
    while (!bytes.empty()) {
        const ssize_t drawn = getrandom(bytes.data(), bytes.size(), 0);
        if (drawn >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(drawn));
        } else if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
    }
}

struct Pool {
    std::array<char, 1024> bytes;
    std::size_t left;  // the unused bytes are the first `left`

    void take(std::span<char> wanted) {
        if (left < wanted.size()) {
            left = 0;
            draw(bytes);
            left = bytes.size();
        }
        left -= wanted.size();
        std::memcpy(wanted.data(), bytes.data() + left, wanted.size());
        std::memset(bytes.data() + left, 0, wanted.size());  // the bytes given out may have become a secret
    }
};

constinit thread_local Pool pool{};
constinit thread_local const ScopedRandomSource* stand_in = nullptr;

// A child inherits the pool of the thread that forked; its bytes belong to the parent.
[[maybe_unused]] const int kAtFork = pthread_atfork(nullptr, nullptr, [] { pool.left = 0; });

}  // namespace

void fill_random(std::span<char> bytes) {
    if (stand_in != nullptr) {
        stand_in->fill(bytes);
    } else if (bytes.size() > pool.bytes.size()) {
        draw(bytes);
    } else {
        pool.take(bytes);
    }
}

std::uint32_t random_u32() {
    std::uint32_t number = 0;
    const std::span<char> bytes{reinterpret_cast<char*>(&number), sizeof number};
    if (stand_in != nullptr) {
        stand_in->fill(bytes);
    } else {
        pool.take(bytes);
    }
    return number;
}

ScopedRandomSource::ScopedRandomSource(std::function<void(std::span<char>)> fill)
    : fill_(std::move(fill)), outer_(std::exchange(stand_in, this)) {}

ScopedRandomSource::~ScopedRandomSource() { stand_in = outer_; }

}  // namespace c10k
