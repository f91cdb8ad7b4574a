#include "echo/crowd.hpp"

#include "slow.hpp"

#include <c10k/semaphore.hpp>
#include <c10k/text.hpp>
#include <c10k/websocket.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>

namespace echo {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

// Clients of one loop that wait for a reply at the same time: enough to keep loop and server busy, and few enough that
// the server answers each soon.
constexpr std::size_t kTalkingAtOnce = 1024;
// Clients that begin in one turn of the loop, which has to read and answer others as well.
constexpr std::size_t kClientsInATurn = 256;
// A shorter sleep would cost more turns of the loop than it is worth.
constexpr Duration kLeastSleep = 1ms;
// How long each client is connected, in delays: one before each message.
constexpr int kDelaysOfAClient = 3;
constexpr std::size_t kShownBytes = 40;  // of a wrong answer

// A message of a client, if there is one, and the answer to it.
struct Exchange {
    std::string_view said;
    std::string_view answer;  // empty: the server closes the WebSocket
};

// The talk of each client.
constexpr std::array kTalk{
    Exchange{"", "Hello!"},      Exchange{"Spam?", "1. Spam?"}, Exchange{"Eggs!", "2. Eggs!"},
    Exchange{"C++.", "3. C++."}, Exchange{"", "Goodbye!"},      Exchange{"", ""},
};

std::string quoted(std::string_view text) { return '\'' + printable(text.substr(0, kShownBytes)) + '\''; }

// Says why an answer is not the one that a client wants; empty if it is.
std::string fault_of(const std::optional<Message>& answer, std::string_view wanted, const WebSocket& socket) {
    if (answer && answer->is_text() && !wanted.empty() && *answer == wanted) {
        return "";
    }
    const std::string missing = wanted.empty() ? "a close" : quoted(wanted);
    if (answer) {
        return (answer->is_text() ? quoted(answer->view()) : "a binary message") + " instead of " + missing;
    }
    const int code = socket.close_info().code;
    if (!wanted.empty()) {
        return "closed with " + std::to_string(code) + " before " + missing;
    }
    return code == CloseCode::kNormal ? "" : "closed with " + std::to_string(code) + " instead of 1000";
}

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// "250ms", "6.8s" or "150s", rounded up, as --delay takes it.
std::string delay_text(Duration time) {
    using std::chrono::ceil;
    if (time < 1s) {
        return std::to_string(ceil<std::chrono::milliseconds>(time).count()) + "ms";
    }
    if (time > 10s) {
        return std::to_string(ceil<std::chrono::seconds>(time).count()) + "s";
    }
    const auto tenths = ceil<std::chrono::duration<int, std::deci>>(time).count();
    return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + "s";
}

void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

// "reply      p50 0.21 ms, p99 1.30 ms, max 4.02 ms"
std::string times(const char* what, const load::Histogram& histogram) {
    if (histogram.empty()) {
        return std::string{what} + "none";
    }
    char line[128];
    std::snprintf(line, sizeof line, "%sp50 %.2f ms, p99 %.2f ms, max %.2f ms", what,
                  milliseconds(histogram.percentile(50)), milliseconds(histogram.percentile(99)),
                  milliseconds(histogram.max()));
    return line;
}

}  // namespace

Task<> await_greeting(Endpoint server) {
    bool is_connected = false;
    const auto awaited = [&] {
        return "Waiting for " + printable(server.url()) + ": " +
               (is_connected ? "it is connected, and has not sent 'Hello!' yet"
                             : "it has not answered the opening handshake yet");
    };
    const auto visit = [&]() -> Task<> {
        co_await connect(server, [&](WebSocket& socket) -> Task<> {
            is_connected = true;
            co_await with_timeout(Patience::kSilence, socket.recv());
        });
    };
    try {
        co_await say_if_slow(visit(), awaited);
    } catch (const TimedOut&) {
        if (!is_connected) {
            throw;
        }
        throw TimedOut(printable(server.url()) + " is connected, and has not sent 'Hello!' in " +
                       std::to_string(Patience::kSilence.count()) + " s: is that the echo test?");
    }
}

Task<> Crowd::meet(Endpoint server, std::size_t loops) {
    began_ = Clock::now();
    url_ = server.url();
    co_await task_group([&](TaskGroup& all) -> Task<> {
        all.spawn([](Patience& patience, TaskGroup& waiting) -> Task<> {
            co_await patience.end();
            waiting.stop();
        }(patience_, all));
        all.spawn(say_if_quiet());
        co_await on_loops(loops, [&](std::size_t loop) { return meet_on_loop(server, loop, loops); });
        all.stop();
    });
    if (const int silent = clients_ - succeeded_ - failed_; patience_.has_ended() && silent > 0) {
        failures_.add("no answer, while nothing moved for " + std::to_string(Patience::kSilence.count()) + " s",
                      static_cast<std::uint64_t>(silent));
    }
}

// The clients of one loop.
class Crowd::OnLoop {
public:
    explicit OnLoop(Crowd& crowd) : crowd_(crowd) {}

    // Every client whose number is `first`, or so many `loops` more.
    Task<> meet(Endpoint server, std::size_t first, std::size_t loops);

private:
    Task<> talk(WebSocket& socket);
    // One message, if there is one to send, and the answer. Throws WrongAnswer. Stops.
    Task<> converse(WebSocket& socket, const Exchange& exchange);

    Crowd& crowd_;
    Semaphore talking_{kTalkingAtOnce};
};

Task<> Crowd::meet_on_loop(Endpoint server, std::size_t loop, std::size_t loops) {
    OnLoop here{*this};
    co_await here.meet(std::move(server), loop, loops);
}

// One after the other over two delays, or later if the loop has more to do than that. A client that has not begun takes
// no memory.
Task<> Crowd::OnLoop::meet(Endpoint server, std::size_t first, std::size_t loops) {
    co_await task_group([&](TaskGroup& visits) -> Task<> {
        visits.on_failure([this](std::exception_ptr failure) { crowd_.note_failure(std::move(failure)); });
        const auto clients = static_cast<std::size_t>(crowd_.clients_);
        const Duration gap = 2 * Duration{crowd_.delay_} / clients;
        Duration slept{0};
        std::size_t count = 0;
        for (std::size_t i = first; i < clients; i += loops) {
            const Duration due = gap * i;
            const Duration early = due - std::max<Duration>(slept, Clock::now() - crowd_.began_);
            if (early >= kLeastSleep) {
                const Patience::Pause pause{crowd_.patience_};
                co_await sleep_for(early);
                slept = due;
            } else if (++count % kClientsInATurn == 0) {
                co_await yield();
            }
            visits.spawn(connect(server, [this](WebSocket& socket) { return talk(socket); }));
        }
    });
}

// A client that is connected.
class Crowd::Presence {
public:
    explicit Presence(Crowd& crowd) : crowd_(crowd) { crowd_.arrive(); }
    ~Presence() { crowd_.leave(); }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

private:
    Crowd& crowd_;
};

Crowd::Crowd(int clients, std::chrono::milliseconds delay) : clients_(clients), delay_(delay) {}

// Nearly all clients sleep nearly always: then this frame is all that a client has of its talk.
Task<> Crowd::OnLoop::talk(WebSocket& socket) {
    const Presence presence{crowd_};
    for (std::size_t i = 0; i < kTalk.size(); ++i) {
        if (!kTalk[i].said.empty()) {
            const Patience::Pause pause{crowd_.patience_};
            co_await sleep_for(crowd_.delay_);
        }
        co_await converse(socket, kTalk[i]);
    }
    crowd_.note_success();
}

Task<> Crowd::OnLoop::converse(WebSocket& socket, const Exchange& exchange) {
    Semaphore::Permit turn;
    Clock::time_point sent;
    if (!exchange.said.empty()) {
        turn = co_await talking_.acquire();
        sent = Clock::now();
        co_await socket.send(exchange.said);
        crowd_.patience_.note_movement();
    }
    const std::optional<Message> answer = co_await socket.recv();
    crowd_.patience_.note_movement();
    if (const std::string fault = fault_of(answer, exchange.answer, socket); !fault.empty()) {
        throw load::WrongAnswer(fault);
    }
    if (!exchange.said.empty()) {
        crowd_.note_reply(Clock::now() - sent);
    }
}

void Crowd::note_success() {
    const std::lock_guard lock{mutex_};
    ++succeeded_;
}

void Crowd::note_handshake(Duration took) {
    const std::lock_guard lock{mutex_};
    handshakes_.record(took);
}

void Crowd::arrive() {
    const std::lock_guard lock{mutex_};
    dialling_ = Clock::now() - began_;
    ++present_;
    peak_ = std::max(peak_, present_);
    if (present_ == clients_) {
        say(std::to_string(clients_) + " clients are connected!");
    } else if (present_ % 500 == 0 && present_ == peak_) {
        say("> " + std::to_string(present_) + " connections");
    }
}

void Crowd::leave() {
    patience_.note_movement();
    const std::lock_guard lock{mutex_};
    --present_;
    if (present_ % 500 == 0) {
        say("< " + std::to_string(present_) + " connections");
    }
}

void Crowd::note_reply(Duration took) {
    const std::lock_guard lock{mutex_};
    replies_.record(took);
}

void Crowd::note_failure(std::exception_ptr failure) {
    patience_.note_movement();
    const std::lock_guard lock{mutex_};
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::exception& error) {
        failures_.add(error.what());
        ++failed_;
    }
}

Task<> Crowd::say_if_quiet() {
    for (bool was_quiet = false;;) {
        const bool is_quiet = patience_.is_quiet();
        if (is_quiet && !was_quiet) {
            say(awaited());
        }
        was_quiet = is_quiet;
        co_await sleep_for(1s);
    }
}

std::string Crowd::awaited() {
    const std::lock_guard lock{mutex_};
    const int absent = clients_ - present_ - succeeded_ - failed_;
    return "Nothing has moved for " + std::to_string(Patience::kQuiet.count()) + " s: " + std::to_string(present_) +
           " clients wait for an answer of " + printable(url_) + ", and " + std::to_string(absent) + " to be connected";
}

std::string Crowd::summary() const {
    std::string text = std::to_string(clients_) + " clients, peak " + std::to_string(peak_) + ", " +
                       std::to_string(clients_ - succeeded_) + " failures\n";
    for (const auto& [cause, count] : failures_.items()) {
        text += "  " + std::to_string(count) + " x " + cause + "\n";
    }
    text += times("handshake  ", handshakes_) + "\n";
    text += times("reply      ", replies_) + "\n";
    return text;
}

std::optional<std::string> Crowd::failure() const {
    if (succeeded_ < clients_) {
        return "some clients did not get every reply";
    }
    if (peak_ == clients_) {
        return std::nullopt;
    }
    // The program starts its clients over 2 x --delay. With half of the time that connecting took as the delay, it
    // connects as fast as now, and has as much time again before the first client leaves.
    return "the clients were never all connected at once: it took " + delay_text(dialling_) +
           " to connect them, and the first one left after 3 x --delay, which is " +
           delay_text(kDelaysOfAClient * delay_) + "; take --delay " + delay_text(dialling_ / 2) + " or more";
}

}  // namespace echo
