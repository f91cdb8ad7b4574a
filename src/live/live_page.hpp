#pragma once

#include "c10k/websocket.hpp"
#include "live/connection_query.hpp"
#include "live/follower.hpp"

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace c10k {

// A message of a page: {"find": "..."}, {"follow": "a41f"}, {"close": "a41f", "code": 1008, "reason": "..."}.
// NOLINTNEXTLINE(bugprone-exception-escape): the move constructor of nlohmann::json throws nothing
struct PageMessage {
    std::optional<std::string> find;
    bool is_follow = false;
    std::string follow;  // "": no more
    std::optional<std::string> close;
    std::uint16_t code = 0;
    std::string reason;
    nlohmann::json number;  // of the answer; null: none is wanted

    static constexpr std::size_t kMostFindBytes = 500;
    static constexpr std::size_t kMostReasonBytes = 123;  // RFC 6455, 5.5

    // Throws std::invalid_argument or BadRequest with a sentence.
    [[nodiscard]] static PageMessage parse(std::string_view text);
};

// Of a batch, as the page gets it.
[[nodiscard]] nlohmann::json followed_json(const std::string& id, const FollowedMessages& batch);

}  // namespace c10k
