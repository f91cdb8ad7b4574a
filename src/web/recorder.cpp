#include "web/recorder.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "c10k/http.hpp"
#include "connection/websocket_connection.hpp"
#include "web/reload.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

using Kind = RecordedEvent::Kind;

// Events that wait for the disk. More would be the server's memory.
constexpr std::uint64_t kMostQueuedBytes = std::uint64_t{64} << 20;

std::uint64_t bytes_of(const RecordedEvent& event) { return sizeof event + event.text.size(); }

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

struct NewFile {
    std::string name;
    int descriptor;
};

// The first of FOLDER/0001.jsonl, 0002.jsonl ... that is not there yet. Only its owner may read it: it holds what
// people have said.
NewFile make_file(const std::filesystem::path& folder) {
    constexpr int kMostFiles = 9999;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    for (int number = 1; number <= kMostFiles; ++number) {
        const std::string digits = std::to_string(number);
        const std::string file = folder / (std::string(4 - digits.size(), '0') + digits + ".jsonl");
        const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (descriptor >= 0) {
            return {file, descriptor};
        }
        if (errno != EEXIST) {
            throw std::runtime_error("record: cannot make " + file + ": " + std::strerror(errno));
        }
    }
    throw std::runtime_error("record: " + folder.string() + " has 9999 recordings: take another folder");
}

}  // namespace

Recorder::Recorder(const Settings& settings) : settings_(settings), redaction_(settings.record_redact) {
    NewFile made = make_file(settings.record);
    file_ = std::move(made.name);
    descriptor_ = made.descriptor;
    write(recording_head(now_text()));
    log::info("Recording WebSockets in " + file_);
    writer_ = std::thread{[this] { write_until_ended(); }};
}

Recorder::~Recorder() {
    {
        const std::lock_guard lock{mutex_};
        is_ending_ = true;
    }
    has_news_.notify_one();
    writer_.join();
    ::close(descriptor_);
    if (sockets_ == 0) {
        ::unlink(file_.c_str());
        return;
    }
    log::info("Recorded " + std::to_string(messages_) + " messages of " + std::to_string(sockets_) + " WebSockets in " +
              file_ + (is_cut_ || has_failed_ ? "; the rest is cut" : ""));
}

// ---- On the loops

std::uint64_t Recorder::next_socket() noexcept {
    const std::lock_guard lock{mutex_};
    return ++sockets_;
}

void Recorder::note(RecordedEvent event) noexcept {
    const std::lock_guard lock{mutex_};
    try {
        event.at = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began_);
        queue(std::move(event));
    } catch (const std::bad_alloc&) {  // the server has better use for its memory
        is_cut_ = true;
    }
}

void Recorder::note_stopping() noexcept {
    {
        const std::lock_guard lock{mutex_};
        if (std::exchange(is_stopping_, true)) {
            return;
        }
    }
    note({.kind = Kind::kStopping, .text = "the server ends"});
}

void Recorder::queue(RecordedEvent event) {
    if (is_cut_) {
        return;
    }
    const std::uint64_t bytes = bytes_of(event);
    taken_bytes_ += kLineBytes + event.text.size();
    const bool is_full = taken_bytes_ > settings_.record_bytes;
    if (is_full || queued_bytes_ + bytes > kMostQueuedBytes) {
        is_cut_ = true;
        event = {.kind = Kind::kCut, .at = event.at, .text = is_full ? "record_bytes" : "the disk was too slow"};
    } else if (event.kind == Kind::kReceived || event.kind == Kind::kSent || event.kind == Kind::kRelayed) {
        ++messages_;
    }
    queued_bytes_ += bytes;
    queue_.push_back(std::move(event));
    if (queue_.size() == 1) {
        has_news_.notify_one();
    }
}

// ---- On the thread that writes

void Recorder::write_until_ended() {
    std::vector<RecordedEvent> events;
    for (bool is_ending = false; !is_ending;) {
        {
            std::unique_lock lock{mutex_};
            has_news_.wait(lock, [this] { return is_ending_ || !queue_.empty(); });
            is_ending = is_ending_;
            events.swap(queue_);
            queued_bytes_ = 0;
        }
        std::string lines;
        for (RecordedEvent& event : events) {
            lines += line_of(event);
        }
        write(lines);
        events.clear();
    }
}

std::string Recorder::line_of(RecordedEvent& event) const {
    const bool has_secrets = event.kind != Kind::kCut && event.kind != Kind::kStopping;
    if (auto redacted = has_secrets ? redaction_.apply(event.text) : std::nullopt) {
        event.text = *std::move(redacted);
        event.is_redacted = true;
    }
    // A part of a name would be none: a client that brings a secret in one has not offered it.
    const auto is_secret = [this](const std::string& name) { return redaction_.apply(name).has_value(); };
    event.is_redacted |= std::erase_if(event.offered, is_secret) > 0;
    if (is_secret(event.subprotocol)) {
        event.subprotocol.clear();
    }
    return to_line(event);
}

void Recorder::write(std::string_view bytes) noexcept {
    while (!bytes.empty() && !has_failed_) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            has_failed_ = true;
            log::error("record: cannot write " + file_ + ": " + std::strerror(errno));
        }
    }
}

// ---- LoopRecorder

LoopRecorder::LoopRecorder(Recorder& recorder, LoopServices& services) : recorder_(recorder), services_(services) {
    services_.tap = this;
}

LoopRecorder::~LoopRecorder() { services_.tap = nullptr; }

void LoopRecorder::on_opened(const WebSocketConnection& socket, const Request& request, std::string_view route) noexcept
    try {
    Recorded& recorded = sockets_[&socket];
    const std::vector<RecordedEvent> early = std::exchange(recorded.early, {});
    if (Reload::is_ours(route)) {
        recorded.is_left_out = true;
        return;
    }
    recorded.number = recorder_.next_socket();
    RecordedEvent event{.kind = Kind::kOpened, .text = request.target};
    event.route = route;
    event.subprotocol = socket.subprotocol();
    for (const std::string_view offered : split_list(request.headers.get("Sec-WebSocket-Protocol").value_or(""))) {
        event.offered.emplace_back(offered);
    }
    note(recorded, std::move(event));
    for (const RecordedEvent& sent : early) {
        note(recorded, sent);
    }
} catch (const std::bad_alloc&) {  // it is missing
}

void LoopRecorder::on_received(const WebSocketConnection& socket, const Message& message) noexcept {
    note_message(socket, Kind::kReceived, message.kind(), message.view());
}

void LoopRecorder::on_sent(const WebSocketConnection& socket, Message::Kind kind, std::string_view payload,
                           Sender sender) noexcept {
    note_message(socket, sender == Sender::kView ? Kind::kSent : Kind::kRelayed, kind, payload);
}

void LoopRecorder::on_dropped(const WebSocketConnection& socket, std::size_t count) noexcept try {
    note(sockets_[&socket], {.kind = Kind::kDropped, .bytes = count});
} catch (const std::bad_alloc&) {
}

void LoopRecorder::on_closing(const WebSocketConnection& socket, std::uint16_t code, std::string_view reason,
                              Side side) noexcept try {
    Recorded& recorded = sockets_[&socket];
    if (!std::exchange(recorded.is_closing, true)) {
        note(recorded,
             {.kind = side == Side::kPeer ? Kind::kLeft : Kind::kClosed, .text = std::string{reason}, .code = code});
    }
} catch (const std::bad_alloc&) {
}

void LoopRecorder::on_closed(const WebSocketConnection& socket) noexcept { sockets_.erase(&socket); }

void LoopRecorder::note_message(const WebSocketConnection& socket, Kind kind, Message::Kind type,
                                std::string_view payload) noexcept try {
    Recorded& recorded = sockets_[&socket];
    if (recorded.is_left_out) {
        return;
    }
    const Settings& settings = recorder_.settings();
    RecordedEvent event{.kind = kind, .is_binary = type == Message::Kind::kBinary};
    recorded.bytes += kLineBytes + (settings.record_payloads ? payload.size() : 0);
    const bool is_full = recorded.bytes > settings.record_connection_bytes;
    if (is_full) {
        event = {.kind = Kind::kCut, .text = "record_connection_bytes"};
    } else if (settings.record_payloads) {
        event.text = payload;
    } else {
        event.bytes = payload.size();
    }
    note(recorded, std::move(event));
    recorded.is_left_out = is_full;
} catch (const std::bad_alloc&) {
}

void LoopRecorder::note(Recorded& socket, RecordedEvent event) {
    event.socket = socket.number;
    if (socket.number == 0 && socket.is_left_out) {
        return;
    }
    if (socket.number == 0) {
        socket.early.push_back(std::move(event));
    } else {
        recorder_.note(std::move(event));
    }
}

}  // namespace c10k
