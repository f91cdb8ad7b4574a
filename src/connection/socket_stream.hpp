#pragma once

#include "connection/loop_services.hpp"
#include "connection/outbox.hpp"
#include "http2/http2_streams.hpp"
#include "loop/loop.hpp"

#include <cstddef>
#include <span>
#include <system_error>

namespace c10k {

// A connected socket with its outbox: the common part of HTTP and WebSocket connections.
//
// At most one Backend::send() is unanswered. Bytes queued meanwhile go out with the next one.
class SocketStream : private SocketEvents, private Flushable {
public:
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

protected:
    // Takes `socket` over: its events come here from now on. It does not read yet.
    SocketStream(LoopServices& services, SocketId socket);
    // Closes the socket, unless abort() or hand_over() has come before.
    ~SocketStream();

    [[nodiscard]] LoopServices& services() const noexcept { return services_; }
    [[nodiscard]] Loop& loop() const noexcept { return services_.loop; }
    [[nodiscard]] SocketId socket() const noexcept { return socket_; }

    // ---- Reading

    [[nodiscard]] bool is_reading() const noexcept { return is_reading_; }
    void resume_reading();
    // Bytes that are already under way may still arrive.
    void pause_reading();
    // The peer's FIN has come.
    [[nodiscard]] bool has_peer_fin() const noexcept { return has_peer_fin_; }

    // ---- Writing

    // Asks the loop to send the outbox soon; `added` is how many of its bytes are new.
    void flush_soon(std::size_t added) {
        if (is_sending_) {
            return;
        }
        if (Http2Streams::is_stream(socket_)) {
            loop().flush_in_turn(*this);  // into the buffer of its connection, which is flushed later
        } else {
            loop().flush_later(*this, added);
        }
    }
    // The backend has yet to answer a send().
    [[nodiscard]] bool is_sending() const noexcept { return is_sending_; }
    // Sends FIN; reading goes on. Does nothing if that was done. Requires: the outbox is empty.
    void shutdown_write();

    // The same for a stream of HTTP/2 only: its close would reset it, where the kernel's sends FIN behind all bytes.
    void shutdown_stream();

    // ---- The end

    // There is no socket any more.
    [[nodiscard]] bool is_gone() const noexcept { return is_gone_; }
    // Closes the socket now: bytes that are queued are lost, and no event follows. Does nothing if it is gone.
    void abort() noexcept;
    // Gives the socket up to another owner. Requires: the outbox is empty, and no send() is unanswered.
    SocketId hand_over() noexcept;

    // The peer sent its FIN while another object had the socket: the backend does not report it again.
    void note_peer_fin() { on_end(); }

    // ---- Events. The loop delivers them in its turn; none of them comes out of a call above.

    void on_received(std::span<char> bytes) override = 0;
    // The peer has finished sending.
    virtual void on_fin() = 0;
    // The kernel has taken some of the outbox, perhaps all of it. `bytes` is 0 if it was full, and has room again.
    virtual void on_written(std::size_t bytes) = 0;
    // The connection is lost. The socket is still to be closed.
    void on_failed(std::error_code error) override = 0;
    // Answers a send() that found no room at once.
    void on_sent(std::size_t bytes) override;

    Outbox outbox_;

private:
    void on_end() final;
    void flush() final;
    void consume(std::size_t bytes);

    LoopServices& services_;
    SocketId socket_;
    bool is_reading_ : 1 = false;
    bool is_sending_ : 1 = false;
    bool is_gone_ : 1 = false;
    bool has_peer_fin_ : 1 = false;
    bool has_shut_down_ : 1 = false;
};

}  // namespace c10k
