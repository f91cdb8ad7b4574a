#include "server/application.hpp"

#include <cstring>
#include <new>

namespace c10k {

Captures::Captures(std::span<const std::string_view> texts) {
    if (texts.empty()) {
        return;
    }
    std::size_t characters = 0;
    for (const std::string_view text : texts) {
        characters += text.size();
    }
    const std::size_t head = sizeof(std::size_t) + texts.size() * sizeof(std::string_view);
    block_.reset(new char[head + characters]);
    const std::size_t count = texts.size();
    std::memcpy(block_.get(), &count, sizeof count);
    char* view = block_.get() + sizeof count;
    char* to = block_.get() + head;
    for (const std::string_view text : texts) {
        std::memcpy(to, text.data(), text.size());
        new (view) std::string_view{to, text.size()};
        view += sizeof(std::string_view);
        to += text.size();
    }
}

std::span<const std::string_view> Captures::texts() const noexcept {
    if (!block_) {
        return {};
    }
    std::size_t count = 0;
    std::memcpy(&count, block_.get(), sizeof count);
    return {std::launder(reinterpret_cast<const std::string_view*>(block_.get() + sizeof count)), count};
}

}  // namespace c10k
