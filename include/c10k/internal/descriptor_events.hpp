#pragma once

#include <cstdint>

namespace c10k::internal {

// What a task wants to do with a descriptor without blocking.
enum class Readiness : std::uint8_t { kReadable, kWritable };

// Hears from a backend that a descriptor is ready.
class DescriptorEvents {
public:
    // It is ready, or cannot be watched: `error` is 0 or an errno. Called once for each Backend::watch().
    virtual void on_ready(int error) = 0;

protected:
    ~DescriptorEvents() = default;
};

}  // namespace c10k::internal
