#include "gameoflife/server.hpp"

#include "gameoflife/control_permission.hpp"
#include "gameoflife/worker_message.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

constexpr const char* kGameValue = "gameoflife";
constexpr const char* kGatheringValue = "gameoflife.gathering";
constexpr const char* kBatchProtocol = "life.batch";
// The same, and `gathering CONNECTED SUBSCRIBED` while a game gathers its workers.
constexpr const char* kGatheringProtocol = "life.gathering";

// How long the server gathers updates for watchers that take many in one message.
constexpr auto kBatchTime = 25ms;

// How often the server tells watchers how many workers have come.
constexpr auto kGatheringTime = 500ms;

void say_each_hundredth(std::size_t count, const char* what) {
    if (count % 100 == 0) {
        std::printf("  %zu workers %s\n", count, what);
        std::fflush(stdout);
    }
}

// Waits until `socket` would be the only member.
Task<> until_left_by_others(Group& group, WebSocket& socket) {
    for (;;) {
        const Membership here = co_await group.join(socket);
        if (here.count() == 1) {
            co_return;
        }
        co_await sleep_for(1ms);
    }
}

void say(const char* line) {
    std::puts(line);
    std::fflush(stdout);
}

std::optional<int> parse_size(std::string_view text) {
    int size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    const bool valid = error == std::errc{} && end == text.data() + text.size() && size >= 1 && size <= Game::kMaxSize;
    return valid ? std::optional{size} : std::nullopt;
}

}  // namespace

Server::Server(Services& services, SharedGame& game)
    : services_(services), feed_(game.feed), control_(game.control), viewers_(services, game),
      channel_(game.feed, services.settings.mailbox_bytes), watchers_(services.groups.named("life.watchers")),
      batch_watchers_(services.groups.named({"life.watchers", "batch", std::to_string(channel_.number())})),
      gathering_watchers_(services.groups.named("life.watchers", "gathering")) {}

Urls Server::urls() {
    return {
        path("", this, &Server::index, "index"),
        path("watcher/", this, &Server::watcher, "watcher")
            .subprotocols({Viewers::kProtocol, kGatheringProtocol, kBatchProtocol}),
        path("reset/", this, &Server::reset, "reset"),
        path("worker/", this, &Server::worker, "worker"),
        path("control/", this, &Server::control, "control").subprotocols({Control::kProtocol}),
    };
}

// ---- What the loops share

Task<Game> Server::game() {
    const std::optional<std::string> text = co_await services_.values.get(kGameValue);
    co_return text ? Game::parse(*text) : Game{};
}

// Puts `to` in force if `from` still is.
Task<bool> Server::change(Game from, Game to) {
    std::optional<std::string> expected = co_await services_.values.get(kGameValue);
    if (expected && *expected != from.text()) {
        co_return false;
    }
    std::string next = to.text();
    co_return co_await services_.values.compare_and_set(kGameValue, std::move(expected), std::move(next));
}

Group Server::workers(const Game& game) { return services_.groups.named("life.workers", std::to_string(game.number)); }

Group Server::subscribed(const Game& game) {
    return services_.groups.named("life.subscribed", std::to_string(game.number));
}

// The workers that want to hear of one cell.
Group Server::cell(const Game& game, int row, int col) {
    return services_.groups.named({"life.cell", std::to_string(game.number), std::to_string(row), std::to_string(col)});
}

// ---- Watching

Task<Response> Server::index(Request& request) {
    const Game now = co_await game();
    co_return services_.templates.render(request, "gameoflife/index.html", {{"size", now.size}});
}

Task<> Server::watcher(WebSocket& socket) {
    if (socket.subprotocol() == Viewers::kProtocol) {
        std::string refusal = control_refusal(services_.settings, socket.request().peer);
        co_await viewers_.serve(socket, std::move(refusal));
        co_return;
    }
    if (!socket.subprotocol().empty()) {
        co_await batch_watcher(socket);
        co_return;
    }
    const Membership here = co_await watchers_.join(socket);
    co_await socket.recv();  // a watcher has nothing to say: any message ends the view
}

Task<> Server::batch_watcher(WebSocket& socket) {
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
        here = co_await batch_watchers_.join(socket);
    }
    Membership hearing;
    if (socket.subprotocol() == kGatheringProtocol) {
        hearing = co_await gathering_watchers_.join(socket);
        if (const std::string now = co_await gathering(); !now.empty()) {
            co_await socket.send(now);
        }
    }
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
    co_await socket.recv();
}

Feed::Channel::News Server::send_news(Feed::Channel::Reader* reader) {
    Feed::Channel::News news = channel_.take(reader);
    for (const std::string& message : news.messages) {
        batch_watchers_.send(message);
    }
    if (news.is_incomplete) {
        batch_watchers_.close(CloseCode::kTryAgainLater, "too far behind");
    }
    return news;
}

Task<> Server::keep_sending_news() {
    for (;;) {
        co_await channel_.wait();
        co_await sleep_for(kBatchTime);
        const Semaphore::Permit turn = co_await turn_.acquire();
        send_news();
    }
}

// No coroutine: a worker would have room for it in its frame for as long as it lives.
void Server::count_workers(const Game& of, int connected, int subscribed) {
    if (news_.number > of.number) {
        return;  // a game that is over
    }
    if (news_.number < of.number) {
        news_ = {of.number, 0, 0};
    }
    news_.connected += connected;
    news_.subscribed += subscribed;
    if (!std::exchange(tells_gathering_, true)) {
        services_.background.spawn(tell_gathering_soon());
    }
}

Task<> Server::tell_gathering_soon() {
    co_await sleep_for(kGatheringTime);
    tells_gathering_ = false;
    const Gathering news = news_;
    news_ = Gathering{.number = news.number};
    for (bool is_told = false; !is_told;) {
        std::optional<std::string> before = co_await services_.values.get(kGatheringValue);
        Gathering all = before ? Gathering::parse(*before) : Gathering{};
        if (all.number > news.number) {
            co_return;
        }
        if (all.number < news.number) {
            all = Gathering{.number = news.number};
        }
        all.connected += news.connected;
        all.subscribed += news.subscribed;
        std::string after = all.text();
        is_told = co_await services_.values.compare_and_set(kGatheringValue, std::move(before), std::move(after));
    }
    if (const std::string text = co_await gathering(); !text.empty()) {
        gathering_watchers_.send(text);
    }
}

Task<std::string> Server::gathering() {
    const Game now = co_await game();
    const std::optional<std::string> text = co_await services_.values.get(kGatheringValue);
    const Gathering gathering = text ? Gathering::parse(*text) : Gathering{};
    if (!text || gathering.number != now.number || now.phase == Game::Phase::kRunning) {
        co_return "";  // once a game runs, the cells' states tell more
    }
    co_return "gathering " + std::to_string(gathering.connected) + ' ' + std::to_string(gathering.subscribed);
}

Task<> Server::reset(WebSocket& socket) {
    const std::optional<Message> message = co_await socket.recv();
    if (!message) {
        co_return;
    }
    const std::optional<int> size = parse_size(*message);
    if (!size) {
        socket.close(CloseCode::kPolicyViolation, "the size is a decimal number from 1 to 4096");
        co_return;
    }
    Game before;
    Game after;
    do {
        before = co_await game();
        after.number = before.number + 1;
        after.size = *size;
        after.resets = before.resets + 1;
    } while (!co_await change(before, after));
    feed_.begin(after);
    control_.reset();
    Group old_workers = workers(before);
    old_workers.close(CloseCode::kServiceRestart, "the game was reset");
    co_await until_left_by_others(old_workers, socket);  // then every message of theirs has gone out
}

// ---- Playing

// One worker in one game.
class Server::Worker {
public:
    Worker(Server& server, WebSocket& socket, Game game, std::string_view peer)
        : server_(server), socket_(socket), game_(game),
          number_(server.feed_.enter(game_, peer, server.channel_.number())) {}
    ~Worker() {
        Feed::Leaving leaving{.number = number_, .is_subscribed = is_subscribed_};
        if (cell_) {
            leaving.cell = std::pair{row_, col_};
        }
        leaving.is_well = !socket_.is_open() && socket_.close_info().code == CloseCode::kNormal;
        server_.feed_.leave(game_, leaving);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Throws BadMessage. A state has to wait only once.
    Task<> receive(const Message& message) {
        if (!message.is_text()) {
            throw BadMessage("messages are text");
        }
        const WorkerMessage said = WorkerMessage::parse(message, game_.size);
        switch (said.kind) {
            case WorkerMessage::Kind::kNeighbour: return subscribe(said);
            case WorkerMessage::Kind::kSub: return finish_subscribing();
            case WorkerMessage::Kind::kState:
                if (game_.phase != Game::Phase::kRunning) {
                    return relay_first(said, message);
                }
                relay(said, message);
        }
        return {};
    }

    [[nodiscard]] bool is_subscribed() const noexcept { return is_subscribed_; }

private:
    Task<> subscribe(WorkerMessage said) {
        if (is_subscribed_) {
            throw BadMessage("'ROW COL' comes before 'sub'");
        }
        if (subscriptions_.size() == game_.cells()) {
            throw BadMessage("more subscriptions than there are cells");
        }
        Membership subscription = co_await server_.cell(game_, said.row, said.col).join(socket_);
        subscriptions_.push_back(std::move(subscription));
    }

    Task<> finish_subscribing() {
        if (std::exchange(is_subscribed_, true)) {
            throw BadMessage("'sub' comes once");
        }
        subscriptions_.shrink_to_fit();
        ready_ = co_await server_.subscribed(game_).join(socket_);
        say_each_hundredth(ready_.count(), "subscribed");
        server_.feed_.subscribe(game_);
        server_.count_workers(game_, 0, 1);
        if (ready_.count() == game_.cells()) {
            game_.phase = Game::Phase::kSubscribing;
            Game running = game_;
            running.phase = Game::Phase::kRunning;
            if (co_await server_.change(game_, running)) {
                say("Telling workers to run");
                server_.feed_.run(game_);
                server_.workers(game_).send("run");
            }
        }
    }

    Task<> relay_first(WorkerMessage said, Message message) {
        const Game now = co_await server_.game();
        if (now.number != game_.number || now.phase != Game::Phase::kRunning) {
            throw BadMessage("a state comes after 'run'");
        }
        game_ = now;
        relay(said, message);
    }

    void relay(const WorkerMessage& said, const Message& message) {
        if (!cell_ || said.row != row_ || said.col != col_) {
            cell_ = server_.cell(game_, said.row, said.col);
            row_ = said.row;
            col_ = said.col;
        }
        const std::size_t receivers = cell_->count() + server_.watchers_.count();
        if (!server_.feed_.say(game_, said, message, number_, receivers)) {
            return;  // the game is over
        }
        cell_->send(message);
        server_.watchers_.send(message);
    }

    Server& server_;
    WebSocket& socket_;
    Game game_;
    std::uint32_t number_;
    bool is_subscribed_ = false;
    std::vector<Membership> subscriptions_;
    Membership ready_;
    std::optional<Group> cell_;  // the last one this worker spoke of
    int row_ = -1;
    int col_ = -1;
};

Task<> Server::control(WebSocket& socket) {
    if (const std::string refusal = control_refusal(services_.settings, socket.request().peer); !refusal.empty()) {
        socket.refuse(403, refusal);
        co_return;
    }
    co_await control_.serve(socket);
}

Task<> Server::worker(WebSocket& socket) {
    const std::string peer = socket.request().peer;
    // A place in the game now in force; a game that all have left makes way for the next.
    Game now = co_await game();
    Membership here = co_await workers(now).join(socket);
    while (here.count() == 1 && now.phase != Game::Phase::kConnecting) {
        Game next;
        next.number = now.number + 1;
        next.size = now.size;
        next.resets = now.resets;
        co_await change(now, next);
        here.leave();
        now = co_await game();
        here = co_await workers(now).join(socket);
    }
    if (here.count() > now.cells() || now.phase == Game::Phase::kRunning) {
        here.leave();
        socket.close(CloseCode::kTryAgainLater, "game is full");
        co_return;
    }
    socket.accept();
    say_each_hundredth(here.count(), "connected");
    if (now.phase == Game::Phase::kSubscribing) {
        co_await socket.send("sub");
    } else if (here.count() == now.cells()) {
        Game subscribing = now;
        subscribing.phase = Game::Phase::kSubscribing;
        if (co_await change(now, subscribing)) {
            say("Telling workers to subscribe");
            workers(now).send("sub");
        }
    }

    count_workers(now, 1, 0);
    Worker self{*this, socket, now, peer};
    std::string complaint;
    try {
        while (auto message = co_await socket.recv()) {
            if (!socket.is_open() && socket.close_info().code == CloseCode::kServiceRestart) {
                break;  // messages from before the reset are not for the next game
            }
            co_await self.receive(*message);
        }
    } catch (const BadMessage& bad) {
        complaint = bad.what();
    }
    if (!complaint.empty()) {
        socket.close(CloseCode::kPolicyViolation, complaint);
    }
    count_workers(now, -1, self.is_subscribed() ? -1 : 0);
    co_await yield();  // so that its words are on their way to the watchers of all loops before this worker leaves
}

}  // namespace life
