#include "testkit/failure_recorder.hpp"

namespace c10k::testkit {

namespace {}  // namespace

std::string text_of(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "something that is no std::exception";
    }
}

void FailureRecorder::complain(std::string what) {
    if (first_failure_.empty()) {
        first_failure_ = std::move(what);
    }
}

void FailureRecorder::on_stream_failed(const Request& request, std::exception_ptr failure) {
    complain("the stream of " + request.target + " threw: " + text_of(failure));
    site_.on_stream_failed(request, std::move(failure));
}

std::uint16_t FailureRecorder::on_websocket_failed(const WebSocketRoute& route, WebSocket& socket,
                                                   std::exception_ptr failure) {
    const std::string first_failure = "the view of " + route.name + " threw: " + text_of(failure);
    const std::uint16_t code = site_.on_websocket_failed(route, socket, std::move(failure));
    if (code == CloseCode::kInternalError) {
        complain(first_failure);
    }
    return code;
}

// Not on_view_failed(): the site may turn a failure inside its middleware into a response by itself.
void FailureRecorder::on_answered(const Request& request, const Response& response) {
    constexpr int kInternalServerError = 500;
    if (response.status == kInternalServerError) {
        complain("the view of " + request.target + " threw, and was answered with 500");
    }
    site_.on_answered(request, response);
}

}  // namespace c10k::testkit
