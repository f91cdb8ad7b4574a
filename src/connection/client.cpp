#include "c10k/client.hpp"

#include "base/address.hpp"
#include "c10k/text.hpp"
#include "connection/handshakes.hpp"
#include "connection/websocket_connection.hpp"
#include "transport/tls_backend.hpp"
#include "wire/extensions.hpp"
#include "wire/handshake.hpp"
#include "wire/http1.hpp"
#include "wire/url.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace c10k {
namespace {

constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kAbnormal = 1006;
constexpr std::uint16_t kInternalError = 1011;

std::shared_ptr<const TlsContext> tls_context(const EndpointOptions& options) {
    if (options.verify == Verify::kNothing) {
        return TlsContext::for_trusting_client();
    }
    return options.ca_file.empty() ? TlsContext::for_client() : TlsContext::for_client(options.ca_file);
}

}  // namespace

struct Endpoint::Data {
    std::string url;
    wire::Url parsed;
    Address address;
    EndpointOptions options;
    WebSocketLimits limits;
    std::shared_ptr<const TlsContext> tls;  // null for ws://
    Handshakes::Key handshakes;
    std::vector<Address> sources;

    // Where the next connection comes from. Thread: any.
    [[nodiscard]] Address next_source() const noexcept {
        return sources.empty() ? Address{} : sources[next_.fetch_add(1, std::memory_order_relaxed) % sources.size()];
    }

    Data() = default;
    Data(const Data& other)
        : url(other.url), parsed(other.parsed), address(other.address), options(other.options), limits(other.limits),
          tls(other.tls), handshakes(other.handshakes), sources(other.sources) {}
    Data& operator=(const Data&) = delete;

private:
    mutable std::atomic<std::uint32_t> next_{0};
};

Endpoint::Endpoint(std::string_view url) : Endpoint{url, EndpointOptions{}} {}

Endpoint::Endpoint(std::string_view url, EndpointOptions options) {
    auto data = std::make_shared<Data>();
    data->url = url;
    data->parsed = wire::Url::parse(url);
    if (data->parsed.scheme != "ws" && data->parsed.scheme != "wss") {
        throw std::invalid_argument("cannot connect to '" + data->url +
                                    "': a WebSocket's URL begins with ws:// or wss://");
    }
    if (data->parsed.secure()) {
        data->tls = tls_context(options);
    }
    if (!options.compression.is_possible()) {
        throw std::invalid_argument("compression: a window has 8 to 15 bits");
    }
    data->address = Address::resolve(data->parsed.host, data->parsed.port);
    data->handshakes = {{reinterpret_cast<const char*>(data->address.get()), data->address.size()},
                        options.handshakes_at_once};
    if (options.handshakes_at_once == 0) {
        throw std::invalid_argument("handshakes_at_once must be at least 1");
    }
    if (options.max_message_bytes == 0 || options.max_message_bytes > Message::kMaxSize) {
        throw std::invalid_argument("max_message_bytes must be from 1 to 1073741824 (1 GiB)");
    }
    if (options.max_fragments == 0 || options.max_fragments > wire::ProtocolLimits::kMostFragments) {
        throw std::invalid_argument("max_fragments must be from 1 to 16777215");
    }
    data->limits.protocol.max_message_bytes = options.max_message_bytes;
    data->limits.protocol.max_fragments = options.max_fragments;
    data->limits.ping_interval = options.ping_interval;
    data->limits.ping_timeout = options.ping_timeout;
    data->limits.close_time = options.close_time;
    data->options = std::move(options);
    data_ = std::move(data);
}

const std::string& Endpoint::url() const noexcept { return data_->url; }

bool Endpoint::is_loopback() const noexcept { return data_->address.is_loopback(); }

Endpoint Endpoint::from(const std::vector<std::string>& sources) const {
    auto data = std::make_shared<Data>(*data_);
    data->sources.clear();
    for (const std::string& source : sources) {
        data->sources.push_back(Address::resolve(source, 0));
    }
    return Endpoint{std::move(data)};
}

// A client's WebSocket. It belongs to connect(), which waits for its beginning and its end.
class DialledWebSocket final : public WebSocketConnection {
public:
    explicit DialledWebSocket(const Endpoint::Data& server)
        : WebSocketConnection(Loop::current(), Loop::current().backend().connect(server.address, server.next_source()),
                              wire::Role::kClient, server.limits),
          handshake_(std::make_unique<Handshake>()) {
        handshake_->request.host = server.parsed.host_field();
        handshake_->request.target = server.parsed.target;
        handshake_->request.subprotocols = server.options.subprotocols;
        handshake_->request.headers = server.options.headers;
        if (const Compression& compression = server.options.compression; compression.is_on()) {
            handshake_->request.deflate = wire::offer_deflate(compression);
            handshake_->compress_from = compression.from_bytes;
        }
        if (server.tls) {
            TlsBackend::of(loop()).secure(socket(), server.tls, server.parsed.host);
        }
        loop().backend().attach(socket(), *this);
    }

    // Makes `socket` and opens it when it is its turn.
    static Task<> open_in_turn(std::optional<DialledWebSocket>& socket, const Endpoint::Data& server,
                               HandshakeWindow& window);
    // Closes it, if it is open, when it is its turn, and waits for the end of the connection.
    Task<> close_in_turn(std::uint16_t code, const Endpoint::Data& server, HandshakeWindow& window);

    class ProgressAwaiter;
    // Suspends until the TCP connection has ended. It is not stopped: the close time bounds it.
    ProgressAwaiter gone();

    using WebSocketConnection::leave_groups;

private:
    // Suspends until the handshake has succeeded or the connection has failed.
    ProgressAwaiter opened();

    // Throws ConnectError unless the handshake has succeeded.
    void check_opened(const std::string& url) const {
        if (handshake_) {
            throw ConnectError("cannot connect to " + url + ": " + printable(close_info().reason));
        }
    }

    // Drops what has come and what still comes, which would keep the server's close out.
    void ignore_messages() {
        is_ignoring_ = true;
        while (has_message()) {
            take_message();
        }
    }

    struct Handshake {
        wire::HandshakeRequest request;
        wire::ResponseParser parser;
        std::uint32_t compress_from = 0;
    };

    void on_connected() override {
        write(wire::to_bytes(handshake_->request));
        start_reading();
    }

    void on_received(std::span<char> bytes) override {
        if (!handshake_) {
            WebSocketConnection::on_received(bytes);
            return;
        }
        const std::size_t head = handshake_->parser.receive({bytes.data(), bytes.size()});
        if (handshake_->parser.state() == wire::ResponseParser::State::kFailed) {
            drop(kAbnormal, handshake_->parser.failure());
        } else if (handshake_->parser.state() == wire::ResponseParser::State::kComplete) {
            finish_handshake(bytes.subspan(head));
        }
    }

    void finish_handshake(std::span<char> early) {
        const auto result = wire::check(handshake_->request, handshake_->parser.response());
        if (const auto* disagreed = std::get_if<wire::Disagreed>(&result)) {
            drop(kAbnormal, disagreed->reason);
            return;
        }
        const auto& agreed = std::get<wire::Agreed>(result);
        subprotocol_ = agreed.subprotocol;
        if (agreed.deflate) {
            compress(*agreed.deflate, handshake_->compress_from);
        }
        handshake_.reset();
        open({}, early);
        wake();
    }

    void on_end() override {
        if (handshake_) {
            drop(kAbnormal, "the server ended the connection instead of answering the handshake");
        } else {
            WebSocketConnection::on_end();
        }
    }

    void on_message(Message message) override {
        if (!is_ignoring_) {
            WebSocketConnection::on_message(std::move(message));
        }
    }

    void on_gone() override { wake(); }
    void wake();

    [[nodiscard]] std::string_view subprotocol() const noexcept override { return subprotocol_; }

    bool is_ignoring_ = false;              // what the server says
    std::unique_ptr<Handshake> handshake_;  // until it has succeeded
    std::string subprotocol_;
    ProgressAwaiter* waiting_ = nullptr;
};

class [[nodiscard]] DialledWebSocket::ProgressAwaiter final : public Awaiter {
public:
    enum class Until { kOpened, kGone };

    ProgressAwaiter(DialledWebSocket& socket, Until until) noexcept : socket_(socket), until_(until) {}

    [[nodiscard]] bool await_ready() const noexcept {
        return socket_.is_gone() || (until_ == Until::kOpened && (!socket_.handshake_ || stop_requested()));
    }
    void await_suspend(std::coroutine_handle<> task) {
        socket_.waiting_ = this;
        suspend(task);
    }
    void await_resume() const {
        socket_.waiting_ = nullptr;
        if (until_ == Until::kOpened) {
            throw_if_stopped();
        }
    }
    void progress() {
        if (until_ == Until::kOpened || socket_.is_gone()) {
            resume();
        }
    }

private:
    void on_stop() noexcept override {
        if (until_ == Until::kOpened) {
            resume();
        }
    }

    DialledWebSocket& socket_;
    Until until_;
};

DialledWebSocket::ProgressAwaiter DialledWebSocket::opened() { return {*this, ProgressAwaiter::Until::kOpened}; }

DialledWebSocket::ProgressAwaiter DialledWebSocket::gone() { return {*this, ProgressAwaiter::Until::kGone}; }

void DialledWebSocket::wake() {
    if (waiting_ != nullptr) {
        waiting_->progress();
    }
}

namespace {

std::chrono::milliseconds since(std::int64_t began_ms) {
    return std::chrono::milliseconds{Loop::current().backend().now() - began_ms};
}

// Tells an observer how long something took.
class Stopwatch {
public:
    void tell(const std::function<void(Duration)>& observer) const {
        if (observer) {
            observer(std::chrono::steady_clock::now() - began_);
        }
    }

private:
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

Task<> DialledWebSocket::open_in_turn(std::optional<DialledWebSocket>& socket, const Endpoint::Data& server,
                                      HandshakeWindow& window) {
    const Semaphore::Permit turn = co_await window.turn();
    const std::int64_t began = Loop::current().backend().now();
    const Stopwatch stopwatch;
    try {
        socket.emplace(server);
    } catch (const std::system_error& error) {
        throw ConnectError("cannot connect to " + server.url + ": " + error.code().message());
    }
    co_await with_timeout(server.options.handshake_time, socket->opened());
    socket->check_opened(server.url);
    window.note_success(since(began), std::chrono::ceil<std::chrono::milliseconds>(server.options.handshake_time));
    stopwatch.tell(server.options.on_opened);
}

Task<> DialledWebSocket::close_in_turn(std::uint16_t code, const Endpoint::Data& server, HandshakeWindow& window) {
    Semaphore::Permit turn;
    if (is_open()) {
        ignore_messages();
        turn = co_await window.turn(Semaphore::OnStop::kWaitOn);
    }
    if (!is_open()) {  // the server was first
        co_await gone();
        co_return;
    }
    const std::int64_t began = Loop::current().backend().now();
    const std::uint64_t others = window.successes();
    const Stopwatch stopwatch;
    close(code, {});
    co_await gone();
    if (const auto took = since(began); took < server.limits.close_time) {
        window.note_success(took, server.limits.close_time);
    } else if (window.successes() == others) {
        window.open();  // the server answers nobody: let nobody wait for that
    }
    stopwatch.tell(server.options.on_closed);
}

Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view) {
    const Endpoint::Data& data = *server.data_;
    const Handshakes::Use handshakes{Loop::current().local<Handshakes>(), data.handshakes};
    std::optional<DialledWebSocket> socket;
    co_await DialledWebSocket::open_in_turn(socket, data, handshakes->opening);
    std::exception_ptr failure;
    std::uint16_t code = kNormal;
    try {
        co_await view(*socket);
    } catch (const Stopped&) {
        failure = std::current_exception();
        code = kGoingAway;
    } catch (...) {
        failure = std::current_exception();
        code = kInternalError;
    }
    socket->leave_groups();
    co_await socket->close_in_turn(code, data, handshakes->closing);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace c10k
