#include "http2/http2_backend.hpp"

#include "c10k/internal/require.hpp"
#include "http2/http2_session.hpp"
#include "loop/loop.hpp"
#include "tls/tls_backend.hpp"

#include <numeric>
#include <optional>
#include <string>
#include <utility>

namespace c10k {
namespace {

// Bytes that all connections together read in one turn of the loop. Their streams, and what the views do with them,
// stay in the processor's caches until the turn ends; what has come beyond it is read in the next turns.
constexpr std::size_t kReadInATurn = std::size_t{4} * 1024;

class Http2Category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "http2"; }
    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<Http2StreamError>(value)) {
            case Http2StreamError::kRefused: return "the other side has not taken the HTTP/2 stream";
            case Http2StreamError::kReset: return "the other side has ended the HTTP/2 stream";
            case Http2StreamError::kFailed: return "the other side has ended the HTTP/2 stream with an error";
            case Http2StreamError::kBroken: return "the other side broke a rule of HTTP/2";
            case Http2StreamError::kLost: return "the HTTP/2 connection has ended";
        }
        return "no such error";
    }
};

}  // namespace

std::error_code make_error_code(Http2StreamError error) noexcept {
    static const Http2Category category;
    return {static_cast<int>(error), category};
}

Http2Backend::Http2Backend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

Http2Backend::~Http2Backend() {
    for (const auto& session : sessions_) {
        if (session) {
            inner_->close(session->tcp(), session->close());
        }
    }
    forget_closed();
}

Http2Backend* Http2Backend::find(Loop& loop) noexcept { return dynamic_cast<Http2Backend*>(&loop.backend()); }

Http2Backend& Http2Backend::of(Loop& loop) {
    if (Http2Backend* const found = find(loop)) {
        return *found;
    }
    TlsBackend::of(loop);  // which cannot be put between them later
    Http2Backend& made = loop.wrap_backend<Http2Backend>();
    made.loop_ = &loop;
    return made;
}

// ---- Connections

void Http2Backend::speak_http2(SocketId tcp, wire::Role role, const Http2Options& options, Http2Events& owner,
                               std::span<const char> early) {
    if (services_ == nullptr) {
        services_ = std::make_unique<Http2Services>(Http2Services{.loop = *loop_, .inner = *inner_});
    }
    if (tcp.slot >= sessions_.size()) {
        sessions_.resize(tcp.slot + std::size_t{1});
    }
    auto session = std::make_unique<Http2Session>(*services_, tcp, role, options, owner);
    session->start(early);
    sessions_[tcp.slot] = std::move(session);
}

Http2Session* Http2Backend::find(SocketId connection) const noexcept {
    if (connection.slot >= sessions_.size()) {
        return nullptr;
    }
    Http2Session* const found = sessions_[connection.slot].get();
    return found != nullptr && found->tcp() == connection ? found : nullptr;
}

Http2Session& Http2Backend::session_of(SocketId connection) const {
    Http2Session* const session = find(connection);
    internal::require(session != nullptr, "open(): this is no HTTP/2 connection");
    return *session;
}

Http2Session* Http2Backend::session_of(const Http2Stream& stream) const noexcept {
    return stream.session != Http2Stream::kNone ? sessions_[stream.session].get() : nullptr;
}

void Http2Backend::finish(SocketId connection) {
    if (Http2Session* const session = find(connection)) {
        session->finish();
    }
}

bool Http2Backend::allows_websockets(SocketId connection) const noexcept {
    const Http2Session* const session = find(connection);
    return session != nullptr && session->allows_websockets();
}

std::size_t Http2Backend::free_streams(SocketId connection) const noexcept {
    const Http2Session* const session = find(connection);
    return session != nullptr ? session->free_streams() : 0;
}

std::size_t Http2Backend::streams(SocketId connection) const noexcept {
    const Http2Session* const session = find(connection);
    return session != nullptr ? session->streams() : 0;
}

std::size_t Http2Backend::memory(SocketId connection) const noexcept {
    const Http2Session* const session = find(connection);
    return session != nullptr ? session->memory() : 0;
}

// ---- Streams

SocketId Http2Backend::open(SocketId connection, const wire::Http2Head& request, wire::Http2Body body,
                            Http2StreamEvents& events) {
    return session_of(connection).open(request, body, events);
}

void Http2Backend::respond(SocketId stream, int status, const Headers& headers, wire::Http2Body body) {
    const Http2Stream* const found = services_->streams.find(stream);
    if (found != nullptr && !has_failed(found->state)) {
        session_of(*found)->respond(stream.slot, status, headers, body);
    }
}

bool Http2Backend::respond_whole(SocketId stream, int status, const Headers& headers, std::string_view body) {
    const Http2Stream* const found = services_->streams.find(stream);
    return found != nullptr && !has_failed(found->state) &&
           session_of(*found)->respond_whole(stream.slot, status, headers, body);
}

SocketId Http2Backend::connection(SocketId stream) const noexcept {
    return session_of(*services_->streams.find(stream))->tcp();
}

void Http2Backend::attach(SocketId socket, SocketEvents& events) {
    if (!is_stream(socket)) {
        inner_->attach(socket, events);
    } else if (Http2Stream* const stream = services_->streams.find(socket)) {
        stream->events = &events;
        if (has_failed(stream->state)) {
            services_->streams.note_news(socket.slot);
        }
    }
}

void Http2Backend::start_receiving(SocketId socket) {
    if (!is_stream(socket)) {
        inner_->start_receiving(socket);
    } else if (Http2Stream* const stream = services_->streams.find(socket)) {
        stream->is_receiving = true;
        if (stream->held != nullptr || (!can_receive(stream->state) && !stream->end_is_told)) {
            services_->streams.note_news(socket.slot);
        }
    }
}

void Http2Backend::stop_receiving(SocketId socket) {
    if (!is_stream(socket)) {
        inner_->stop_receiving(socket);
    } else if (Http2Stream* const stream = services_->streams.find(socket)) {
        stream->is_receiving = false;
    }
}

std::size_t Http2Backend::send(SocketId socket, std::span<const iovec> bytes) {
    if (!is_stream(socket)) {
        return inner_->send(socket, bytes);
    }
    Http2Stream* const stream = services_->streams.find(socket);
    if (stream != nullptr && can_send(stream->state)) {
        return session_of(*stream)->send(socket.slot, bytes);
    }
    if (stream != nullptr && !has_failed(stream->state)) {  // the peer wants no more of it, and has said all of its own
        return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0},
                               [](std::size_t sum, const iovec& piece) { return sum + piece.iov_len; });
    }
    return 0;  // on_failed() has come, or will
}

void Http2Backend::shutdown_write(SocketId socket) {
    if (!is_stream(socket)) {
        inner_->shutdown_write(socket);
    } else if (const Http2Stream* const stream = services_->streams.find(socket);
               stream != nullptr && can_send(stream->state)) {
        session_of(*stream)->shutdown_write(socket.slot);
    }
}

void Http2Backend::reset(SocketId stream, wire::Http2Error error) { close_stream(stream, error); }

void Http2Backend::close_stream(SocketId stream, std::optional<wire::Http2Error> error) {
    Http2Stream* const found = services_->streams.find(stream);
    if (found == nullptr) {
        return;
    }
    if (found->state == Http2StreamState::kFailed) {
        count_failure_after_close();
    }
    if (Http2Session* const session = session_of(*found)) {
        session->close_stream(stream.slot, error);
    } else {
        services_->streams.remove(stream.slot);
    }
}

void Http2Backend::close(SocketId socket, std::shared_ptr<const void> unsent) {
    if (is_stream(socket)) {
        close_stream(socket, std::nullopt);
    } else if (Http2Session* const session = find(socket)) {
        inner_->close(socket, session->close());
        session->next_closed = std::exchange(closed_, std::move(sessions_[socket.slot]));
    } else {
        inner_->close(socket, std::move(unsent));
    }
}

// ---- As every backend

SocketId Http2Backend::listen(const Address& address, const ListenOptions& options, ListenerEvents& events) {
    return inner_->listen(address, options, events);
}

Address Http2Backend::local_address(SocketId socket) const {
    return inner_->local_address(is_stream(socket) ? connection(socket) : socket);
}

bool Http2Backend::has_news() const noexcept {
    return (services_ != nullptr && (services_->with_news != nullptr || services_->streams.has_news())) ||
           has_unread() || inner_->has_news();
}

bool Http2Backend::has_unread() const noexcept { return services_ != nullptr && services_->first_unread != nullptr; }

std::int64_t Http2Backend::heard_until() const noexcept { return has_unread() ? heard_before_ : inner_->heard_until(); }

int Http2Backend::wait(std::optional<std::int64_t> until) {
    forget_closed();
    int delivered = 0;
    if (services_ != nullptr) {
        services_->may_read = kReadInATurn;
        delivered += services_->streams.tell_news([this](std::uint32_t slot) { tell(slot); });
        delivered += tell_sessions();
        for (; has_unread() && services_->may_read > 0; ++delivered) {
            Http2Session::read_first(*services_);
        }
        if (has_unread()) {
            return delivered;
        }
    }
    heard_before_ = inner_->heard_until();
    return delivered + inner_->wait(delivered > 0 ? std::optional<std::int64_t>{0} : until);
}

void Http2Backend::tell(std::uint32_t slot) {
    const SocketId socket = services_->streams.id_of(slot);
    Http2Stream* stream = &services_->streams.at(slot);
    if (stream->events == nullptr) {
        return;  // attach() comes back to it
    }
    if (stream->state == Http2StreamState::kFailed) {
        stream->state = find_transition(stream->state, Http2StreamEvent::kTold)->to;
        stream->events->on_failed(stream->error);
        return;
    }
    if (stream->was_woken && stream->waits) {
        stream->waits = false;
        if (Http2Session* const session = session_of(*stream)) {  // one that is done may outlive its connection
            session->note_woken();
        }
        stream->events->on_sent(0);
        stream = services_->streams.find(socket);
    }
    if (stream != nullptr && stream->session != Http2Stream::kNone && !has_failed(stream->state)) {
        session_of(*stream)->deliver_held(slot);
    }
}

// A connection's owner hears of its end when the owners of its streams have.
int Http2Backend::tell_sessions() {
    int told = 0;
    if (services_->streams.has_news()) {
        return told;
    }
    for (; services_->with_news != nullptr; ++told) {
        Http2Session& session = *services_->with_news;
        session.drop_news();
        session.deliver_news();
    }
    return told;
}

void Http2Backend::forget_closed() noexcept {
    while (closed_) {
        closed_ = std::move(closed_->next_closed);  // one by one: not a destructor inside the other
    }
}

}  // namespace c10k
