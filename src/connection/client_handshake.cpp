#include "connection/client_handshake.hpp"

#include "http2/http2_backend.hpp"

#include <new>
#include <utility>
#include <variant>

namespace c10k {

bool ClientHandshake::make_websocket(LoopServices& services, SocketId socket,
                                     const std::variant<wire::Agreed, wire::Disagreed>& result) {
    if (const auto* disagreed = std::get_if<wire::Disagreed>(&result)) {
        note_failure(disagreed->reason);
        return false;
    }
    try {
        wanted_.socket.emplace(services, socket, wanted_.server, std::get<wire::Agreed>(result));
    } catch (const std::bad_alloc&) {
        note_failure("out of memory");
        return false;
    }
    return true;
}

void ClientHandshake::end() {
    is_over_ = true;
    if (waiting_ != nullptr) {
        waiting_->resume();
    }
}

// ---- HTTP/1.1

Http1ClientHandshake::Http1ClientHandshake(LoopServices& services, SocketId connecting, const Wanted& wanted)
    : ClientHandshake(wanted), SocketStream(services, connecting) {}

void Http1ClientHandshake::on_connected() {
    is_request_sent_ = true;
    outbox_.append(wire::to_bytes(request()));
    flush_soon(outbox_.bytes());
    resume_reading();
}

void Http1ClientHandshake::on_received(std::span<char> bytes) {
    const std::size_t head = parser_.receive({bytes.data(), bytes.size()});
    if (parser_.state() == wire::ResponseParser::State::kFailed) {
        fail(parser_.failure());
    } else if (parser_.state() == wire::ResponseParser::State::kComplete) {
        take_answer(bytes.subspan(head));
    }
}

void Http1ClientHandshake::take_answer(std::span<char> early) {
    if (!outbox_.empty() || is_sending()) {
        fail("the server answered before it had the whole request");
        return;
    }
    if (!make_websocket(services(), socket(), wire::check(request(), parser_.response()))) {
        abort();
        end();
        return;
    }
    pause_reading();  // the WebSocket decides for itself
    hand_over();
    made().open({}, early);
    end();
}

void Http1ClientHandshake::on_fin() { fail("the server ended the connection instead of answering the handshake"); }

void Http1ClientHandshake::on_failed(std::error_code error) { fail(error.message()); }

void Http1ClientHandshake::fail(std::string_view why) {
    note_failure(why);
    abort();
    end();
}

// ---- HTTP/2

Http2ClientHandshake::Http2ClientHandshake(LoopServices& services, SocketId connection, std::string_view scheme,
                                           const Wanted& wanted)
    : ClientHandshake(wanted), services_(services) {
    stream_ = Http2Backend::of(services_.loop)
                  .open(connection, wire::to_head(request(), scheme), wire::Http2Body::kFollows, *this);
}

Http2ClientHandshake::~Http2ClientHandshake() { close(); }

void Http2ClientHandshake::on_head(wire::Http2Head head, wire::Http2Body body) {
    if (body == wire::Http2Body::kNone && head.status < 300) {
        note_failure("the server ended the stream instead of opening the WebSocket");
    } else if (make_websocket(services_, *stream_, wire::check(request(), head))) {
        stream_.reset();
        made().open({}, {});
    }
    close();
    end();
}

void Http2ClientHandshake::on_failed(std::error_code error) {
    is_refused_ = error == make_error_code(Http2StreamError::kRefused);
    note_failure(error.message());
    close();
    end();
}

void Http2ClientHandshake::close() noexcept {
    if (stream_) {
        services_.loop.backend().close(*std::exchange(stream_, std::nullopt));
    }
}

}  // namespace c10k
