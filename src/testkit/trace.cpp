#include "testkit/trace.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

namespace c10k::testkit {

void Trace::add(std::uint64_t number) noexcept {
    hash_ = (hash_ ^ number) * 0x9FB21C651E98DF25;  // odd, so that nothing is lost
    hash_ ^= hash_ >> 32;                           // and all bits count in all
}

void Trace::add(std::string_view bytes) noexcept {
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, std::min(sizeof word, bytes.size() - i));
        add(word);
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
        begin_ = begin_.value_or(now);
        std::fprintf(stderr, "%9" PRId64 " ms  socket %" PRIu32 ".%" PRIu32 " %.*s%s  [%016" PRIx64 "]\n",
                     now - *begin_, slot, generation, static_cast<int>(what.size()), what.data(), size.c_str(), hash_);
    }
}

}  // namespace c10k::testkit
