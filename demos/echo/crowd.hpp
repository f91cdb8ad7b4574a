#pragma once

#include <c10k/client.hpp>
#include <c10k/task.hpp>
#include <c10k/websocket.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace echo {

// Clients of the echo test: each connects at a random moment, talks, and checks every answer.
class Crowd {
public:
    Crowd(int clients, c10k::Duration delay) : clients_(clients), delay_(delay) {}

    // Spreads them over so many loops. Returns when all have ended. Failures are counted, not thrown.
    c10k::Task<> meet(c10k::Endpoint server, std::size_t loops);

    // Clients, peak, failures by cause, and times, as lines of text.
    [[nodiscard]] std::string summary() const;
    // Whether every client got what it should have, and all were connected at once.
    [[nodiscard]] bool succeeded() const noexcept { return succeeded_ == clients_ && peak_ == clients_; }

private:
    using Clock = std::chrono::steady_clock;

    c10k::Task<> meet_on_loop(c10k::Endpoint server, std::size_t loop, std::size_t loops);
    c10k::Task<> visit(c10k::Endpoint server);
    c10k::Task<> talk(c10k::WebSocket& socket);
    c10k::Task<> expect(c10k::WebSocket& socket, std::string wanted);
    void arrive(float handshake_ms);
    void leave();
    void note_reply(float reply_ms);
    void note_failure(std::exception_ptr failure);

    int clients_;
    c10k::Duration delay_;
    std::mutex mutex_;  // of what follows, which all loops share
    int present_ = 0;
    int peak_ = 0;
    int succeeded_ = 0;
    std::map<std::string, int> failures_;
    std::vector<float> handshake_ms_;
    std::vector<float> reply_ms_;
};

}  // namespace echo
