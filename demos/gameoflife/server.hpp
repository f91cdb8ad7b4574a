#pragma once

#include "gameoflife/feed.hpp"
#include "gameoflife/game.hpp"
#include "gameoflife/shared_game.hpp"
#include "gameoflife/viewers.hpp"

#include <c10k/groups.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/values.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <string>

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
    c10k::Task<> batch_watcher(c10k::WebSocket& socket);
    c10k::Task<> reset(c10k::WebSocket& socket);
    c10k::Task<> worker(c10k::WebSocket& socket);
    c10k::Task<> control(c10k::WebSocket& socket);

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

    // Sends what has come through the channel. Returns the rest of the news, for the watcher that reads last words.
    // Requires: the caller has the turn.
    Feed::Channel::News send_news(Feed::Channel::Reader* reader = nullptr);
    c10k::Task<> keep_sending_news();

    c10k::Services& services_;
    Feed& feed_;
    Control& control_;
    Viewers viewers_;
    Feed::Channel channel_;
    c10k::Semaphore turn_{1};  // to take from the channel
    bool keeps_sending_news_ = false;
    c10k::Group watchers_;
    c10k::Group batch_watchers_;      // those on this loop that asked for "life.batch": the channel is theirs
    c10k::Group gathering_watchers_;  // the watchers that asked for "life.gathering"
    Gathering news_;                  // changes on this loop that the others do not know yet
    bool tells_gathering_ = false;    // soon
};

}  // namespace life
