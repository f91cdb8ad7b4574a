#pragma once

#include "gameoflife/batch_watchers.hpp"
#include "gameoflife/feed.hpp"
#include "gameoflife/game.hpp"
#include "gameoflife/shared_game.hpp"
#include "gameoflife/viewers.hpp"

#include <c10k/groups.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/values.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

namespace life {

// The server of the Game of Life. It relays the messages of each cell's worker to the workers that subscribed to that
// cell, and to watchers. It knows no rule.
class Server {
public:
    // The servers of all loops share `game`, which outlives them.
    Server(c10k::Services& services, SharedGame& game);

    c10k::Urls urls();

private:
    c10k::Task<c10k::Response> index(c10k::Request& request);
    c10k::Task<> watcher(c10k::WebSocket& socket);
    c10k::Task<> reset(c10k::WebSocket& socket);
    c10k::Task<> worker(c10k::WebSocket& socket);
    c10k::Task<> control(c10k::WebSocket& socket);

    class Worker;

    c10k::Task<Game> game();
    c10k::Task<bool> change(Game from, Game to);
    c10k::Group workers(const Game& game);
    c10k::Group subscribed(const Game& game);
    c10k::Group cell(const Game& game, int row, int col);

    c10k::Services& services_;
    Feed& feed_;
    Control& control_;
    Viewers viewers_;
    BatchWatchers batch_watchers_;
    c10k::Group watchers_;  // that take each update in a message of its own
};

}  // namespace life
