#include "gameoflife/batch_watchers.hpp"

#include <chrono>
#include <utility>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// How long the server gathers updates for watchers that take many in one message.
constexpr auto kBatchTime = 25ms;

// How often the server tells watchers how many workers have come.
constexpr auto kGatheringTime = 500ms;

std::string gathering_text(const Feed::Glance& game) {
    return "gathering " + std::to_string(game.connected) + ' ' + std::to_string(game.subscribed);
}

}  // namespace

BatchWatchers::BatchWatchers(Services& services, Feed& feed)
    : services_(services), feed_(feed), channel_(feed, services.settings.mailbox_bytes), alarm_(feed),
      all_(services.groups.named({"life.watchers", "batch", std::to_string(channel_.number())})),
      gathering_(services.groups.named({"life.watchers", "gathering", std::to_string(channel_.number())})) {}

Task<> BatchWatchers::serve(WebSocket& socket) {
    if (!std::exchange(keeps_sending_news_, true)) {
        services_.background.spawn(keep_sending_news());
    }
    const Feed::Channel::Listener listener{channel_};
    Feed::Channel::Reader reader;
    Membership here;
    socket.accept();
    {
        const Semaphore::Permit turn = co_await turn_.acquire();  // the others wait: nothing in here may
        const Feed::Channel::News now = send_news();              // older than this watcher
        reader.game = now.game;
        socket.deliver("size " + std::to_string(now.size));
        here = co_await all_.join(socket);
    }
    Membership hearing;
    if (socket.subprotocol() == kGatheringProtocol) {
        if (!std::exchange(keeps_telling_gathering_, true)) {
            services_.background.spawn(keep_telling_gathering());
        }
        hearing = co_await gathering_.join(socket);
        if (const Feed::Glance now = feed_.glance(); now.phase == Feed::Phase::kGathering) {
            co_await socket.send(gathering_text(now));
        }
    }
    co_await send_last_words(socket, reader);
    co_await socket.recv();
}

Feed::Channel::News BatchWatchers::send_news(Feed::Channel::Reader* reader) {
    Feed::Channel::News news = channel_.take(reader);
    for (const std::string& message : news.messages) {
        all_.send(message);
    }
    if (news.is_incomplete) {
        all_.close(CloseCode::kTryAgainLater, "too far behind");
    }
    return news;
}

Task<> BatchWatchers::keep_sending_news() {
    for (;;) {
        co_await channel_.wait();
        co_await sleep_for(kBatchTime);
        const Semaphore::Permit turn = co_await turn_.acquire();
        send_news();
    }
}

Task<> BatchWatchers::send_last_words(WebSocket& socket, Feed::Channel::Reader reader) {
    while (!reader.is_done) {
        std::string words;
        {
            const Semaphore::Permit turn = co_await turn_.acquire();
            words = send_news(&reader).last_words;
        }
        if (words.empty()) {
            co_await yield();
        } else {
            co_await socket.send(words);
        }
    }
}

Task<> BatchWatchers::keep_telling_gathering() {
    std::uint64_t told = 0;
    for (;;) {
        co_await alarm_.wait();
        co_await sleep_for(kGatheringTime);
        const Feed::Glance now = feed_.glance();
        const bool gathers = now.phase == Feed::Phase::kGathering || now.phase == Feed::Phase::kEmpty;
        if (std::exchange(told, now.changes) != now.changes && gathers) {
            gathering_.send(gathering_text(now));
        }
    }
}

}  // namespace life
