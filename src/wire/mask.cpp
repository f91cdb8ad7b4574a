#include "wire/mask.hpp"

#include "base/random.hpp"

#include <bit>
#include <cstring>

namespace c10k::wire {

MaskKey MaskKey::read(const char* from) noexcept {
    MaskKey key;
    std::memcpy(&key.bits_, from, kSize);
    return key;
}

MaskKey MaskKey::random() { return MaskKey(random_u32()); }

void MaskKey::write(char* to) const noexcept { std::memcpy(to, &bits_, kSize); }

void MaskKey::apply(std::string_view from, char* to) const noexcept {
    const std::uint64_t wide_key = std::uint64_t{bits_} << 32 | bits_;
    std::size_t i = 0;
    for (; i + sizeof wide_key <= from.size(); i += sizeof wide_key) {
        std::uint64_t word;
        std::memcpy(&word, from.data() + i, sizeof word);
        word ^= wide_key;
        std::memcpy(to + i, &word, sizeof word);
    }
    char key[sizeof wide_key];
    std::memcpy(key, &wide_key, sizeof key);
    for (std::size_t k = 0; i < from.size(); ++i, ++k) {
        to[i] = static_cast<char>(from[i] ^ key[k]);
    }
}

MaskKey MaskKey::after(std::size_t bytes) const noexcept {
    const int bits = static_cast<int>(bytes % kSize) * 8;
    return MaskKey(std::endian::native == std::endian::little ? std::rotr(bits_, bits) : std::rotl(bits_, bits));
}

}  // namespace c10k::wire
