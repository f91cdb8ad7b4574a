#pragma once

#include "http2/http2_backend.hpp"
#include "loop/loop.hpp"
#include "testkit/memory_backend.hpp"
#include "wire/http2_frame.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace c10k {

using wire::Http2Body;
using wire::Http2Error;
using wire::Http2FrameHeader;
using wire::Http2FrameType;
using wire::Http2Head;
using Fields = std::vector<std::pair<std::string, std::string>>;

// The owner of a stream, which notes its events. It sends like an outbox: the rest goes out when there is room.
class StreamNotes final : public Http2StreamEvents {
public:
    StreamNotes() = default;
    StreamNotes(Backend& backend, SocketId id) : backend_(&backend), id_(id) { backend.attach(id, *this); }
    StreamNotes(const StreamNotes&) = delete;
    StreamNotes& operator=(const StreamNotes&) = delete;

    std::optional<Http2Head> head;
    std::string received;
    int pieces = 0;
    int ends = 0;
    std::vector<std::error_code> failures;
    std::function<void()> then = [] {};  // at each event

    [[nodiscard]] SocketId id() const noexcept { return id_; }
    void set_id(Backend& backend, SocketId id) {
        backend_ = &backend;
        id_ = id;
    }
    void receive() { backend_->start_receiving(id_); }
    void pause() { backend_->stop_receiving(id_); }
    void send(std::string_view bytes) {
        unsent_ += bytes;
        push();
    }
    [[nodiscard]] std::size_t unsent() const noexcept { return unsent_.size(); }
    void finish() {
        is_finishing_ = true;
        push();
    }
    void close() { backend_->close(id_); }

    void on_head(Http2Head its_head, Http2Body) override {
        EXPECT_FALSE(head) << "a second head";
        head = std::move(its_head);
        then();
    }
    void on_received(std::span<char> bytes) override {
        EXPECT_FALSE(bytes.empty());
        EXPECT_EQ(ends, 0);
        EXPECT_TRUE(failures.empty()) << "on_received() behind on_failed()";
        received.append(bytes.data(), bytes.size());
        ++pieces;
        then();
    }
    void on_end() override {
        EXPECT_TRUE(failures.empty()) << "on_end() behind on_failed()";
        ++ends;
        then();
    }
    void on_sent(std::size_t bytes) override {
        EXPECT_TRUE(failures.empty()) << "on_sent() behind on_failed()";
        EXPECT_TRUE(std::exchange(is_waiting_, false)) << "on_sent() without a send() that waits";
        unsent_.erase(0, bytes);
        push();
        then();
    }
    void on_failed(std::error_code error) override {
        failures.push_back(error);
        then();
    }

private:
    void push() {
        while (!is_waiting_ && !unsent_.empty()) {
            const iovec piece{unsent_.data(), unsent_.size()};
            const std::size_t taken = backend_->send(id_, {&piece, 1});
            is_waiting_ = taken == 0;
            unsent_.erase(0, taken);
        }
        if (unsent_.empty() && is_finishing_) {
            backend_->shutdown_write(id_);
            is_finishing_ = false;
        }
    }

    Backend* backend_ = nullptr;
    SocketId id_;
    std::string unsent_;
    bool is_waiting_ = false;
    bool is_finishing_ = false;
};

// The owner of our side of a connection.
class ConnectionNotes final : public Http2Events {
public:
    struct Opened {
        SocketId id;
        Http2Head head;
        Http2Body body;
    };

    std::deque<Opened> streams;
    std::vector<Limit> limits;
    std::optional<Http2Ending> ending;
    int readies = 0;
    int goaways = 0;
    std::function<void(SocketId, const Http2Head&)> on_open = [](SocketId, const Http2Head&) {};

    void on_stream(SocketId stream, Http2Head head, Http2Body body) override {
        EXPECT_FALSE(ending);
        streams.push_back({stream, std::move(head), body});
        on_open(stream, streams.back().head);
    }
    void on_ready() override { ++readies; }
    void on_goaway() override { ++goaways; }
    void on_limit(Limit limit) override { limits.push_back(limit); }
    void on_ended(const Http2Ending& how) override {
        EXPECT_FALSE(ending) << "told twice";
        ending = how;
    }
};

// The peer's end of the TCP connection, which speaks whatever a test makes it say.
class TcpPeer : public SocketEvents {
public:
    explicit TcpPeer(Backend& backend) : backend_(backend) {}
    TcpPeer(const TcpPeer&) = delete;
    TcpPeer& operator=(const TcpPeer&) = delete;

    bool is_connected = false;
    bool has_ended = false;
    std::error_code failure;
    int reads = 0;  // of the network: how often something came

    void take(SocketId id) {
        id_ = id;
        backend_.attach(id, *this);
        backend_.start_receiving(id);
    }
    [[nodiscard]] SocketId id() const noexcept { return id_; }
    void write(std::string_view bytes) {
        unsent_ += bytes;
        push();
    }

    void on_connected() override { is_connected = true; }
    void on_received(std::span<char> bytes) override {
        ++reads;
        on_bytes({bytes.data(), bytes.size()});
    }
    void on_end() override { has_ended = true; }
    void on_sent(std::size_t bytes) override {
        is_waiting_ = false;
        sending_.erase(0, bytes);
        push();
    }
    void on_failed(std::error_code error) override { failure = error; }

protected:
    virtual void on_bytes(std::string_view bytes) = 0;

    Backend& backend_;

private:
    void push() {
        while (!is_waiting_ && !failure && !(sending_.empty() && unsent_.empty())) {
            if (sending_.empty()) {
                sending_.swap(unsent_);
            }
            const iovec piece{sending_.data(), sending_.size()};
            const std::size_t taken = backend_.send(id_, {&piece, 1});
            is_waiting_ = taken == 0;
            sending_.erase(0, taken);
        }
    }

    SocketId id_;
    std::string sending_;  // the network may be reading it
    std::string unsent_;
    bool is_waiting_ = false;
};

// A frame as bytes.
inline std::string frame(Http2FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
    std::string bytes(Http2FrameHeader::kBytes, '\0');
    Http2FrameHeader{static_cast<std::uint32_t>(payload.size()), type, flags, stream}.write(bytes.data());
    return bytes.append(payload);
}

inline std::string u32(std::uint32_t value) {
    std::string bytes(4, '\0');
    wire::write_u32(bytes.data(), value);
    return bytes;
}

inline std::string setting(std::uint16_t name, std::uint32_t value) {
    return std::string{'\0', static_cast<char>(name)} + u32(value);
}

// A block of HPACK without tables or Huffman codes (RFC 7541, 6.2.2): names and values of less than 127 bytes.
inline std::string block(const Fields& fields) {
    std::string bytes;
    for (const auto& [name, value] : fields) {
        bytes += '\0';
        bytes += static_cast<char>(name.size());
        bytes += name;
        bytes += static_cast<char>(value.size());
        bytes += value;
    }
    return bytes;
}

inline const Fields kGet{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/"}};
inline const Fields kPost{{":method", "POST"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/form"}};
inline const Fields kWebSocket{{":method", "CONNECT"},
                               {":protocol", "websocket"},
                               {":scheme", "http"},
                               {":authority", "localhost"},
                               {":path", "/chat"}};

// A peer that notes the frames that come, and writes such as a test makes.
class RawPeer final : public TcpPeer {
public:
    using TcpPeer::TcpPeer;

    struct Frame {
        Http2FrameHeader header;
        std::string payload;
    };
    std::vector<Frame> frames;
    bool is_client = true;

    void begin(std::string_view settings = {}) {
        write((is_client ? std::string{wire::kHttp2Preface} : "") + frame(Http2FrameType::kSettings, 0, 0, settings));
        has_begun_ = true;
        acknowledge();
    }
    void request(std::uint32_t id, const Fields& fields, std::uint8_t flags = wire::http2_flag::kEndStream) {
        write(frame(Http2FrameType::kHeaders, flags | wire::http2_flag::kEndHeaders, id, block(fields)));
    }
    void data(std::uint32_t id, std::string_view bytes, std::uint8_t flags = 0) {
        write(frame(Http2FrameType::kData, flags, id, bytes));
    }

    [[nodiscard]] std::vector<Frame> all(Http2FrameType type) const {
        std::vector<Frame> found;
        for (const Frame& one : frames) {
            if (one.header.type == type && !(type == Http2FrameType::kSettings && one.header.has(1))) {
                found.push_back(one);
            }
        }
        return found;
    }
    // The payload of all DATA frames of a stream.
    [[nodiscard]] std::string data_of(std::uint32_t id) const {
        std::string data;
        for (const Frame& one : all(Http2FrameType::kData)) {
            data += one.header.stream == id ? one.payload : "";
        }
        return data;
    }
    // The code of the GOAWAY; empty if none has come, or it was NO_ERROR.
    [[nodiscard]] std::optional<Http2Error> goaway() const {
        for (const Frame& one : all(Http2FrameType::kGoaway)) {
            if (const auto code = wire::http2_error(wire::read_u32(one.payload.data() + 4));
                code != Http2Error::kNoError) {
                return code;
            }
        }
        return std::nullopt;
    }
    // The code of the RST_STREAM of a stream.
    [[nodiscard]] std::optional<Http2Error> reset(std::uint32_t id) const {
        for (const Frame& one : all(Http2FrameType::kRstStream)) {
            if (one.header.stream == id) {
                return wire::http2_error(wire::read_u32(one.payload.data()));
            }
        }
        return std::nullopt;
    }

private:
    void on_bytes(std::string_view bytes) override {
        unread_ += bytes;
        if (!is_client && !std::exchange(has_read_preface_, true)) {
            unread_.erase(0, wire::kHttp2Preface.size());
        }
        while (unread_.size() >= Http2FrameHeader::kBytes) {
            const auto header = Http2FrameHeader::read(unread_.data());
            if (unread_.size() < Http2FrameHeader::kBytes + header.length) {
                return;
            }
            frames.push_back({header, unread_.substr(Http2FrameHeader::kBytes, header.length)});
            unread_.erase(0, Http2FrameHeader::kBytes + header.length);
            unacknowledged_ += header.type == Http2FrameType::kSettings && !header.has(wire::http2_flag::kAck) ? 1 : 0;
            acknowledge();
        }
    }
    void acknowledge() {
        for (; has_begun_ && unacknowledged_ > 0; --unacknowledged_) {
            write(frame(Http2FrameType::kSettings, wire::http2_flag::kAck, 0));
        }
    }

    int unacknowledged_ = 0;  // SETTINGS
    bool has_begun_ = false;
    std::string unread_;
    bool has_read_preface_ = false;
};

// An independent peer: the whole of nghttp2, either side.
class NgPeer final : public TcpPeer {
public:
    struct Stream {
        Fields fields;
        std::string received;
        int data_frames = 0;
        bool has_ended = false;
        std::optional<std::uint32_t> closed_with;
        std::string to_send;
        bool ends = false;  // behind to_send
        std::int32_t id = 0;
    };

    NgPeer(Backend& backend, wire::Role role, std::uint32_t window = 65'535) : TcpPeer(backend) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(
            callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                          const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
                of(self).streams[frame->hd.stream_id].fields.emplace_back(
                    std::string(reinterpret_cast<const char*>(name), name_size),
                    std::string(reinterpret_cast<const char*>(value), value_size));
                return 0;
            });
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
            callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                          void* self) {
                of(self).streams[id].received.append(reinterpret_cast<const char*>(bytes), size);
                return 0;
            });
        nghttp2_session_callbacks_set_on_frame_recv_callback(
            callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                if (frame->hd.type == NGHTTP2_DATA) {
                    ++of(self).streams[frame->hd.stream_id].data_frames;
                }
                if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                    (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
                    of(self).streams[frame->hd.stream_id].has_ended = true;
                }
                if (frame->hd.type == NGHTTP2_GOAWAY) {
                    of(self).goaway = frame->goaway.error_code;
                }
                return 0;
            });
        nghttp2_session_callbacks_set_on_stream_close_callback(
            callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
                of(self).streams[id].closed_with = code;
                return 0;
            });
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
            callbacks, [](nghttp2_session*, const nghttp2_frame*, int error, void*) {
                ADD_FAILURE() << "nghttp2 refuses a frame: " << nghttp2_strerror(error);
                return 0;
            });
        role == wire::Role::kServer ? nghttp2_session_server_new(&session_, callbacks, this)
                                    : nghttp2_session_client_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        const std::vector<nghttp2_settings_entry> settings{
            {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window},
            {role == wire::Role::kServer ? std::int32_t{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL}
                                         : std::int32_t{NGHTTP2_SETTINGS_ENABLE_PUSH},
             role == wire::Role::kServer ? 1U : 0U}};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    }
    ~NgPeer() { nghttp2_session_del(session_); }

    std::map<std::int32_t, Stream> streams;
    std::optional<std::uint32_t> goaway;

    // A client's. Data follows with send(), unless it ends at once.
    std::int32_t request(const Fields& fields, Http2Body body = Http2Body::kNone) {
        const auto values = to_values(fields);
        auto source = provider();
        const std::int32_t id = nghttp2_submit_request(session_, nullptr, values.data(), values.size(),
                                                       body == Http2Body::kNone ? nullptr : &source, nullptr);
        streams[id].id = id;
        pump();
        return id;
    }
    // A server's.
    void respond(std::int32_t id, const Fields& fields) {
        const auto values = to_values(fields);
        auto source = provider();
        nghttp2_submit_response(session_, id, values.data(), values.size(), &source);
        pump();
    }
    void send(std::int32_t id, std::string_view bytes) {
        streams[id].to_send += bytes;
        nghttp2_session_resume_data(session_, id);
        pump();
    }
    void finish(std::int32_t id) {
        streams[id].ends = true;
        nghttp2_session_resume_data(session_, id);
        pump();
    }
    void reset(std::int32_t id, Http2Error error) {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(error));
        pump();
    }
    void terminate() {
        nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
        pump();
    }
    void pump() {
        for (;;) {
            const std::uint8_t* bytes = nullptr;
            const auto size = nghttp2_session_mem_send(session_, &bytes);
            ASSERT_GE(size, 0);
            if (size == 0) {
                return;
            }
            write({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
        }
    }
    // The window of the connection: for all streams together.
    void set_window(std::int32_t bytes) {
        nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, bytes);
        pump();
    }
    [[nodiscard]] bool wants_connect() const {
        return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
    }

private:
    static NgPeer& of(void* self) { return *static_cast<NgPeer*>(self); }

    static std::vector<nghttp2_nv> to_values(const Fields& fields) {
        std::vector<nghttp2_nv> values;
        for (const auto& [name, value] : fields) {
            values.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                              reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                              value.size(), NGHTTP2_NV_FLAG_NONE});
        }
        return values;
    }

    static nghttp2_data_provider provider() {
        nghttp2_data_provider made{};
        made.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* to, std::size_t most,
                                std::uint32_t* flags, nghttp2_data_source*, void* self) -> ssize_t {
            Stream& stream = of(self).streams[id];
            const std::size_t size = std::min(most, stream.to_send.size());
            if (size == 0 && !stream.ends) {
                return NGHTTP2_ERR_DEFERRED;
            }
            std::memcpy(to, stream.to_send.data(), size);
            stream.to_send.erase(0, size);
            *flags = stream.to_send.empty() && stream.ends ? std::uint32_t{NGHTTP2_DATA_FLAG_EOF} : 0U;
            return static_cast<ssize_t>(size);
        };
        return made;
    }

    void on_bytes(std::string_view bytes) override {
        const auto taken =
            nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        EXPECT_EQ(taken, static_cast<ssize_t>(bytes.size())) << nghttp2_strerror(static_cast<int>(taken));
        pump();
    }

    nghttp2_session* session_ = nullptr;
};

// A loop in memory, on which our side of a connection is a server or a client.
class Http2Test : public testing::Test, private ListenerEvents {
protected:
    Http2Test() : loop{std::make_unique<MemoryBackend>()}, network{static_cast<MemoryBackend&>(loop.backend())} {
        backend = &Http2Backend::of(loop);
        listener_ = backend->listen(Address::resolve("127.0.0.1", 0), {}, *this);
    }

    // We are the server, `peer` is the client.
    void serve(TcpPeer& peer) {
        peer.take(backend->connect(backend->local_address(listener_)));
        run();
        backend->speak_http2(accepted, wire::Role::kServer, options, owner);
        connection = accepted;
        run();
    }
    // We are the client, `peer` is the server.
    void dial(TcpPeer& peer) {
        connection = backend->connect(backend->local_address(listener_));
        TcpDial dialling;
        backend->attach(connection, dialling);
        run();
        peer.take(accepted);
        backend->speak_http2(connection, wire::Role::kClient, options, owner);
        run();
    }
    void run() { loop.run_until_idle(); }
    // The same while time passes, as long as timers fire.
    void pass(std::chrono::milliseconds time) {
        network.advance(time);
        run();
        loop.turn(backend->now());
        run();
    }
    // Accepts each stream of the peer.
    StreamNotes& stream(std::size_t number) {
        auto& notes = notes_[number];
        if (notes == nullptr) {
            notes = std::make_unique<StreamNotes>(*backend, owner.streams.at(number).id);
        }
        return *notes;
    }

    void clear_notes() { notes_.clear(); }
    [[nodiscard]] SocketId listener() const noexcept { return listener_; }

    Loop loop;
    MemoryBackend& network;
    Http2Backend* backend;
    Http2Options options;
    ConnectionNotes owner;
    SocketId connection;
    SocketId accepted;

private:
    struct TcpDial final : SocketEvents {
        void on_received(std::span<char>) override {}
        void on_end() override {}
        void on_sent(std::size_t) override {}
        void on_failed(std::error_code) override {}
    };

    void on_accepted(SocketId socket, const Address&, const Address&) override { accepted = socket; }
    void on_accept_failed(std::error_code) override {}

    SocketId listener_;
    std::map<std::size_t, std::unique_ptr<StreamNotes>> notes_;
};

}  // namespace c10k
