#pragma once

#include "c10k/http.hpp"
#include "http2/http2_events.hpp"
#include "http2/http2_streams.hpp"
#include "loop/backend.hpp"
#include "wire/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace c10k {

class Http2Session;
class Loop;
struct Http2Services;

// A backend around another, in which some sockets are HTTP/2 connections, and each stream of theirs is a socket, too
// (RFC 9113; WebSockets: RFC 8441). All other sockets are the inner one's, and it has the same ids.
//
// Streams obey all that Backend says of sockets:
//
// - on_received() gets the payload of DATA frames where the kernel put it. What comes before attach(), or while a
// stream
//   does not receive, is kept, at most a window of it.
// - send() takes at most 16 KiB, as far as the windows of the stream and of its connection and the connection's buffer
//   have room. It appends to that buffer, and the connection is flushed behind all streams that were queued by then:
//   one send for all of them. on_sent() says 0.
// - shutdown_write() is END_STREAM, and on_end() the peer's. close() is RST_STREAM, unless both have been.
// - on_failed() has an Http2StreamError.
class Http2Backend final : public Backend {
public:
    explicit Http2Backend(std::unique_ptr<Backend> inner);
    ~Http2Backend() override;
    Http2Backend(const Http2Backend&) = delete;
    Http2Backend& operator=(const Http2Backend&) = delete;

    // The HTTP/2 backend of a loop. The first call puts it around the loop's backend, with TLS between them.
    static Http2Backend& of(Loop& loop);
    // The same, or null if no call of of() has come.
    [[nodiscard]] static Http2Backend* find(Loop& loop) noexcept;

    [[nodiscard]] static bool is_stream(SocketId socket) noexcept { return Http2Streams::is_stream(socket); }

    // ---- Connections

    // From now on the connected socket `tcp` is an HTTP/2 connection, whose bytes go to nobody else. Its id names it in
    // the calls below. A client's preface and SETTINGS go out at once. `early`: bytes of the peer that have come
    // already, beginning with the first one; the next wait() reads them. The options and the owner outlive it.
    // Throws std::bad_alloc, and then the socket is as it was.
    void speak_http2(SocketId tcp, wire::Role role, const Http2Options& options, Http2Events& owner,
                     std::span<const char> early = {});
    // Says GOAWAY: the peer opens no more streams. When those that there are have ended, the connection does, and
    // on_ended() follows. May be called again.
    void finish(SocketId connection);
    // Backend::close() on its id ends a connection at once: its streams get on_failed() in the next wait(), and the
    // owner hears nothing more.

    // A client's. The peer's SETTINGS have come and allow an extended CONNECT (RFC 8441, 3).
    [[nodiscard]] bool allows_websockets(SocketId connection) const noexcept;
    // How many streams open() would open now: 0 before on_ready() and after on_goaway().
    [[nodiscard]] std::size_t free_streams(SocketId connection) const noexcept;
    // Streams that are open now, on either side.
    [[nodiscard]] std::size_t streams(SocketId connection) const noexcept;
    // Bytes of memory that a connection takes with its buffers, without its streams.
    [[nodiscard]] std::size_t memory(SocketId connection) const noexcept;

    // ---- Streams

    // A client's: sends a request. The events come to `events`, attach() is not needed; the stream does not receive
    // yet. Requires: free_streams() is not 0. Throws std::logic_error otherwise, and std::bad_alloc.
    SocketId open(SocketId connection, const wire::Http2Head& request, wire::Http2Body body, Http2StreamEvents& events);
    // A server's: sends the head of the answer. Fields that belong to a connection (RFC 9113, 8.2.2) are left out. Does
    // nothing if the stream has failed. Throws std::logic_error if it has an answer already, and std::bad_alloc.
    void respond(SocketId stream, int status, const Headers& headers, wire::Http2Body body);
    // The same with the head of a body that is there as a whole. If there is room for it, the body goes out with the
    // head and ends the stream, and true is returned; otherwise send() and shutdown_write() are left to do.
    [[nodiscard]] bool respond_whole(SocketId stream, int status, const Headers& headers, std::string_view body);
    // close() with an error code of its own.
    void reset(SocketId stream, wire::Http2Error error);
    // The TCP connection that a stream belongs to. Requires: the stream has not failed.
    [[nodiscard]] SocketId connection(SocketId stream) const noexcept;

    // ---- As every backend

    [[nodiscard]] Backend* inner() const noexcept override { return inner_.get(); }
    [[nodiscard]] std::string_view name() const noexcept override { return inner_->name(); }
    [[nodiscard]] std::size_t capacity() const noexcept override { return inner_->capacity(); }
    SocketId listen(const Address& address, const ListenOptions& options, ListenerEvents& events) override;
    [[nodiscard]] Address local_address(SocketId socket) const override;
    void pause_accepting(SocketId listener) override { inner_->pause_accepting(listener); }
    void resume_accepting(SocketId listener) override { inner_->resume_accepting(listener); }
    void leave_accepting(SocketId listener) override { inner_->leave_accepting(listener); }
    using Backend::connect;
    SocketId connect(const Address& to, const Address& from) override { return inner_->connect(to, from); }
    void attach(SocketId socket, SocketEvents& events) override;
    void start_receiving(SocketId socket) override;
    void stop_receiving(SocketId socket) override;
    [[nodiscard]] std::size_t send(SocketId socket, std::span<const iovec> bytes) override;
    void shutdown_write(SocketId socket) override;
    using Backend::close;
    void close(SocketId socket, std::shared_ptr<const void> unsent) override;
    [[nodiscard]] std::uint64_t failures_after_close() const noexcept override {
        return Backend::failures_after_close() + inner_->failures_after_close();
    }
    void watch(int descriptor, internal::Readiness wanted, internal::DescriptorEvents& events) override {
        inner_->watch(descriptor, wanted, events);
    }
    void unwatch(int descriptor, internal::Readiness wanted) noexcept override { inner_->unwatch(descriptor, wanted); }
    [[nodiscard]] bool has_news() const noexcept override;
    [[nodiscard]] std::int64_t now() const noexcept override { return inner_->now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall_clock() const noexcept override {
        return inner_->wall_clock();
    }
    int wait(std::optional<std::int64_t> until) override;
    [[nodiscard]] std::int64_t heard_until() const noexcept override;
    void wake() noexcept override { inner_->wake(); }
    [[nodiscard]] const std::shared_ptr<LoopDelay>& delay() const noexcept override { return inner_->delay(); }

private:
    // Null if it does not speak HTTP/2.
    [[nodiscard]] Http2Session* find(SocketId connection) const noexcept;
    [[nodiscard]] Http2Session& session_of(SocketId connection) const;
    // Null if its connection has ended.
    [[nodiscard]] Http2Session* session_of(const Http2Stream& stream) const noexcept;
    void close_stream(SocketId stream, std::optional<wire::Http2Error> error);
    [[nodiscard]] bool has_unread() const noexcept;
    // Tells the owner of a stream, and of a connection, what waits for it.
    void tell(std::uint32_t slot);
    int tell_sessions();
    void forget_closed() noexcept;

    std::unique_ptr<Backend> inner_;
    Loop* loop_ = nullptr;                                 // it wraps this backend
    std::unique_ptr<Http2Services> services_;              // made for the first connection
    std::vector<std::unique_ptr<Http2Session>> sessions_;  // by slot
    std::int64_t heard_before_ = 0;                        // heard_until() before what has not been read came
    std::unique_ptr<Http2Session> closed_;                 // a list, until the next wait(): they may be on the stack
};

}  // namespace c10k
