#pragma once

#include "c10k/awaiter.hpp"
#include "c10k/errors.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

// Bodies of requests that a view reads while they arrive.
namespace c10k {

template <typename T>
class Task;
class RequestBody;

// Thrown by a BodyReader whose body will not come whole. A view may let it pass: the client gets an error page of that
// status, if it is still there, and the log stays silent.
//
//     400  the client is gone or has sent its FIN before the end of the body, or its chunks are no chunks
//     408  it sends more slowly than min_body_rate, or nothing for body_time
//     413  the body is larger than limit() or read_all() allows
//     431  its trailer fields are larger than max_head_bytes
class BodyError : public HttpError {
public:
    using HttpError::HttpError;
};

// Reads the body of a request while it arrives. A page's view that takes one as its second parameter starts as soon as
// the head of its request has come, and request.body stays empty:
//
//     Task<Response> upload(Request& request, BodyReader& body) {
//         for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
//             ...
//         }
//         co_return Response::text("thank you\n");
//     }
//
// The server reads ahead no more than body_buffer_bytes, and max_body_bytes does not apply: a view that stores what it
// reads calls limit(). A client that waits for "100 Continue" gets it when the view first reads (RFC 9110, 10.1.1).
// body_time and min_body_rate apply only while a read() waits. A view may answer without reading all of it: the server
// throws away a short rest, and closes the connection behind the answer if the rest is long.
//
// A view borrows it until its response is complete, with the body of a stream.
// Thread: that of the view's loop.
class BodyReader {
public:
    class ReadAwaiter;

    BodyReader(const BodyReader&) = delete;
    BodyReader& operator=(const BodyReader&) = delete;

    // Takes all that has come, without chunks' heads; empty at the end of the body, and only there.
    // Suspends until something comes; stopping the wait loses nothing.
    // Throws BodyError, once all that came before the failure has been taken. Requires: no other read() is pending.
    // Throws std::logic_error otherwise, when it is awaited.
    [[nodiscard]] ReadAwaiter read();
    // Reads the rest. Throws BodyError as read() and limit() do.
    Task<std::string> read_all(std::size_t max_bytes);

    // From now on a body of more than `max_bytes`, from its beginning, is an error: read() throws BodyError when more
    // has come. Throws it at once if more has come already or if the Content-Length says more.
    void limit(std::uint64_t max_bytes);
    // The length of the whole body; empty if only its last chunk will tell.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept;

    // The library makes it.
    explicit BodyReader(RequestBody& body) noexcept : body_(body) {}

    // For the library.
    [[nodiscard]] RequestBody& body() const noexcept { return body_; }

private:
    RequestBody& body_;
};

class [[nodiscard]] BodyReader::ReadAwaiter final : public Awaiter {
public:
    explicit ReadAwaiter(RequestBody& body) noexcept : body_(body) {}
    [[nodiscard]] bool await_ready() const;
    void await_suspend(std::coroutine_handle<> task);
    std::string await_resume();

private:
    friend class c10k::RequestBody;
    void on_stop() noexcept override;

    RequestBody& body_;
};

}  // namespace c10k
