#pragma once

#include "c10k/body_reader.hpp"
#include "c10k/http.hpp"
#include "c10k/task.hpp"
#include "server/application.hpp"
#include "server/request_body.hpp"
#include "server/server_context.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace c10k {

// One request and its answer: asks the application, and runs the view and the stream that the answer comes from. It
// knows no socket, no clock and no version of HTTP.
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
        // The request that is answered.
        [[nodiscard]] virtual Request& request() noexcept = 0;
        // Queues a response, or, of a streamed one, its head. Throws std::bad_alloc, and std::logic_error if its status
        // or a field cannot be sent; then nothing is.
        virtual void send_answer(const Response& response) = 0;
        // Queues some of a streamed body, whose head has been queued, and its end. Throws std::bad_alloc.
        virtual void send_piece(std::string_view piece) = 0;
        virtual void send_end() = 0;
        // How many bytes of all that the peer has not taken.
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

    // Facts of a request that its connection knows.
    struct Terms {
        bool is_whole = true;                      // its body is in it; otherwise it is still to come
        std::optional<std::uint64_t> length = {};  // bytes of a body that is still to come, if the peer has said so
        int minor_version = 1;                     // of HTTP/1.x
        std::optional<bool> names_https = {};      // the target says https, or http (RFC 9110, 7.4)
    };
    // Answers the carrier's request, which stays until the answer is complete. Throws std::bad_alloc.
    Outcome start(const Terms& terms);
    // The body of that request. Its data comes here while it is still to come.
    [[nodiscard]] RequestBody& body() noexcept { return body_; }
    // The answer is a WebSocket's, until somebody takes or drops it.
    [[nodiscard]] bool has_match() const noexcept { return match_.has_value(); }
    void drop_match() noexcept { match_.reset(); }
    [[nodiscard]] WebSocketMatch take_match() { return *std::exchange(match_, std::nullopt); }

    [[nodiscard]] bool is_running() const noexcept { return static_cast<bool>(view_) || stream_ != nullptr; }
    [[nodiscard]] bool is_streaming() const noexcept { return stream_ != nullptr; }
    // The head of a streamed answer has gone out.
    [[nodiscard]] bool has_begun() const noexcept;
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
    Outcome respond(Response response);
    [[nodiscard]] bool is_stop(const std::exception_ptr& failure) const;

    ServerContext& context_;
    Carrier& carrier_;
    RequestBody body_;
    BodyReader reader_{body_};
    Task<Response> view_;
    std::unique_ptr<Stream> stream_;  // what the view returned, if it is a stream
    std::optional<WebSocketMatch> match_;
    StopScope scope_;
};

}  // namespace c10k
