#include "tls/tls_backend.hpp"

#include "loop/loop.hpp"
#include "tls/tls_error.hpp"

#include <utility>

namespace c10k {
namespace {

// Bounds the replies that the peer has asked for, and the bytes that were encrypted behind them.
constexpr std::size_t kMaxUnsent = 2 * TlsStream::kMaxAhead;

}  // namespace

// A socket between its owner and the inner backend. The handler of an event may close it: it lives on until the next
// wait(). The owner's calls deliver no events: news for the owner waits for the next wait().
class TlsBackend::Socket final : public SocketEvents {
public:
    Socket(TlsBackend& backend, SocketId id, std::shared_ptr<const TlsContext> context, const std::string& name)
        : backend_(backend), id_(id), stream_(std::move(context), name) {}
    ~Socket() { drop_news(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    std::unique_ptr<Socket> next_closed;

    [[nodiscard]] SocketId id() const noexcept { return id_; }

    // ---- Calls of the owner

    void attach(SocketEvents& owner) noexcept { owner_ = &owner; }
    void offer_http2() noexcept { stream_.offer_http2(); }
    [[nodiscard]] bool speaks_http2() const noexcept { return stream_.speaks_http2(); }

    void begin() { on_connected(); }

    void start_receiving() {
        receiving_ = true;
        inner().start_receiving(id_);
        if (!held_.empty() || end_held_) {
            note_news();
        }
    }

    void receive_later(std::span<const char> bytes) {
        early_.assign(bytes.begin(), bytes.end());
        note_news();
    }

    void stop_receiving() {
        receiving_ = false;
        if (phase_ == Phase::kOpen) {
            inner().stop_receiving(id_);
        }
    }

    std::size_t send(std::span<const iovec> bytes) {
        if (phase_ == Phase::kOpen) {
            taken_ = stream_.write(bytes, backend_.scratch_);
            flush();
            if (stream_.failure()) {
                note_news();
            } else if (!in_flight_) {
                return std::exchange(taken_, 0);
            }
        }
        asked_ = true;  // answered when all of it has gone, or at the end of the handshake, however it ends
        return 0;
    }

    void shutdown_write() {
        stream_.finish();
        finishing_ = true;
        flush();
    }

    // Tells the owner the news that could not be told at once. Part of wait().
    void deliver_news() {
        if (!early_.empty()) {
            std::vector<char> bytes = std::exchange(early_, {});
            on_received(bytes);
        }
        if (receiving_ && phase_ == Phase::kOpen && !held_.empty()) {
            std::vector<char> bytes = std::exchange(held_, {});
            owner_->on_received(bytes);
        }
        if (receiving_ && end_held_) {
            end();
        }
        if (phase_ == Phase::kOpen && stream_.failure()) {
            fail(stream_.failure());
        }
    }

    // Sends close_notify if that has not happened, and if it can be sent at once. Returns the bytes that the kernel may
    // still read.
    std::shared_ptr<const void> close() {
        drop_news();
        if (phase_ == Phase::kOpen && !finishing_) {
            stream_.finish();
            flush();
        }
        phase_ = Phase::kClosed;
        return in_flight_ ? std::make_shared<std::vector<char>>(std::move(sending_)) : nullptr;
    }

    // ---- Its place in the list of sockets with news

    void note_news() noexcept {
        if (!std::exchange(has_news_, true)) {
            next_with_news_ = std::exchange(backend_.with_news_, this);
        }
    }
    void drop_news() noexcept {
        if (!has_news_) {
            return;
        }
        for (Socket** link : {&backend_.with_news_, &backend_.delivering_}) {
            while (*link != nullptr && *link != this) {
                link = &(*link)->next_with_news_;
            }
            if (*link == this) {
                *link = next_with_news_;
            }
        }
        has_news_ = false;
    }

private:
    enum class Phase : std::uint8_t {
        kHandshake,
        kOpen,
        kRefused,  // a client whose handshake has failed is told so, and has the time to read it
        kFailed,   // and that was said
        kClosed,
    };

    // ---- Events of the inner backend

    void on_connected() override {
        inner().start_receiving(id_);  // whether the owner wants to or not: the handshake needs it
        stream_.start();
        flush();
    }

    void on_received(std::span<char> bytes) override {
        if (!is_alive()) {
            return;
        }
        const std::span<char> plain = stream_.receive(bytes, backend_.scratch_);
        if (phase_ == Phase::kHandshake && stream_.is_open()) {
            open();
        }
        if (!receiving_ || !held_.empty()) {
            held_.insert(held_.end(), plain.begin(), plain.end());
        } else if (!plain.empty() && phase_ == Phase::kOpen) {
            owner_->on_received(plain);
        }
        if (!is_alive()) {
            return;
        }
        if (stream_.failure()) {
            fail(stream_.failure());
            return;
        }
        flush();
        answer();
        if (is_alive() && in_flight_ && stream_.unsent().size() > kMaxUnsent) {
            fail(TlsFault::kRepliesNotTaken);
        } else if (stream_.has_ended()) {
            end();
        }
    }

    void on_end() override {
        if (phase_ == Phase::kOpen) {
            end();
        } else if (phase_ == Phase::kHandshake || phase_ == Phase::kRefused) {
            lose(failure_ ? failure_ : TlsFault::kCutInHandshake);
        }
    }

    void on_sent(std::size_t bytes) override {
        in_flight_ = false;
        count_sent(bytes);
        flush();
        answer();
    }

    void on_failed(std::error_code error) override {
        if (is_alive() || phase_ == Phase::kRefused) {
            lose(failure_ ? failure_ : error);
        }
    }

    // ---- Consequences

    void open() {
        phase_ = Phase::kOpen;
        if (finishing_) {
            stream_.finish();
        }
        if (!stream_.is_server()) {
            owner_->on_connected();
        } else if (std::exchange(asked_, false)) {
            owner_->on_sent(0);  // it was too early: now there is room
        }
        if (!receiving_ && phase_ == Phase::kOpen) {
            inner().stop_receiving(id_);
        }
    }

    // Nothing more comes.
    void end() {
        end_held_ = !receiving_ || !held_.empty();
        if (!end_held_ && phase_ == Phase::kOpen && !std::exchange(ended_, true)) {
            owner_->on_end();
        }
    }

    // The stream cannot go on. Its alert goes out, if there is room. A client that may be one of ours gets the time to
    // read it, up to the owner's own deadline.
    void fail(std::error_code error) {
        const bool may_read = phase_ == Phase::kHandshake && stream_.is_server();
        phase_ = Phase::kRefused;
        failure_ = error;
        flush();
        if (!may_read && phase_ == Phase::kRefused) {
            lose(error);
        }
    }

    void lose(std::error_code error) {
        phase_ = Phase::kFailed;
        owner_->on_failed(error);
    }

    // Sends encrypted bytes, as far as the kernel takes them, and then FIN if that has to follow.
    void flush() {
        while (!in_flight_ && phase_ != Phase::kFailed && phase_ != Phase::kClosed && load()) {
            const iovec rest{sending_.data() + sent_, sending_.size() - sent_};
            const std::size_t taken = inner().send(id_, {&rest, 1});
            in_flight_ = taken == 0;
            count_sent(taken);
        }
        const bool ends = (finishing_ && phase_ == Phase::kOpen) || phase_ == Phase::kRefused;
        if (!in_flight_ && ends && !std::exchange(fin_sent_, true)) {
            inner().shutdown_write(id_);
        }
    }

    void count_sent(std::size_t bytes) noexcept {
        sent_ += bytes;
        if (sent_ == sending_.size()) {
            sending_ = {};
            sent_ = 0;
        }
    }

    // Whether there is something to send.
    bool load() {
        if (sending_.empty()) {
            sending_ = stream_.take_unsent();
        }
        return !sending_.empty();
    }

    // Answers the owner's send() when all its bytes have gone.
    void answer() {
        if (!in_flight_ && phase_ == Phase::kOpen && !stream_.failure() && std::exchange(asked_, false)) {
            owner_->on_sent(std::exchange(taken_, 0));
        }
    }

    [[nodiscard]] bool is_alive() const noexcept { return phase_ == Phase::kHandshake || phase_ == Phase::kOpen; }
    [[nodiscard]] Backend& inner() const noexcept { return *backend_.inner_; }

    TlsBackend& backend_;
    SocketId id_;
    SocketEvents* owner_ = nullptr;
    TlsStream stream_;
    std::vector<char> sending_;  // the kernel may be reading it
    std::size_t sent_ = 0;       // of it
    std::size_t taken_ = 0;      // of the owner's send(): its answer
    std::vector<char> held_;     // came while the owner did not receive
    std::vector<char> early_;    // of receive_later(): not decrypted yet
    Socket* next_with_news_ = nullptr;
    std::error_code failure_;  // of kRefused
    Phase phase_ = Phase::kHandshake;
    bool receiving_ = false;
    bool asked_ = false;      // a send() of the owner's is unanswered
    bool in_flight_ = false;  // ours is
    bool has_news_ = false;
    bool finishing_ = false;  // FIN is to follow
    bool fin_sent_ = false;
    bool ended_ = false;     // and that was said
    bool end_held_ = false;  // and that will be said when the owner receives
};

TlsBackend::TlsBackend(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

TlsBackend::~TlsBackend() {
    for (const auto& socket : sockets_) {
        if (socket) {
            inner_->close(socket->id(), socket->close());
        }
    }
    forget_closed();
}

TlsBackend& TlsBackend::of(Loop& loop) {
    for (Backend* backend = &loop.backend(); backend != nullptr; backend = backend->inner()) {
        if (auto* tls = dynamic_cast<TlsBackend*>(backend)) {
            return *tls;
        }
    }
    return loop.wrap_backend<TlsBackend>();
}

void TlsBackend::secure(SocketId socket, std::shared_ptr<const TlsContext> context, const std::string& name) {
    if (socket.slot >= sockets_.size()) {
        sockets_.resize(socket.slot + std::size_t{1});
    }
    auto& secured = sockets_[socket.slot];
    secured = std::make_unique<Socket>(*this, socket, std::move(context), name);
    inner_->attach(socket, *secured);
}

void TlsBackend::offer_http2(SocketId socket) noexcept { find(socket)->offer_http2(); }

bool TlsBackend::speaks_http2(SocketId socket) const noexcept { return find(socket)->speaks_http2(); }

void TlsBackend::begin(SocketId socket) { find(socket)->begin(); }

void TlsBackend::receive(SocketId socket, std::span<const char> early) { find(socket)->receive_later(early); }

TlsBackend::Socket* TlsBackend::find(SocketId socket) const noexcept {
    if (socket.slot >= sockets_.size()) {
        return nullptr;
    }
    Socket* found = sockets_[socket.slot].get();
    return found != nullptr && found->id() == socket ? found : nullptr;
}

SocketId TlsBackend::listen(const Address& address, const ListenOptions& options, ListenerEvents& events) {
    return inner_->listen(address, options, events);
}

void TlsBackend::attach(SocketId socket, SocketEvents& events) {
    if (Socket* secured = find(socket)) {
        secured->attach(events);
    } else {
        inner_->attach(socket, events);
    }
}

void TlsBackend::start_receiving(SocketId socket) {
    if (Socket* secured = find(socket)) {
        secured->start_receiving();
    } else {
        inner_->start_receiving(socket);
    }
}

void TlsBackend::stop_receiving(SocketId socket) {
    if (Socket* secured = find(socket)) {
        secured->stop_receiving();
    } else {
        inner_->stop_receiving(socket);
    }
}

std::size_t TlsBackend::send(SocketId socket, std::span<const iovec> bytes) {
    Socket* secured = find(socket);
    return secured != nullptr ? secured->send(bytes) : inner_->send(socket, bytes);
}

void TlsBackend::shutdown_write(SocketId socket) {
    if (Socket* secured = find(socket)) {
        secured->shutdown_write();
    } else {
        inner_->shutdown_write(socket);
    }
}

void TlsBackend::close(SocketId socket, std::shared_ptr<const void> unsent) {
    Socket* secured = find(socket);
    if (secured == nullptr) {
        inner_->close(socket, std::move(unsent));
        return;
    }
    inner_->close(socket, secured->close());
    secured->next_closed = std::exchange(closed_, std::move(sockets_[socket.slot]));
}

void TlsBackend::forget_closed() noexcept {
    while (closed_) {
        closed_ = std::move(closed_->next_closed);  // one by one: not a destructor inside the other
    }
}

int TlsBackend::wait(std::optional<std::int64_t> until) {
    forget_closed();
    int delivered = 0;
    delivering_ = std::exchange(with_news_, nullptr);
    while (delivering_ != nullptr) {
        Socket& socket = *delivering_;
        socket.drop_news();
        socket.deliver_news();
        ++delivered;
    }
    return delivered + inner_->wait(delivered > 0 ? std::optional<std::int64_t>{0} : until);
}

}  // namespace c10k
