#pragma once

#include "gameoflife/feed.hpp"

#include <c10k/groups.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/services.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <cstddef>
#include <string>

namespace life {

// The watchers of one loop that take many updates in one message.
class BatchWatchers {
public:
    static constexpr const char* kProtocol = "life.batch";
    // The same, and `gathering CONNECTED SUBSCRIBED` while a game gathers its workers.
    static constexpr const char* kGatheringProtocol = "life.gathering";

    BatchWatchers(c10k::Services& services, Feed& feed);

    // Nobody else has this number.
    [[nodiscard]] std::size_t loop() const noexcept { return channel_.number(); }

    // Serves a watcher: the view of its route.
    c10k::Task<> serve(c10k::WebSocket& socket);

private:
    // Sends what has come through the channel. Returns the rest of the news, for the watcher that reads last words.
    // Requires: the caller has the turn.
    Feed::Channel::News send_news(Feed::Channel::Reader* reader = nullptr);
    c10k::Task<> keep_sending_news();
    c10k::Task<> send_last_words(c10k::WebSocket& socket, Feed::Channel::Reader reader);
    c10k::Task<> keep_telling_gathering();

    c10k::Services& services_;
    Feed& feed_;
    Feed::Channel channel_;
    c10k::Semaphore turn_{1};  // to take from the channel
    bool keeps_sending_news_ = false;
    bool keeps_telling_gathering_ = false;
    Feed::Alarm alarm_;
    c10k::Group all_;        // the channel is theirs
    c10k::Group gathering_;  // those that asked for "life.gathering"
};

}  // namespace life
