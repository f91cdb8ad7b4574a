#pragma once

#include "c10k/settings.hpp"
#include "connection/loop_services.hpp"
#include "connection/message_tap.hpp"
#include "web/recording.hpp"
#include "web/redaction.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace c10k {

// Writes what goes through the WebSockets of a server into a file, on a thread of its own: a slow disk costs the
// recording its rest, and no loop any time.
class Recorder {
public:
    // Begins the next file in the folder `record`, which it makes. Throws std::runtime_error.
    explicit Recorder(const Settings& settings);
    // Writes what it has. No file stays behind if there was no WebSocket.
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // The number of a new WebSocket. Thread: any.
    [[nodiscard]] std::uint64_t next_socket() noexcept;
    // The order of these calls is that of the lines. Thread: any.
    void note(RecordedEvent event) noexcept;
    // The server is told to end: closes that follow are no answer to anything. Thread: any.
    void note_stopping() noexcept;

    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

private:
    // Takes the event, or says that the rest is cut.
    void queue(RecordedEvent event);
    void write_until_ended();
    // Returns the line of an event, redacted.
    [[nodiscard]] std::string line_of(RecordedEvent& event) const;
    void write(std::string_view bytes) noexcept;

    const Settings& settings_;
    Redaction redaction_;
    std::string file_;
    int descriptor_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();

    std::mutex mutex_;  // of what follows
    std::condition_variable has_news_;
    std::vector<RecordedEvent> queue_;
    std::uint64_t queued_bytes_ = 0;  // of these
    std::uint64_t taken_bytes_ = 0;   // in all
    std::uint64_t sockets_ = 0;
    std::uint64_t messages_ = 0;
    bool is_cut_ = false;
    bool is_stopping_ = false;
    bool is_ending_ = false;
    bool has_failed_ = false;  // of the thread: the disk takes no more

    std::thread writer_;
};

// What one loop tells a recorder.
class LoopRecorder final : public MessageTap {
public:
    // Is the tap of the loop that has these services, which all outlive it.
    LoopRecorder(Recorder& recorder, LoopServices& services);
    ~LoopRecorder();
    LoopRecorder(const LoopRecorder&) = delete;
    LoopRecorder& operator=(const LoopRecorder&) = delete;

    void on_opened(const WebSocketConnection& socket, const Request& request, std::string_view route) noexcept override;
    void on_received(const WebSocketConnection& socket, const Message& message) noexcept override;
    void on_sent(const WebSocketConnection& socket, Message::Kind kind, std::string_view payload,
                 Sender sender) noexcept override;
    void on_dropped(const WebSocketConnection& socket, std::size_t count) noexcept override;
    void on_closing(const WebSocketConnection& socket, std::uint16_t code, std::string_view reason,
                    Side side) noexcept override;
    void on_closed(const WebSocketConnection& socket) noexcept override;

private:
    struct Recorded {
        std::uint64_t number = 0;            // 0: its handshake has not been accepted
        std::uint64_t bytes = 0;             // of its messages so far
        std::vector<RecordedEvent> early{};  // before it was accepted
        bool is_left_out = false;            // it is none of the site's, or has been cut
        bool is_closing = false;
    };

    void note(Recorded& socket, RecordedEvent event);
    void note_message(const WebSocketConnection& socket, RecordedEvent::Kind kind, Message::Kind type,
                      std::string_view payload) noexcept;

    Recorder& recorder_;
    LoopServices& services_;
    std::unordered_map<const WebSocketConnection*, Recorded> sockets_;
};

}  // namespace c10k
