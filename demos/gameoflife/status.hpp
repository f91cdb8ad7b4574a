#pragma once

#include "gameoflife/control.hpp"
#include "gameoflife/feed.hpp"
#include "gameoflife/page_message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

// The texts for pages, as docs/reference/life-protocols.md has them.
namespace life {

// `refusal` says why this page may not control the game; "" if it may.
[[nodiscard]] std::string status_text(const Feed::Summary& game, const Control::State& control,
                                      std::string_view refusal);
// `report` is empty if the cell has not spoken.
[[nodiscard]] std::string card_text(CellPlace place, const std::optional<Feed::CellReport>& report);
// `error` is "" if all is well.
[[nodiscard]] std::string answer_text(std::uint64_t id, std::string_view error);

}  // namespace life
