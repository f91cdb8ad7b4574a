#include "manage/replay.hpp"

#include "c10k/text.hpp"
#include "connection/websocket_connection.hpp"
#include "manage/recording_file.hpp"
#include "manage/replayed_socket.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace c10k {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = RecordedEvent::Kind;

// How often a client looks whether its server has taken enough.
constexpr std::chrono::milliseconds kRoomTime{1};

// The most WebSockets whose difference is printed.
constexpr std::size_t kMostPrinted = 20;

// One WebSocket as it is played.
struct PlayedSocket {
    explicit PlayedSocket(std::span<const RecordedEvent> events) noexcept : expected(events) {}

    ReplayedSocket expected;
    std::vector<std::size_t> of_server = {};  // its events that the server brings about
    std::size_t settled = 0;                  // the first so many of them
    WebSocket* open = nullptr;                // while its view runs
    bool has_ended = false;                   // or could not be opened
    std::string failure;                      // why it could not
};

// A replay walks through the recording. What a client did, it does again, but not before all that the server had sent
// by then, to whichever client, has come: so the server is told things in the order in which it was told them, and what
// it sends can only depend on what it depended on then.
class Replay {
public:
    // What a client's message waits for.
    enum class Waiting { kForAll, kForItsSocket };

    Replay(const Recording& recording, const std::string& url, const EndpointOptions& endpoint, Duration patience,
           double speed, Waiting waiting)
        : recording_(recording), url_(url), options_(endpoint), patience_(patience), speed_(speed), waiting_(waiting),
          is_settled_(recording.events.size()) {
        for (std::size_t i = 0; i < recording_.events.size(); ++i) {
            auto& socket = sockets_[recording_.events[i].socket];
            if (!socket) {
                socket = std::make_unique<PlayedSocket>(recording_.events);
            }
            socket->expected.add(i);
            if (ReplayedSocket::is_of_server(recording_.events[i])) {
                socket->of_server.push_back(i);
            }
        }
    }

    Task<> play() {
        co_await task_group([this](TaskGroup& clients) -> Task<> {
            for (std::size_t i = 0; i < recording_.events.size(); ++i) {
                if (!ReplayedSocket::is_of_server(recording_.events[i])) {
                    co_await come_to(i);
                    co_await act(i, clients);
                }
            }
            co_await come_to(recording_.events.size());
            for (auto& [number, socket] : sockets_) {
                leave(*socket, CloseCode::kNormal, {});
            }
        });
    }

    [[nodiscard]] std::size_t report() const;

private:
    PlayedSocket& socket_of(const RecordedEvent& event) { return *sockets_.at(event.socket); }

    // ---- Waiting

    // Until all that the event waits for is here or counts as missing, and its time has come.
    Task<> come_to(std::size_t event) {
        while (!is_due(event)) {
            if (!co_await progress()) {
                note_missing(event);
            }
        }
        if (speed_ > 0 && event < recording_.events.size()) {
            const auto due = began_ + std::chrono::duration_cast<Clock::duration>(recording_.events[event].at / speed_);
            co_await sleep_for(std::max(due - Clock::now(), Clock::duration::zero()));
        }
    }

    // Whether all has come that the server had sent before the event: to anybody, or over the same WebSocket.
    bool is_due(std::size_t event) {
        const bool is_last = event == recording_.events.size();
        if (waiting_ == Waiting::kForAll || is_last || recording_.events[event].kind != Kind::kReceived) {
            while (settled_until_ < event && !is_awaited(settled_until_)) {
                ++settled_until_;
            }
            return settled_until_ == event;
        }
        PlayedSocket& socket = socket_of(recording_.events[event]);
        while (socket.settled < socket.of_server.size() && !is_awaited(socket.of_server[socket.settled])) {
            ++socket.settled;
        }
        return socket.settled == socket.of_server.size() || socket.of_server[socket.settled] > event;
    }

    [[nodiscard]] bool is_awaited(std::size_t event) {
        const RecordedEvent& recorded = recording_.events[event];
        if (!ReplayedSocket::is_of_server(recorded) || is_settled_[event]) {
            return false;
        }
        const ReplayedSocket& expected = socket_of(recorded).expected;
        return !expected.has_left() && expected.excuse().empty();
    }

    void note_missing(std::size_t end) {
        for (std::size_t event = settled_until_; event < end; ++event) {
            if (is_awaited(event)) {
                is_settled_[event] = true;
                socket_of(recording_.events[event]).expected.note_missing(event);
            }
        }
    }

    // Something has come. False if nothing has for as long as our patience lasts.
    Task<bool> progress() {
        const std::uint64_t before = news_;
        SleepAwaiter nap = sleep_for(patience_);
        napping_ = &nap;
        co_await nap;
        napping_ = nullptr;
        co_return news_ != before;
    }
    void note_news() {
        ++news_;
        if (napping_ != nullptr) {
            napping_->interrupt();
        }
    }
    void settle(std::optional<std::size_t> event) {
        if (event) {
            is_settled_[*event] = true;
        }
        note_news();
    }

    // ---- The clients' side

    Task<> act(std::size_t event, TaskGroup& clients) {
        const RecordedEvent& recorded = recording_.events[event];
        PlayedSocket& socket = socket_of(recorded);
        if (recorded.kind == Kind::kOpened) {
            clients.spawn(run_client(recorded, socket));
            while (socket.open == nullptr && !socket.has_ended) {
                co_await progress();
            }
            if (!socket.failure.empty()) {
                note_failure(event, socket);
            }
        } else if (recorded.kind == Kind::kReceived && socket.open != nullptr) {
            const auto kind = recorded.is_binary ? Message::Kind::kBinary : Message::Kind::kText;
            socket.open->deliver(Message{kind, recorded.text});
            ++messages_;
            while (socket.open != nullptr && socket.open->is_full()) {
                co_await sleep_for(kRoomTime);
            }
        } else if (recorded.kind == Kind::kLeft) {
            leave(socket, recorded.code, recorded.text);
            for (bool goes_on = true; goes_on && !socket.has_ended;) {
                goes_on = co_await progress();
            }
        }
    }

    static void leave(PlayedSocket& socket, std::uint16_t code, std::string_view reason) {
        if (socket.open == nullptr || socket.expected.has_left()) {
            return;
        }
        socket.expected.leave();
        if (code == CloseCode::kAbnormal) {
            socket.open->connection().abort(code, reason);
        } else {
            socket.open->close(CloseCode::is_sendable(code) ? code : CloseCode::kNormal, reason);
        }
    }

    Task<> run_client(const RecordedEvent& opened, PlayedSocket& socket) {
        const auto view = [&](WebSocket& open) -> Task<> {
            socket.open = &open;
            note_news();
            if (open.subprotocol() != opened.subprotocol) {
                socket.expected.note_difference(socket.expected.opened_at(), "expected the subprotocol \"" +
                                                                                 opened.subprotocol + "\", got \"" +
                                                                                 printable(open.subprotocol()) + '"');
            }
            while (const auto message = co_await open.recv()) {
                settle(socket.expected.on_message(*message));
            }
            socket.open = nullptr;
            settle(socket.expected.on_closed(open.close_info().code, open.close_info().reason));
        };
        try {
            const Endpoint server = endpoint(opened);
            co_await connect(server, view);
        } catch (const std::exception& error) {
            socket.failure = error.what();
        }
        socket.open = nullptr;
        socket.has_ended = true;
        note_news();
    }

    void note_failure(std::size_t event, PlayedSocket& socket) {
        if (!has_opened_any()) {
            throw CommandError(socket.failure);
        }
        socket.expected.note_difference(event, socket.failure);
        socket.expected.leave();
    }
    [[nodiscard]] bool has_opened_any() const {
        return std::any_of(sockets_.begin(), sockets_.end(), [](const auto& entry) {
            return entry.second->open != nullptr || (entry.second->has_ended && entry.second->failure.empty());
        });
    }

    // The server, as a WebSocket of that path and these subprotocols reaches it.
    const Endpoint& endpoint(const RecordedEvent& opened) {
        std::vector<std::string> key{opened.text};
        key.insert(key.end(), opened.offered.begin(), opened.offered.end());
        auto known = endpoints_.find(key);
        if (known == endpoints_.end()) {
            EndpointOptions options = options_;
            options.subprotocols = opened.offered;
            options.max_message_bytes = Message::kMaxSize;
            known = endpoints_.emplace(std::move(key), Endpoint{url_ + opened.text, std::move(options)}).first;
        }
        return known->second;
    }

    const Recording& recording_;
    const std::string& url_;
    const EndpointOptions& options_;
    const Duration patience_;
    const double speed_;
    const Waiting waiting_;
    const Clock::time_point began_ = Clock::now();
    std::map<std::uint64_t, std::unique_ptr<PlayedSocket>> sockets_;
    std::map<std::vector<std::string>, Endpoint> endpoints_;
    std::vector<bool> is_settled_;  // by event: it has come, or been given up
    std::size_t settled_until_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t news_ = 0;
    SleepAwaiter* napping_ = nullptr;
};

// Prints the differences. Returns how many WebSockets have one.
std::size_t Replay::report() const {
    std::size_t different = 0;
    for (const auto& [number, socket] : sockets_) {
        const ReplayedSocket& expected = socket->expected;
        const std::string name =
            "socket " + std::to_string(number) + " (" + printable(recording_.events[expected.opened_at()].text) + ')';
        if (!expected.excuse().empty()) {
            std::printf("%s is not compared: %s\n", name.c_str(), printable(expected.excuse()).c_str());
        } else if (const auto& difference = expected.difference(); difference && ++different <= kMostPrinted) {
            std::printf("%s: %s: %s\n", printable(recording_.place(difference->event)).c_str(), name.c_str(),
                        printable(difference->text).c_str());
        }
    }
    if (different > kMostPrinted) {
        std::printf("... and %zu more\n", different - kMostPrinted);
    }
    if (!recording_.cut.empty()) {
        std::printf("The recording is cut (%s): it was played up to there.\n", printable(recording_.cut).c_str());
    }
    const std::chrono::duration<double> took = Clock::now() - began_;
    std::printf("Played %zu WebSockets and %llu messages of %s in %.1f s\n", sockets_.size(),
                static_cast<unsigned long long>(messages_), printable(recording_.file).c_str(), took.count());
    return different;
}

// What the clients said has to be there.
void require_payloads(const Recording& recording) {
    for (std::size_t i = 0; i < recording.events.size(); ++i) {
        const RecordedEvent& event = recording.events[i];
        if (event.kind == Kind::kReceived && event.bytes) {
            throw CommandError(recording.place(i) +
                               ": the payload was left out (record_payloads = false), so nobody can say it again");
        }
    }
}

}  // namespace

std::string_view ReplayCommand::help() const noexcept {
    return "Play a recording again, and report what the server does differently\n"
           "The clients of the recording connect, say what they said in the same order, and leave. Each waits until "
           "all "
           "has come that the server had sent by then. What a view sends to its own WebSocket has to come in the "
           "recorded "
           "order; what groups send may come in any. Exits with 1 if there is a difference.\n"
           "Try: manage runserver --record recordings, use the site, press CONTROL-C; start it again, and\n"
           "     manage replay recordings";
}

void ReplayCommand::declare_options(CommandOptions& options) {
    options.text("recording", recording_, "A recording, or a folder: its latest").type("FILE").required();
    options.text("-u,--url", url_, "URL of the server, without a path");
    options.decimal("--speed", speed_,
                    "1: as fast as it was recorded, 2: twice as fast; 0: as fast as the answers come");
    options.flag("--concurrent", is_concurrent_,
                 "A message waits only for what had come over its own WebSocket: faster, and less like the recording");
    options.text("--patience", patience_, "How long nothing may come before an answer counts as missing");
    options
        .text("--ca", endpoint_.ca_file,
              "For wss://: a file with the certificate of the authority to trust, instead of the system's")
        .type("FILE")
        .not_empty();
}

Task<> ReplayCommand::run() {
    while (url_.ends_with('/')) {
        url_.pop_back();
    }
    const auto patience = parse_time(patience_);
    if (!patience || patience->count() == 0) {
        throw CommandError("--patience: '" + printable(patience_) + "' is not a time, such as 10s or 500ms");
    }
    if (!(speed_ >= 0)) {
        throw CommandError("--speed must be at least 0");
    }
    const Endpoint reached{url_, endpoint_};  // a wrong URL is one now
    const Recording recording = read_recording(recording_);
    require_payloads(recording);
    if (recording.most_open > connection_limit()) {
        throw CommandError("the recording has " + std::to_string(recording.most_open) +
                           " WebSockets at a time, and this process may hold " + std::to_string(connection_limit()) +
                           ": raise the limit of open files (ulimit -n), or take --backend io_uring");
    }
    Replay replay{recording, url_,   endpoint_,
                  *patience, speed_, is_concurrent_ ? Replay::Waiting::kForItsSocket : Replay::Waiting::kForAll};
    co_await replay.play();
    if (const std::size_t different = replay.report(); different > 0) {
        throw CommandError(std::to_string(different) + " of " + std::to_string(recording.sockets) +
                           " WebSockets got something else than in the recording");
    }
    std::puts("The server sent what it had sent.");
}

}  // namespace c10k
