#pragma once

#include "c10k/body_reader.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "server/application.hpp"
#include "server/request_body.hpp"
#include "server/server_context.hpp"
#include "wire/request_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace c10k {

// One request and its answer: asks the application, and runs the view and the stream that the answer comes from. It
// knows neither a socket nor a clock.
class HttpExchange final : private CompletionListener {
public:
    enum class Outcome : std::uint8_t {
        kRunning,   // the view or its stream has not ended
        kAnswered,  // all of the answer is queued
        kUpgrade,   // the answer is a WebSocket's: take_match() has it
        kCut,       // the answer cannot be completed
    };

    // The connection that carries the answer, and that the body of the request comes from.
    class Carrier : public RequestBody::Source {
    public:
        // Queues bytes. Throws std::bad_alloc.
        virtual void send(std::string_view bytes) = 0;
        // How many of them the peer has not taken.
        [[nodiscard]] virtual std::size_t unsent_bytes() const noexcept = 0;
        // Nobody is there to be answered.
        [[nodiscard]] virtual bool is_lost() const noexcept = 0;
        // The view or its stream has ended, and perhaps a stream begins.
        virtual void on_progress(Outcome outcome) noexcept = 0;

    protected:
        ~Carrier() = default;
    };

    // Both outlive it.
    HttpExchange(ServerContext& context, Carrier& carrier) noexcept;
    ~HttpExchange();
    HttpExchange(const HttpExchange&) = delete;
    HttpExchange& operator=(const HttpExchange&) = delete;

    // Answers the request that `parser` has read, whole or with its body still to come. Both stay until the answer is
    // complete. Throws std::bad_alloc.
    Outcome start(wire::RequestParser& parser);
    // The body of that request. Its data comes here while it is still to come.
    [[nodiscard]] RequestBody& body() noexcept { return body_; }
    // The answer is a WebSocket's, until somebody takes or drops it.
    [[nodiscard]] bool has_match() const noexcept { return match_.has_value(); }
    void drop_match() noexcept { match_.reset(); }
    [[nodiscard]] WebSocketMatch take_match() { return *std::exchange(match_, std::nullopt); }

    [[nodiscard]] bool is_running() const noexcept { return static_cast<bool>(view_) || stream_ != nullptr; }
    [[nodiscard]] bool is_streaming() const noexcept { return stream_ != nullptr; }
    // No request will be read after this answer, which says so if its head has not gone out.
    [[nodiscard]] bool is_last() const noexcept { return is_last_; }
    void make_last() noexcept { is_last_ = true; }
    // The head of a streamed answer has gone out.
    [[nodiscard]] bool has_begun() const noexcept;
    // Whether so much of the body is missing that the connection has to end: it is long, will not come, or the client
    // may or may not send it, since it has asked and had no answer (RFC 9110, 10.1.1).
    [[nodiscard]] bool leaves_body() const noexcept;
    // The peer has taken something of the answer.
    void on_written();
    // Asks the view and the stream to stop.
    void request_stop() noexcept { scope_.request_stop(); }
    // The same, since nobody is there to be answered.
    void lose() noexcept {
        body_.lose();
        scope_.request_stop();
    }

private:
    class Stream;

    void on_completed() noexcept override;
    void on_stream_ended() noexcept;
    // The view has ended, or its stream.
    Outcome answer_with_view();
    Outcome finish_stream();
    // Returns whether the target says https and the request did not come so, or the other way round (RFC 9110, 7.4).
    [[nodiscard]] bool is_misdirected() const;
    Outcome respond(Response response);
    // Sends a response, or the head of a streamed one. Throws std::logic_error if its status or headers cannot be sent.
    void send_answer(const Response& response);
    [[nodiscard]] bool is_stop(const std::exception_ptr& failure) const;

    ServerContext& context_;
    Carrier& carrier_;
    wire::RequestParser* parser_ = nullptr;  // has the request
    RequestBody body_;
    BodyReader reader_{body_};
    Task<Response> view_;
    std::unique_ptr<Stream> stream_;  // what the view returned, if it is a stream
    std::optional<WebSocketMatch> match_;
    StopScope scope_;
    bool is_last_ = false;
};

}  // namespace c10k
