#pragma once

#include "c10k/message.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::load {

// How many bytes the messages have: "64", from a range "16-1024", or some so often and others so often: "16:9,1024:1".
class Sizes {
public:
    // Throws std::invalid_argument with a text for the user, which begins with the text that is wrong.
    static Sizes parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] std::size_t min() const noexcept;
    [[nodiscard]] std::size_t max() const noexcept;

    // Messages of these sizes, in a mixed order in which each size is as frequent as it should be. They differ in their
    // bytes, and are the same each time.
    [[nodiscard]] std::vector<Message> messages(Message::Kind kind) const;

private:
    struct Part {
        std::size_t from = 0;
        std::size_t to = 0;
        double weight = 1;
    };

    static Part parse_part(std::string_view text, std::string_view all);
    // The size that this share of the messages does not exceed, with the parts in their order.
    [[nodiscard]] std::size_t at(double share) const;

    std::string text_;
    std::vector<Part> parts_;
};

}  // namespace c10k::load
