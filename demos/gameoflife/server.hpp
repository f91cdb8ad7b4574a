#pragma once

#include "gameoflife/game.hpp"

#include <c10k/groups.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/values.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <string>

namespace life {

// The server of the Game of Life. It relays the messages of each cell's worker to the workers that subscribed to that
// cell, and to watchers. It knows no rule.
class Server {
public:
    explicit Server(c10k::Services& services);

    c10k::Urls urls();

private:
    c10k::Task<c10k::Response> index(c10k::Request& request);
    c10k::Task<> watcher(c10k::WebSocket& socket);
    c10k::Task<> reset(c10k::WebSocket& socket);
    c10k::Task<> worker(c10k::WebSocket& socket);

    class Worker;

    c10k::Task<Game> game();
    c10k::Task<bool> change(Game from, Game to);
    c10k::Group workers(const Game& game);
    c10k::Group subscribed(const Game& game);
    c10k::Group cell(const Game& game, int row, int col);

    // Adds to the number of workers in the game, and of those that have subscribed; both may be negative.
    void count_workers(const Game& of, int connected, int subscribed);
    c10k::Task<> tell_gathering_soon();
    // The text for watchers while a game gathers workers; empty if none does.
    c10k::Task<std::string> gathering();

    void relay_to_watchers(const c10k::Message& update);
    void send_batch();
    c10k::Task<> send_batch_soon();

    c10k::Services& services_;
    c10k::Group watchers_;
    c10k::Group batch_watchers_;
    c10k::Group gathering_watchers_;  // the watchers that asked for "life.gathering"
    std::string batch_;               // updates, one a line, for watchers that asked for "life.batch"
    Gathering news_;                  // changes on this loop that the others do not know yet
    bool tells_gathering_ = false;    // soon
};

}  // namespace life
