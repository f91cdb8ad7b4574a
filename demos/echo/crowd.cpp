#include "echo/crowd.hpp"

#include <c10k/text.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <utility>

namespace echo {

using namespace c10k;
using namespace std::chrono_literals;

namespace {

constexpr auto kReplyTime = 30s;
constexpr std::array<const char*, 3> kMessages = {"Spam?", "Eggs!", "C++."};

// An answer that is not the one it should be.
class WrongAnswer : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

float milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

// "reply      p50 0.21 ms, p99 1.30 ms, max 4.02 ms"
std::string times(const char* what, std::vector<float> values) {
    if (values.empty()) {
        return std::string{what} + "none";
    }
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    char line[128];
    std::snprintf(line, sizeof line, "%sp50 %.2f ms, p99 %.2f ms, max %.2f ms", what, at(0.5), at(0.99), values.back());
    return line;
}

}  // namespace

Task<> Crowd::meet(Endpoint server, std::size_t loops) {
    co_await on_loops(loops, [&](std::size_t loop) { return meet_on_loop(server, loop, loops); });
}

Task<> Crowd::meet_on_loop(Endpoint server, std::size_t loop, std::size_t loops) {
    co_await task_group([&](TaskGroup& visits) -> Task<> {
        for (auto i = loop; i < static_cast<std::size_t>(clients_); i += loops) {
            visits.spawn(visit(server), [this](std::exception_ptr failure) { note_failure(std::move(failure)); });
        }
        co_return;
    });
}

Task<> Crowd::visit(Endpoint server) {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> moment{0, 2 * delay_.count()};
    co_await sleep_for(Duration{moment(generator)});
    const Clock::time_point began = Clock::now();
    bool is_present = false;
    std::exception_ptr failure;
    try {
        co_await connect(std::move(server), [&](WebSocket& socket) {
            is_present = true;
            arrive(milliseconds_since(began));
            return talk(socket);
        });
    } catch (...) {
        failure = std::current_exception();
    }
    if (is_present) {
        leave();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    const std::lock_guard lock{mutex_};
    ++succeeded_;
}

Task<> Crowd::talk(WebSocket& socket) {
    co_await expect(socket, "Hello!");
    for (std::size_t i = 0; i < kMessages.size(); ++i) {
        co_await sleep_for(delay_);
        const Clock::time_point sent = Clock::now();
        co_await socket.send(kMessages[i]);
        co_await expect(socket, std::to_string(i + 1) + ". " + kMessages[i]);
        note_reply(milliseconds_since(sent));
    }
    co_await expect(socket, "Goodbye!");
    if (const auto more = co_await with_timeout(kReplyTime, socket.recv())) {
        throw WrongAnswer("'" + std::string{more->view().substr(0, 40)} + "' after 'Goodbye!'");
    }
    if (socket.close_info().code != 1000) {
        throw WrongAnswer("closed with " + std::to_string(socket.close_info().code) + " instead of 1000");
    }
}

Task<> Crowd::expect(WebSocket& socket, std::string wanted) {
    const std::optional<Message> message = co_await with_timeout(kReplyTime, socket.recv());
    if (!message) {
        throw WrongAnswer("closed with " + std::to_string(socket.close_info().code) + " before '" + wanted + "'");
    }
    if (!message->is_text()) {
        throw WrongAnswer("a binary message instead of '" + wanted + "'");
    }
    if (*message != wanted) {
        throw WrongAnswer("'" + std::string{message->view().substr(0, 40)} + "' instead of '" + wanted + "'");
    }
}

void Crowd::arrive(float handshake_ms) {
    const std::lock_guard lock{mutex_};
    handshake_ms_.push_back(handshake_ms);
    ++present_;
    peak_ = std::max(peak_, present_);
    if (present_ == clients_) {
        say(std::to_string(clients_) + " clients are connected!");
    } else if (present_ % 500 == 0 && present_ == peak_) {
        say("> " + std::to_string(present_) + " connections");
    }
}

void Crowd::leave() {
    const std::lock_guard lock{mutex_};
    --present_;
    if (present_ % 500 == 0) {
        say("< " + std::to_string(present_) + " connections");
    }
}

void Crowd::note_reply(float reply_ms) {
    const std::lock_guard lock{mutex_};
    reply_ms_.push_back(reply_ms);
}

void Crowd::note_failure(std::exception_ptr failure) {
    const std::lock_guard lock{mutex_};
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const TimedOut&) {
        ++failures_["no answer within 30 s"];
    } catch (const std::exception& error) {
        ++failures_[printable(error.what())];
    }
}

std::string Crowd::summary() const {
    std::string text = std::to_string(clients_) + " clients, peak " + std::to_string(peak_) + ", " +
                       std::to_string(clients_ - succeeded_) + " failures\n";
    for (const auto& [cause, count] : failures_) {
        text += "  " + std::to_string(count) + " x " + cause + "\n";
    }
    text += times("handshake  ", handshake_ms_) + "\n";
    text += times("reply      ", reply_ms_) + "\n";
    return text;
}

}  // namespace echo
