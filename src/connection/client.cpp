#include "c10k/client.hpp"

#include "base/address.hpp"
#include "c10k/text.hpp"
#include "connection/client_websocket.hpp"
#include "connection/loop_services.hpp"
#include "tls/tls_backend.hpp"
#include "wire/extensions.hpp"
#include "wire/handshake.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"
#include "wire/url.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

namespace c10k {
namespace {

std::shared_ptr<const TlsContext> tls_context(const EndpointOptions& options) {
    if (options.verify == Verify::kNothing) {
        return TlsContext::for_trusting_client();
    }
    return options.ca_file.empty() ? TlsContext::for_client() : TlsContext::for_client(options.ca_file);
}

// The limits among the options. It names all options, so that a new one does not compile before this line has it.
WebSocketLimits limits_of(const EndpointOptions& options) {
    const auto& [subprotocols, headers, handshake_time, handshakes_at_once, ping_interval, ping_timeout, close_time,
                 on_opened, on_closed, max_message_bytes, max_fragments, compression, verify, addresses, ca_file] =
        options;
    WebSocketLimits limits;
    limits.ping_interval = ping_interval;
    limits.ping_timeout = ping_timeout;
    limits.close_time = close_time;
    limits.max_message_bytes = max_message_bytes;
    limits.max_fragments = max_fragments;
    return limits;
}

// Alternates between the families, beginning with the first address's; within each the order stays (RFC 8305, 4).
std::vector<Address> interleave_families(const std::vector<Address>& addresses) {
    std::vector<Address> one = addresses;
    const auto middle = std::stable_partition(
        one.begin(), one.end(), [&](const Address& address) { return address.family() == addresses.front().family(); });
    const std::vector<Address> other{middle, one.end()};
    one.erase(middle, one.end());
    std::vector<Address> mixed;
    for (std::size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
        if (i < one.size()) {
            mixed.push_back(one[i]);
        }
        if (i < other.size()) {
            mixed.push_back(other[i]);
        }
    }
    return mixed;
}

std::vector<Address> addresses_of(const wire::Url& url, const std::vector<std::string>& given) {
    if (given.empty()) {
        return interleave_families(Address::resolve_all(url.host + url.zone, url.port));
    }
    std::vector<Address> addresses;
    std::transform(given.begin(), given.end(), std::back_inserter(addresses),
                   [&url](const std::string& one) { return Address::resolve_number(one, url.port); });
    return interleave_families(addresses);
}

bool has_family(const std::vector<Address>& addresses, int family) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [family](const Address& address) { return address.family() == family; });
}

// The addresses of a family that the others have, too.
std::vector<Address> of_their_families(const std::vector<Address>& addresses, const std::vector<Address>& others) {
    std::vector<Address> left;
    std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(left),
                 [&others](const Address& address) { return has_family(others, address.family()); });
    return left;
}

std::string bytes_of(const std::vector<Address>& addresses) {
    std::string bytes;
    for (const Address& address : addresses) {
        bytes.append(reinterpret_cast<const char*>(address.get()), address.size());
    }
    return bytes;
}

}  // namespace

struct Endpoint::Data {
    std::string url;
    wire::Url parsed;
    std::vector<Address> addresses;  // at least one
    EndpointOptions options;
    WebSocketLimits limits;
    std::shared_ptr<const TlsContext> tls;  // null for ws://
    HandshakeWindows::Key windows_key;
    std::vector<Address> sources;

    // Where the next connection to an address of this family comes from. Thread: any.
    [[nodiscard]] Address next_source(int family) const noexcept {
        for (std::size_t i = 0; i < sources.size(); ++i) {
            const Address& source = sources[next_.fetch_add(1, std::memory_order_relaxed) % sources.size()];
            if (source.family() == family) {
                return source;
            }
        }
        return {};
    }

    // Which of the addresses to dial first: the one that answered last. Thread: any.
    [[nodiscard]] std::size_t first() const noexcept { return first_.load(std::memory_order_relaxed); }
    void note_answer(std::size_t address) const noexcept {
        if (address != first()) {
            first_.store(address, std::memory_order_relaxed);
        }
    }

    Data() = default;
    Data(const Data& other)
        : url(other.url), parsed(other.parsed), addresses(other.addresses), options(other.options),
          limits(other.limits), tls(other.tls), windows_key(other.windows_key), sources(other.sources) {}
    Data& operator=(const Data&) = delete;

private:
    mutable std::atomic<std::uint32_t> next_{0};
    mutable std::atomic<std::size_t> first_{0};
};

Endpoint::Endpoint(std::string_view url) : Endpoint{url, EndpointOptions{}} {}

Endpoint::Endpoint(std::string_view url, EndpointOptions options) {
    auto data = std::make_shared<Data>();
    data->url = url;
    data->parsed = wire::Url::parse(url);
    if (data->parsed.scheme != "ws" && data->parsed.scheme != "wss") {
        const std::string_view rest = url.substr(data->parsed.scheme.size());
        throw std::invalid_argument("cannot connect to '" + data->url + "': a WebSocket's URL begins with ws or wss: " +
                                    "write " + (data->parsed.secure() ? "wss" : "ws") + std::string{rest});
    }
    if (data->parsed.secure()) {
        data->tls = tls_context(options);
    }
    if (!options.compression.is_possible()) {
        throw std::invalid_argument("compression: a window has 8 to 15 bits");
    }
    data->addresses = addresses_of(data->parsed, options.addresses);
    data->windows_key = {bytes_of(data->addresses), options.handshakes_at_once};
    if (options.handshakes_at_once == 0) {
        throw std::invalid_argument("handshakes_at_once must be at least 1");
    }
    if (options.max_message_bytes == 0 || options.max_message_bytes > Message::kMaxSize) {
        throw std::invalid_argument("max_message_bytes must be from 1 to 1073741824 (1 GiB)");
    }
    if (options.max_fragments == 0 || options.max_fragments > wire::Protocol::kMaxFragments) {
        throw std::invalid_argument("max_fragments must be from 1 to 16777215");
    }
    data->limits = limits_of(options);
    data->options = std::move(options);
    data_ = std::move(data);
}

const std::string& Endpoint::url() const noexcept { return data_->url; }

bool Endpoint::is_loopback() const noexcept {
    return std::all_of(data_->addresses.begin(), data_->addresses.end(),
                       [](const Address& address) { return address.is_loopback(); });
}

Endpoint Endpoint::from(const std::vector<std::string>& sources) const {
    auto data = std::make_shared<Data>(*data_);
    std::vector<Address> all;
    std::transform(sources.begin(), sources.end(), std::back_inserter(all),
                   [](const std::string& source) { return Address::resolve(source, 0); });
    data->sources = of_their_families(all, data_->addresses);
    if (!sources.empty()) {
        data->addresses = of_their_families(data_->addresses, all);
    }
    if (data->addresses.empty()) {
        throw std::runtime_error("no address of " + url() + " can be reached from " + sources.front() +
                                 ": one is IPv4, the other IPv6");
    }
    return Endpoint{std::move(data)};
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

// Connects to one of several addresses of a server (RFC 8305, 5). Suspends until one has answered, and returns its
// socket, which the caller closes. Throws ConnectError when none is left. Stops. Requires: it is awaited once.
class Dialling final : public Awaiter, private Timer {
public:
    explicit Dialling(const Endpoint::Data& server) : server_(server), loop_(Loop::current()) {
        attempts_.reserve(server.addresses.size());
    }
    ~Dialling() { abort(); }

    [[nodiscard]] bool await_ready() {
        if (!stop_requested()) {
            dial_next();
        }
        return stop_requested() || is_over();
    }
    void await_suspend(std::coroutine_handle<> task) { suspend(task); }
    SocketId await_resume() {
        throw_if_stopped();
        if (answered_ == nullptr) {
            throw ConnectError("cannot connect to " + server_.url + ": " + failures());
        }
        taken_ = answered_->address();
        return std::exchange(answered_, nullptr)->release();
    }

    // The server's URL, and at which address it answered.
    [[nodiscard]] std::string where() const {
        return server_.url + (taken_ ? " at " + server_.addresses[*taken_].text() : "");
    }

    // Says how each dialled address failed, such as "[::1]:80: Connection refused, 127.0.0.1:80: no answer".
    [[nodiscard]] std::string failures() const {
        std::string text;
        for (const Attempt& attempt : attempts_) {
            text += (text.empty() ? "" : ", ") + attempt.text();
        }
        return text;
    }

private:
    static constexpr std::chrono::milliseconds kAttemptDelay{250};  // RFC 8305, 5

    class Attempt final : public SocketEvents {
    public:
        Attempt(Dialling& dialling, std::size_t address) noexcept : dialling_(dialling), address_(address) {}

        // Whether it is under way.
        bool dial() {
            const Address& to = dialling_.server_.addresses[address_];
            try {
                socket_ = dialling_.loop_.backend().connect(to, dialling_.server_.next_source(to.family()));
                dialling_.loop_.backend().attach(*socket_, *this);
            } catch (const std::system_error& error) {
                failure_ = error.code();
            } catch (const std::bad_alloc&) {
                failure_ = std::make_error_code(std::errc::not_enough_memory);
            }
            return is_open();
        }
        [[nodiscard]] std::size_t address() const noexcept { return address_; }
        [[nodiscard]] bool is_open() const noexcept { return socket_.has_value(); }
        SocketId release() noexcept { return *std::exchange(socket_, std::nullopt); }
        void close() noexcept {
            if (is_open()) {
                dialling_.loop_.backend().close(release());
            }
        }
        [[nodiscard]] std::string text() const {
            return dialling_.server_.addresses[address_].text() + ": " +
                   (failure_ ? failure_.message() : std::string{"no answer"});
        }

    private:
        void on_connected() override { dialling_.end_with(*this); }
        void on_failed(std::error_code error) override {
            close();
            failure_ = error;
            dialling_.go_on_without(*this);
        }
        void on_received(std::span<char> /*bytes*/) override {}  // it does not receive
        void on_end() override {}
        void on_sent(std::size_t /*bytes*/) override {}

        Dialling& dialling_;
        std::size_t address_;
        std::optional<SocketId> socket_;
        std::error_code failure_;
    };

    void dial_next() {
        const std::size_t count = server_.addresses.size();
        while (attempts_.size() < count) {
            // That which answered last comes first, and leaves a gap in the order of the others.
            const std::size_t turn = attempts_.size();
            const std::size_t address = turn == 0 ? server_.first() : turn <= first_ ? turn - 1 : turn;
            first_ = turn == 0 ? address : first_;
            if (attempts_.emplace_back(*this, address).dial()) {
                if (attempts_.size() < count) {
                    start(kAttemptDelay);
                }
                return;
            }
        }
    }
    void on_time() override { dial_next(); }

    void end_with(Attempt& attempt) {
        cancel();
        answered_ = &attempt;
        for (Attempt& other : attempts_) {
            if (&other != answered_) {
                other.close();
            }
        }
        server_.note_answer(attempt.address());
        resume();
    }

    void go_on_without(const Attempt& attempt) {
        if (answered_ == &attempt) {  // it was connected, and is lost before its owner had it
            answered_ = nullptr;
            return;
        }
        cancel();
        dial_next();
        if (is_over()) {
            resume();
        }
    }

    // Whether nothing is under way.
    [[nodiscard]] bool is_over() const noexcept {
        return std::none_of(attempts_.begin(), attempts_.end(), [](const Attempt& one) { return one.is_open(); });
    }

    void abort() noexcept {
        cancel();
        for (Attempt& attempt : attempts_) {
            attempt.close();
        }
    }

    void on_stop() noexcept override {
        abort();
        resume();
    }

    const Endpoint::Data& server_;
    Loop& loop_;
    std::vector<Attempt> attempts_;  // never grows beyond what is reserved: their sockets point to them
    std::size_t first_ = 0;          // the address that was dialled first
    Attempt* answered_ = nullptr;
    std::optional<std::size_t> taken_;  // the address that answered
};

// One run of connect(): makes `socket`, and ends it, when it is its turn.
class ClientRun {
public:
    explicit ClientRun(const Endpoint::Data& server)
        : server_(server), services_(LoopServices::of(Loop::current())),
          windows_(services_.handshake_windows, server.windows_key) {}

    // Opens a WebSocket when it is its turn.
    Task<> open();
    [[nodiscard]] ClientWebSocket& socket() noexcept { return *socket_; }
    // Closes it, if it is open, when it is its turn, and waits for the end of the connection.
    Task<> close(std::uint16_t code);

private:
    // Begins the handshake on a socket that is connected, or will be.
    void start_handshake(SocketId connecting);
    // Connects to the first address that answers, and opens the WebSocket there.
    Task<> open_first(Dialling& dialling);
    // The error after the handshake time: names the server, and what it still owes.
    [[nodiscard]] std::string missing() const;
    [[nodiscard]] Backend& backend() const noexcept { return services_.loop.backend(); }

    const Endpoint::Data& server_;
    LoopServices& services_;
    HandshakeWindows::Use windows_;
    std::optional<ClientHandshake> handshake_;
    std::optional<ClientWebSocket> socket_;
};

void ClientRun::start_handshake(SocketId connecting) {
    try {
        wire::HandshakeRequest request;
        request.host = server_.parsed.host_field();
        request.target = server_.parsed.target;
        request.subprotocols = server_.options.subprotocols;
        request.headers = server_.options.headers;
        if (server_.options.compression.is_on()) {
            request.deflate = wire::offer_deflate(server_.options.compression);
        }
        if (server_.tls) {
            TlsBackend::of(services_.loop).secure(connecting, server_.tls, server_.parsed.host);
        }
        handshake_.emplace(services_, connecting, server_.limits, std::move(request),
                           server_.options.compression.from_bytes, socket_);
    } catch (...) {  // no memory
        backend().close(connecting);
        throw;
    }
}

Task<> ClientRun::open_first(Dialling& dialling) {
    const SocketId connected = co_await dialling;
    start_handshake(connected);
    if (server_.tls) {
        TlsBackend::of(services_.loop).begin(connected);
    } else {
        handshake_->begin();
    }
    co_await handshake_->done();
}

std::string ClientRun::missing() const {
    const Duration limit = server_.options.handshake_time;
    const std::string time = std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) + " s";
    return handshake_->is_request_sent() ? "it is connected, and has no answer to the handshake after " + time
                                         : "no answer after " + time;
}

Task<> ClientRun::open() {
    const Semaphore::Permit turn = co_await windows_->opening.turn();
    const std::int64_t began = backend().now();
    const Stopwatch stopwatch;
    std::optional<Dialling> dialling;
    try {
        if (server_.addresses.size() == 1) {
            const Address& only = server_.addresses.front();
            start_handshake(backend().connect(only, server_.next_source(only.family())));
            co_await with_timeout(server_.options.handshake_time, handshake_->done());
        } else {
            dialling.emplace(server_);
            co_await with_timeout(server_.options.handshake_time, open_first(*dialling));
        }
    } catch (const std::system_error& error) {
        throw ConnectError("cannot connect to " + server_.url + ": " + error.code().message());
    } catch (const TimedOut&) {
        throw TimedOut("cannot connect to " + (dialling ? dialling->where() : server_.url) + ": " +
                       (handshake_ ? missing() : dialling->failures()));
    }
    if (!socket_) {
        throw ConnectError("cannot connect to " + (dialling ? dialling->where() : server_.url) + ": " +
                           printable(handshake_->failure()));
    }
    handshake_.reset();
    windows_->opening.note_success(since(began),
                                   std::chrono::ceil<std::chrono::milliseconds>(server_.options.handshake_time));
    stopwatch.tell(server_.options.on_opened);
}

Task<> ClientRun::close(std::uint16_t code) {
    WebSocketConnection& connection = socket_->connection();
    HandshakeWindow& window = windows_->closing;
    Semaphore::Permit turn;
    connection.leave_groups();
    if (connection.is_open()) {
        connection.ignore_messages();
        turn = co_await window.turn(Semaphore::OnStop::kWaitOn);
    }
    if (!connection.is_open()) {  // the server was first
        co_await socket_->ended();
        co_return;
    }
    const std::int64_t began = backend().now();
    const std::uint64_t others = window.successes();
    const Stopwatch stopwatch;
    connection.start_close(code, {});
    co_await socket_->ended();
    if (const auto took = since(began); took < server_.limits.close_time) {
        window.note_success(took, server_.limits.close_time);
    } else if (window.successes() == others) {
        window.open();  // the server answers no client: waiting for a turn would be in vain
    }
    stopwatch.tell(server_.options.on_closed);
}

Task<> connect(Endpoint server, std::function<Task<>(WebSocket&)> view) {
    ClientRun client{*server.data_};
    co_await client.open();
    std::exception_ptr failure;
    std::uint16_t code = CloseCode::kNormal;
    try {
        co_await view(client.socket().socket());
    } catch (const Stopped&) {
        failure = std::current_exception();
        code = CloseCode::kGoingAway;
    } catch (...) {
        failure = std::current_exception();
        code = CloseCode::kInternalError;
    }
    co_await client.close(code);
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace c10k
