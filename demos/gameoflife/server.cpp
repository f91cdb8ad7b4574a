#include "gameoflife/server.hpp"

#include "gameoflife/control_permission.hpp"
#include "gameoflife/worker_message.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

namespace life {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

constexpr const char* kGameValue = "gameoflife";

// After so many of one worker, the others have their turn.
constexpr std::uint8_t kStatesInATurn = 64;

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
      batch_watchers_(services, game.feed), watchers_(services.groups.named("life.watchers")) {}

Urls Server::urls() {
    return {
        path("", this, &Server::index, "index"),
        path("watcher/", this, &Server::watcher, "watcher")
            .subprotocols({Viewers::kProtocol, BatchWatchers::kGatheringProtocol, BatchWatchers::kProtocol}),
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
        co_await batch_watchers_.serve(socket);
        co_return;
    }
    const Membership here = co_await watchers_.join(socket);
    co_await socket.recv();  // a watcher has nothing to say: any message ends the view
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
    Worker(Server& server, WebSocket& socket, Game game, const std::string& peer)
        : server_(server), socket_(socket), game_(game),
          number_(server.feed_.enter(game_, peer, server.batch_watchers_.loop())) {}
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

    // Throws BadMessage. A state has to wait only once, unless the worker floods.
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
                if (++states_ % kStatesInATurn == 0) {
                    return take_turns();
                }
        }
        return {};
    }

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

    // A worker that says a lot takes turns with all others.
    static Task<> take_turns() { co_await yield(); }

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
    std::uint8_t states_ = 0;  // that it has sent, but for whole turns of them
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
    std::string peer = socket.request().peer;
    // A place in the game now in force; a game that all have left makes way for the next.
    Game now = co_await game();
    Membership here = co_await workers(now).join(socket);
    while ((here.count() == 1 && now.phase != Game::Phase::kConnecting) || feed_.is_deserted(now)) {
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

    {
        Worker self{*this, socket, now, std::exchange(peer, {})};
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
    }
    co_await yield();  // so that its words are on their way to the watchers of all loops before this worker leaves
}

}  // namespace life
