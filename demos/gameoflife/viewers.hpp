#pragma once

#include "gameoflife/shared_game.hpp"

#include <c10k/semaphore.hpp>
#include <c10k/services.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace life {

class Viewer;

// The pages of one loop that watch with life.viewer. While something changes they are woken 40 times a second, each
// time with the next number, a tick; and they share the part of the loop's time that pictures may take.
class Viewers {
public:
    static constexpr const char* kProtocol = "life.viewer";

    Viewers(c10k::Services& services, SharedGame& game);

    // Serves a page: the view of its route. `refusal` says why it may not control the game; "" if it may.
    c10k::Task<> serve(c10k::WebSocket& socket, std::string refusal);

    // ---- For a viewer

    [[nodiscard]] SharedGame& game() noexcept { return game_; }
    [[nodiscard]] std::uint64_t tick() const noexcept { return tick_; }
    // The page has asked for something: it is woken soon.
    void wake_soon() { alarm_.ring(); }
    // The caller has read so many cells. Suspends until pictures may take the loop's time again.
    c10k::Task<> pay(std::size_t cells);

private:
    c10k::Task<> keep_ticking();

    c10k::Services& services_;
    SharedGame& game_;
    Feed::Alarm alarm_;
    bool keeps_ticking_ = false;
    std::uint64_t tick_ = 1;
    std::vector<Viewer*> viewers_;
    c10k::Semaphore turn_{1};  // to read cells
    c10k::Duration debt_{};
};

}  // namespace life
