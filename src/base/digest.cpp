#include "base/digest.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <openssl/evp.h>
#include <stdexcept>

namespace c10k {

namespace {

bool is_base64_char(char c) noexcept { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; }

}  // namespace

std::array<char, 20> sha1(std::string_view bytes) {
    std::array<char, 20> digest;
    if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha1(),
                   nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no SHA-1");
    }
    return digest;
}

std::string base64_encode(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4, '\0');  // OpenSSL writes a NUL behind, where the string keeps its own
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
    return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
    // OpenSSL's decoder trims spaces and keeps the padding's zero bytes, so the form is checked here.
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    const std::string_view data = text.substr(0, text.size() - padding);
    if (text.size() % 4 != 0 || !std::all_of(data.begin(), data.end(), is_base64_char)) {
        return std::nullopt;
    }
    std::string bytes(text.size() / 4 * 3, '\0');
    EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(text.data()),
                    static_cast<int>(text.size()));
    bytes.resize(bytes.size() - padding);
    return bytes;
}

}  // namespace c10k
