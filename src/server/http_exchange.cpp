#include "server/http_exchange.hpp"

#include "wire/response_writer.hpp"

#include <new>
#include <stdexcept>
#include <utility>
#include <variant>

namespace c10k {
namespace {

// Of a streamed body: its coroutine waits when more is unsent.
constexpr std::size_t kMaxAhead = 64 * 1024;

}  // namespace

// A streamed answer, from its view's return to its last byte.
class HttpExchange::Stream final : public Retirable, public BodyWriter, private CompletionListener {
public:
    Stream(HttpExchange& exchange, Response response)
        : exchange_(exchange), response_(std::move(response)), task_(run()) {}

    void start() { task_.start(exchange_.scope_, *this); }
    // The head has been sent.
    [[nodiscard]] bool has_begun() const noexcept { return begun_; }
    // Returns what the coroutine threw, and lets go of all that belongs to the view. Requires: the coroutine has ended.
    std::exception_ptr end() noexcept {
        std::exception_ptr failure;
        try {
            task_.result();
        } catch (...) {
            failure = std::current_exception();
        }
        task_ = {};
        response_ = {};
        return failure;
    }
    // The peer has taken something.
    void on_written() {
        if (waiting_ != nullptr && has_room()) {
            std::exchange(waiting_, nullptr)->resume();
        }
    }

    Task<void> write(std::string_view piece) override {
        if (exchange_.carrier_.is_lost()) {
            throw Stopped{};
        }
        check_alone();
        if (response_.stream_bytes && piece.size() > *response_.stream_bytes - written_) {
            throw std::logic_error("a streamed body is longer than its stream_bytes");
        }
        begin();
        written_ += piece.size();
        if (!piece.empty()) {
            exchange_.carrier_.send_piece(piece);
        }
        return has_room() ? Task<>{} : wait_for_room();
    }

private:
    class RoomAwaiter final : public Awaiter {
    public:
        explicit RoomAwaiter(Stream& stream) noexcept : stream_(stream) {}
        [[nodiscard]] bool await_ready() const {
            stream_.check_alone();
            return stop_requested() || stream_.has_room();
        }
        void await_suspend(std::coroutine_handle<> task) noexcept {
            suspend(task);
            stream_.waiting_ = this;
        }
        void await_resume() const { throw_if_stopped(); }
        using Awaiter::resume;

    private:
        void on_stop() noexcept override {
            stream_.waiting_ = nullptr;
            resume();
        }

        Stream& stream_;
    };

    Task<> run() {
        co_await response_.body_stream(*this);
        if (exchange_.carrier_.is_lost()) {
            co_return;
        }
        begin();
        if (written_ != response_.stream_bytes.value_or(written_)) {
            throw std::runtime_error("a streamed body is shorter than its stream_bytes");
        }
        exchange_.carrier_.send_end();
    }
    Task<> wait_for_room() { co_await RoomAwaiter{*this}; }

    // The head goes out with the first piece: a view that fails before can still be answered with an error page.
    void begin() {
        if (!begun_) {
            exchange_.carrier_.send_answer(response_);
            begun_ = true;
        }
    }
    [[nodiscard]] bool has_room() const noexcept { return exchange_.carrier_.unsent_bytes() <= kMaxAhead; }
    // Called when a write() begins, and again when it is awaited: two may begin before one waits.
    void check_alone() const {
        internal::require(waiting_ == nullptr, "write(): another write() of this body is pending");
    }

    void on_completed() noexcept override { exchange_.on_stream_ended(); }

    HttpExchange& exchange_;
    Response response_;
    Task<> task_;
    RoomAwaiter* waiting_ = nullptr;
    std::size_t written_ = 0;  // bytes of the body
    bool begun_ = false;
};

HttpExchange::HttpExchange(ServerContext& context, Carrier& carrier) noexcept
    : context_(context), carrier_(carrier), body_(carrier) {}

HttpExchange::~HttpExchange() = default;

HttpExchange::Outcome HttpExchange::start(const Terms& terms) {
    Request& request = carrier_.request();
    if (terms.is_whole) {
        body_.begin_whole(request.body);
    } else {
        body_.begin_arriving(terms.length);
    }
    request.body_reader = &reader_;
    if (terms.names_https && *terms.names_https != context_.application.came_securely(request)) {
        return respond(Response::text("This server does not serve that scheme here.\n", 421));
    }
    Application::Answer answer = context_.application.answer(request, terms.minor_version);
    if (auto* response = std::get_if<Response>(&answer)) {
        return respond(std::move(*response));
    }
    if (auto* view = std::get_if<Task<Response>>(&answer)) {
        view_ = std::move(*view);
        view_.start(scope_, *this);
        return Outcome::kRunning;
    }
    match_ = std::get<WebSocketMatch>(std::move(answer));
    return Outcome::kUpgrade;
}

// ---- The view and its stream

void HttpExchange::on_completed() noexcept {
    Outcome outcome = Outcome::kCut;
    try {
        outcome = answer_with_view();
    } catch (const std::bad_alloc&) {
        view_ = {};
    }
    carrier_.on_progress(outcome);
}

HttpExchange::Outcome HttpExchange::answer_with_view() {
    Response response;
    bool is_stopped = false;
    try {
        response = view_.result();
    } catch (const Stopped&) {
        is_stopped = scope_.stop_requested();  // since nobody is there to be answered
        response = Response::text("The server is shutting down.\n", 503);
    } catch (...) {
        response = context_.application.on_view_failed(carrier_.request(), std::current_exception());
    }
    view_ = {};
    return carrier_.is_lost() || is_stopped ? Outcome::kCut : respond(std::move(response));
}

void HttpExchange::on_stream_ended() noexcept {
    Outcome outcome = Outcome::kCut;
    try {
        outcome = finish_stream();
    } catch (const std::bad_alloc&) {  // the rest of the answer is missing
    }
    carrier_.on_progress(outcome);
}

// The head and perhaps some of the pieces have been queued.
HttpExchange::Outcome HttpExchange::finish_stream() {
    const bool has_begun = stream_->has_begun();
    const std::exception_ptr failure = stream_->end();
    context_.services.loop.retire(std::move(stream_));
    if (carrier_.is_lost() || is_stop(failure)) {
        return Outcome::kCut;
    }
    if (!failure) {
        return Outcome::kAnswered;
    }
    if (has_begun) {
        context_.application.on_stream_failed(carrier_.request(), failure);
        return Outcome::kCut;
    }
    return respond(context_.application.on_view_failed(carrier_.request(), failure));
}

bool HttpExchange::is_stop(const std::exception_ptr& failure) const {
    try {
        if (failure) {
            std::rethrow_exception(failure);
        }
    } catch (const Stopped&) {
        return scope_.stop_requested();
    } catch (...) {  // it is the view's own
    }
    return false;
}

bool HttpExchange::has_begun() const noexcept { return stream_ != nullptr && stream_->has_begun(); }

void HttpExchange::on_written() {
    if (stream_) {
        stream_->on_written();
    }
}

// ---- Answers

HttpExchange::Outcome HttpExchange::respond(Response response) {
    const Request& request = carrier_.request();
    if (response.body_stream && request.method != "HEAD" && wire::has_body(response.status)) {
        stream_ = std::make_unique<Stream>(*this, std::move(response));
        stream_->start();
        return Outcome::kRunning;
    }
    try {
        carrier_.send_answer(response);
    } catch (const std::logic_error&) {  // a view's status or header that cannot be sent
        carrier_.send_answer(context_.application.on_view_failed(request, std::current_exception()));
    }
    return Outcome::kAnswered;
}

}  // namespace c10k
