#include "testkit/page_fetch.hpp"

#include "c10k/websocket.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"

#include <chrono>
#include <coroutine>
#include <optional>
#include <string_view>
#include <utility>

namespace c10k::testkit {
namespace {

constexpr std::chrono::minutes kPatience{1};

std::string request_bytes(const std::string& host, const std::string& method, const std::string& target,
                          const Headers& headers, const std::string& body) {
    Headers fields = headers;
    if (!fields.get("Host")) {
        fields.add("Host", host);
    }
    fields.set("Connection", "close");
    if (!body.empty()) {
        fields.set("Content-Length", std::to_string(body.size()));
    }
    std::string bytes = method + ' ' + target + " HTTP/1.1\r\n";
    for (const Headers::Field& field : fields) {
        wire::append_field(bytes, field.name, field.value);
    }
    return bytes + "\r\n" + body;
}

// The response that `bytes` are; empty if they are not all of one.
std::optional<Response> whole_response(std::string_view bytes) {
    wire::ResponseParser parser;
    bytes.remove_prefix(parser.receive(bytes));
    if (parser.state() != wire::ResponseParser::State::kComplete) {
        return std::nullopt;
    }
    Response response = std::move(parser.response());
    if (!response.headers.has_token("Transfer-Encoding", "chunked")) {
        response.body = bytes;
        const std::string size = std::to_string(bytes.size());
        return response.headers.get("Content-Length").value_or("0") == size ? std::optional{response} : std::nullopt;
    }
    wire::ChunkReader chunks;
    chunks.receive(bytes, response.body, {});
    return chunks.whole() ? std::optional{response} : std::nullopt;
}

}  // namespace

class PageFetch::OverAwaiter final : public Awaiter {
public:
    explicit OverAwaiter(PageFetch& visit) noexcept : visit_(visit) {}
    [[nodiscard]] bool await_ready() const noexcept { return visit_.is_over() || stop_requested(); }
    void await_suspend(std::coroutine_handle<> task) noexcept {
        visit_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const { throw_if_stopped(); }
    using Awaiter::resume;

private:
    void on_stop() noexcept override {
        visit_.waiting_ = nullptr;
        resume();
    }

    PageFetch& visit_;
};

PageFetch::PageFetch(Harness& harness, const std::string& method, const std::string& target, const Headers& headers,
                     const std::string& body)
    : Peer(harness) {
    send(request_bytes(harness.address().text(), method, target, headers, body));
}

void PageFetch::on_over() {
    if (waiting_ != nullptr) {
        std::exchange(waiting_, nullptr)->resume();
    }
}

Task<Response> PageFetch::response() {
    try {
        co_await with_timeout(kPatience, OverAwaiter{*this});
    } catch (const TimedOut&) {
        throw ConnectionClosed{};
    }
    std::optional<Response> response = whole_response(received());
    if (!response) {
        throw ConnectionClosed{};
    }
    co_return *std::move(response);
}

}  // namespace c10k::testkit
