#include "testkit/trace.hpp"

#include <cinttypes>
#include <cstdio>
#include <string>

namespace c10k::testkit {

void Trace::add(std::uint64_t number) noexcept { hash_ = (hash_ ^ number) * 0x100000001B3; }

void Trace::add(std::string_view bytes) noexcept {
    for (const char byte : bytes) {
        add(static_cast<unsigned char>(byte));
    }
}

void Trace::note(std::int64_t now, std::uint32_t slot, std::uint32_t generation, std::string_view what,
                 std::string_view bytes) {
    add(static_cast<std::uint64_t>(now));
    add(slot);
    add(generation);
    add(what);
    add(bytes.size());
    add(bytes);
    if (lines_ == Lines::kStandardError) {
        const std::string size = bytes.empty() ? "" : " " + std::to_string(bytes.size()) + " bytes";
        std::fprintf(stderr, "%9" PRId64 " ms  socket %" PRIu32 ".%" PRIu32 " %.*s%s  [%016" PRIx64 "]\n", now, slot,
                     generation, static_cast<int>(what.size()), what.data(), size.c_str(), hash_);
    }
}

}  // namespace c10k::testkit
