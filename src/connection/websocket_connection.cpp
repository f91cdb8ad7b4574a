#include "connection/websocket_connection.hpp"

#include "connection/loop_deflate.hpp"
#include "connection/memory_trimmer.hpp"
#include "connection/websocket_table.hpp"

#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace c10k {
namespace {

constexpr std::string_view kOutOfMemory = "out of memory";

}  // namespace

// What is still to come while a connection is closing: first perhaps the consequences of the peer's close frame or of
// its fault, then the end of the close time.
class WebSocketConnection::Ending final : public Timer, public EndOfTurn {
public:
    explicit Ending(WebSocketConnection& connection) noexcept : connection_(connection) {}

    struct Close {
        std::string answer;  // a close frame
        CloseInfo info;
    };
    std::optional<Close> put_off;

private:
    void on_time() override {
        connection_.counters().count(Limit::kCloseTime);
        connection_.drop(CloseCode::kAbnormal, "the peer did not answer the close in time");
    }
    void end_turn() override {
        // A view that waits in send() has its turn when the peer has taken enough: on_sent() comes back to this.
        if (connection_.senders == nullptr || !connection_.has_message()) {
            connection_.enact_close();
        }
    }

    WebSocketConnection& connection_;
};

WebSocketConnection::WebSocketConnection(Loop& loop, SocketId socket, wire::Role role, const WebSocketLimits& limits,
                                         SlowMember slow_member)
    : SocketStream(loop, socket), limits_(limits), slot_(loop.local<WebSocketTable>().add(*this)),
      protocol_(role, limits), slow_member_(slow_member) {}

WebSocketConnection::~WebSocketConnection() {
    leave_groups();
    loop().local<WebSocketTable>().remove(slot_);
}

const CloseInfo& WebSocketConnection::close_info() const noexcept {
    static const CloseInfo kLost;
    return close_info_ ? *close_info_ : kLost;
}

void WebSocketConnection::leave_groups() noexcept {
    while (memberships != nullptr) {
        memberships->on_view_ended();
    }
}

Handle WebSocketConnection::handle() const { return loop().local<WebSocketTable>().handle(slot_); }

// ---- Opening

void WebSocketConnection::compress(const wire::DeflateParameters& agreed, std::uint32_t from_bytes) {
    protocol_.use(
        std::make_unique<wire::PermessageDeflate>(protocol_.role(), agreed, from_bytes, loop().local<LoopDeflate>()));
}

void WebSocketConnection::write(std::string_view bytes) {
    outbox_.append(bytes);
    flush_soon(bytes.size());
}

void WebSocketConnection::open(std::string_view head, std::span<char> early) {
    outbox_.prepend(head);
    phase_ = Phase::kOpen;
    loop().local<WebSocketTable>().heard(slot_, limits_.ping_interval);
    if (!outbox_.empty()) {
        flush_soon(outbox_.bytes());
    }
    if (!early.empty()) {
        on_received(early);
    }
    read_or_pause();
}

void WebSocketConnection::refuse(std::string_view answer) {
    outbox_.clear();
    outbox_.append(answer);
    note_closed(CloseCode::kAbnormal, "the handshake was refused");
    finish();
}

void WebSocketConnection::refuse_handshake(int /*status*/, std::string_view /*text*/) {
    throw std::logic_error("refuse(): the handshake has been answered");
}

const Request& WebSocketConnection::handshake_request() const {
    throw std::logic_error("request(): the handshake has been answered, and its request is gone");
}

// ---- The way in

void WebSocketConnection::on_received(std::span<char> bytes) {
    if (phase_ == Phase::kFinishing) {
        return;  // lingering: read, so that the kernel does not answer with a reset, and thrown away
    }
    pinged_ = false;
    loop().local<WebSocketTable>().heard(slot_, limits_.ping_interval);
    try {
        protocol_.receive(bytes, *this);
    } catch (const std::bad_alloc&) {
        drop(CloseCode::kAbnormal, kOutOfMemory);  // others may go on with what this gives back
        return;
    }
    time_message();
    read_or_pause();
}

// Every read comes here, also that of a trickling peer, or of one that only answers pings: no timer is needed.
void WebSocketConnection::time_message() {
    if (!protocol_.is_amid_message() || phase_ != Phase::kOpen || protocol_.role() != wire::Role::kServer) {
        message_since_ = 0;
        return;
    }
    const std::uint32_t now = static_cast<std::uint32_t>(loop().now()) | 1;
    if (message_since_ == 0) {
        message_since_ = now;
    } else if (now - message_since_ > limits_.message_time.count()) {
        counters().count(Limit::kMessageTime);
        close(CloseCode::kPolicyViolation, "a message took too long");
    }
}

void WebSocketConnection::on_message(Message message) {
    message_since_ = 0;
    inbox_.push(std::move(message));
    if (is_compressed() && inbox_.bytes() > limits_.inbox_bytes) {
        protocol_.pause();  // a few compressed bytes behind it can be many large messages
    }
    if (receiver != nullptr) {
        receiver->resume();
    }
}

void WebSocketConnection::on_pong(std::string_view) {}  // it has been heard, and that is all a pong is for

// A close frame that would go out before the view's answers to messages that came with the peer's waits for them: until
// the end of the turn, or for a view that has to wait in send() until it had its turn, at most for the close time.
void WebSocketConnection::on_reply(std::string_view frame) {
    if (protocol_.state() != wire::Protocol::State::kOpen && phase_ == Phase::kOpen && !inbox_.empty()) {
        set_deadline();
        ending_->put_off.emplace().answer = frame;
        loop().at_end_of_turn(*ending_);
        return;
    }
    outbox_.append(frame);
    queued(frame.size());
}

void WebSocketConnection::on_close(const CloseInfo& info, wire::Violation violation) {
    count_violation(violation);
    if (ending_ && ending_->put_off) {
        ending_->put_off->info = info;
        return;
    }
    note_closed(info.code, info.reason);
    finish();  // ends nothing yet: the peer may still be read
}

void WebSocketConnection::enact_close() {
    const Ending::Close close = std::move(*ending_->put_off);
    ending_->put_off.reset();
    outbox_.append(close.answer);
    queued(close.answer.size());
    note_closed(close.info.code, close.info.reason);
    finish();
}

Message WebSocketConnection::take_message() {
    Message message = inbox_.pop();
    if (protocol_.is_paused() && inbox_.bytes() <= limits_.inbox_bytes / 2) {
        read_kept();
    }
    if (!is_reading()) {
        read_or_pause();
    }
    return message;
}

void WebSocketConnection::read_kept() {
    protocol_.resume(*this);
    if (has_ended() && !protocol_.is_paused()) {
        on_fin();
    }
}

Counters& WebSocketConnection::counters() { return loop().local<Counters>(); }

void WebSocketConnection::count_violation(wire::Violation violation) {
    Counters& counters = this->counters();
    switch (violation) {
        case wire::Violation::kMessageTooBig: counters.count(Limit::kMaxMessageBytes); break;
        case wire::Violation::kFragmentTooBig: counters.count(Limit::kMaxFragmentBytes); break;
        case wire::Violation::kTooManyFragments: counters.count(Limit::kMaxFragments); break;
        default: break;
    }
}

// Stops reading from a peer whose messages nobody takes, or who does not take ours.
void WebSocketConnection::read_or_pause() {
    if (phase_ == Phase::kGone || phase_ == Phase::kOpening) {
        return;
    }
    const bool closing = phase_ != Phase::kOpen;  // nothing is kept any more, and the peer's close has to be found
    // Once paused, it goes on only when half of the limit is free again.
    const std::size_t share = is_reading() ? 1 : 2;
    // If both sides waited for the other to read, neither would: the client goes on for as long as memory allows.
    const bool is_server = protocol_.role() == wire::Role::kServer;
    const std::size_t most_unsent = is_server ? limits_.outbox_bytes : std::size_t{limits_.slow_limit_bytes};
    const bool room = inbox_.bytes() <= limits_.inbox_bytes / share && outbox_.bytes() <= most_unsent / share;
    if (const bool wanted = room || closing; wanted != is_reading()) {
        if (wanted) {
            resume_reading();
            message_since_ = 0;  // while nobody read, its time did not pass
        } else {
            pause_reading();
            const bool inbox_is_full = inbox_.bytes() > limits_.inbox_bytes;
            counters().count(inbox_is_full ? Limit::kInboxBytes : Limit::kOutboxBytes);
        }
    }
}

// ---- The way out

void WebSocketConnection::send(const Message& message) {
    if (!is_open()) {
        throw ConnectionClosed{};
    }
    const auto compressed =
        is_compressed() ? protocol_.deflate()->compress(message.kind(), message.view()) : std::nullopt;
    queue(compressed ? *compressed : message.encoded_frame());
}

void WebSocketConnection::queue(const internal::EncodedFrame& frame) {
    if (protocol_.role() == wire::Role::kServer) {
        outbox_.append_frame(frame);
        queued(frame.bytes().size());
        return;
    }
    const std::size_t size = wire::frame_bytes(wire::Role::kClient, frame.payload().size());
    wire::write_frame(wire::Role::kClient, frame, outbox_.extend(size));
    queued(size);
}

void WebSocketConnection::send_text(std::string_view text) {
    if (!is_open()) {
        throw ConnectionClosed{};
    }
    if (is_compressed()) {
        if (const auto compressed = protocol_.deflate()->compress(Message::Kind::kText, text)) {
            queue(*compressed);
            return;
        }
    }
    const std::size_t size = wire::frame_bytes(protocol_.role(), text.size());
    wire::write_frame(protocol_.role(), wire::Opcode::kText, text, outbox_.extend(size));
    queued(size);
}

bool WebSocketConnection::deliver(wire::PreparedMessage& message) try {
    if (!is_open()) {
        return false;
    }
    if (is_slow_ && !relieve()) {
        return false;
    }
    const internal::EncodedFrame& frame =
        is_compressed() ? protocol_.deflate()->compress_standalone(message) : message.frame();
    if (slow_member_ == SlowMember::kDropOldest) {
        outbox_.append_loose_frame(frame);
        queued(frame.bytes().size());
    } else {
        queue(frame);
    }
    return true;
} catch (const std::bad_alloc&) {
    drop(CloseCode::kAbnormal, kOutOfMemory);
    return false;
}

// It has had more than slow_bytes to take for longer than it may.
bool WebSocketConnection::is_late() const noexcept {
    return static_cast<std::uint32_t>(loop().now()) - slow_since_ > limits_.slow_time.count();
}

bool WebSocketConnection::relieve() {
    const bool is_late_now = is_late();
    const std::size_t most = is_late_now ? limits_.slow_bytes : limits_.slow_limit_bytes;
    if (outbox_.bytes() <= most) {
        return true;
    }
    Counters& counters = loop().local<Counters>();
    counters.count(is_late_now ? Limit::kSlowTime : Limit::kSlowLimitBytes);
    if (slow_member_ == SlowMember::kClose) {
        close_for_others(CloseCode::kTryAgainLater, "too slow: messages came faster than they were read");
        return false;
    }
    if (slow_member_ == SlowMember::kDropNewest) {
        counters.dropped.add();
        return false;
    }
    counters.dropped.add(outbox_.drop_oldest(most));
    return true;  // also if the rest cannot be dropped: that is not much, and the latest is what counts
}

void WebSocketConnection::on_messages_lost() {
    if (slow_member_ != SlowMember::kClose) {
        loop().local<Counters>().dropped.add();
    } else if (is_open()) {
        close_for_others(CloseCode::kTryAgainLater, "the server is too busy: messages to a group were lost");
    }
}

void WebSocketConnection::queued(std::size_t bytes) {
    if (!is_slow_ && outbox_.bytes() > limits_.slow_bytes) {
        is_slow_ = true;
        was_slow_ = true;
        slow_since_ = static_cast<std::uint32_t>(loop().now());
    }
    if (phase_ != Phase::kOpening) {
        flush_soon(bytes);
    }
}

void WebSocketConnection::on_sent(std::size_t bytes) {
    if ((bytes == 0 || stalled_) && phase_ == Phase::kOpen) {
        // There was no room and now there is: the peer's kernel has taken something, so the peer lives.
        pinged_ = false;
        stalled_ = false;
        loop().local<WebSocketTable>().heard(slot_, limits_.ping_interval);
    }
    SocketStream::on_sent(bytes);
}

void WebSocketConnection::on_written(std::size_t /*bytes*/) {
    if (is_slow_ && outbox_.bytes() <= limits_.slow_bytes) {
        is_slow_ = false;
    }
    if (was_slow_ && outbox_.empty()) {
        was_slow_ = false;
        loop().local<MemoryTrimmer>().soon();
    }
    if (outbox_.bytes() <= limits_.outbox_bytes / 2) {
        while (senders != nullptr) {
            std::exchange(senders, senders->next_)->resume();
        }
        if (ending_ && ending_->put_off) {
            loop().at_end_of_turn(*ending_);
        }
    }
    if (!is_reading()) {
        read_or_pause();
    }
    finish_if_flushed();
}

// ---- The end

void WebSocketConnection::close(std::uint16_t code, std::string_view reason) {
    if (phase_ == Phase::kOpening) {
        answer_handshake();
    }
    if (phase_ != Phase::kOpen) {
        return;
    }
    if (ending_) {
        enact_close();  // the peer was first
        return;
    }
    const wire::ControlFrame frame = protocol_.close(code, reason);
    phase_ = Phase::kClosing;
    outbox_.append(frame.view());
    queued(frame.view().size());
    note_closed(code, reason);
    set_deadline();
    if (protocol_.is_paused()) {
        read_kept();  // for the peer's close frame
    }
    read_or_pause();
}

void WebSocketConnection::close_for_others(std::uint16_t code, std::string_view reason) try {
    if (phase_ == Phase::kOpening) {
        turn_handshake_away();
    } else {
        close(code, reason);
    }
} catch (const std::bad_alloc&) {
    drop(CloseCode::kAbnormal, kOutOfMemory);
}

// Whoever waits on this socket learns that it is closed. The first reason stays.
void WebSocketConnection::note_closed(std::uint16_t code, std::string_view reason) {
    if (!close_info_) {
        try {
            close_info_ = std::make_unique<CloseInfo>(CloseInfo{code, std::string{reason}});
        } catch (const std::bad_alloc&) {  // it is closed all the same: close_info() says that it was lost
        }
    }
    if (receiver != nullptr) {
        receiver->resume();
    }
    while (senders != nullptr) {
        std::exchange(senders, senders->next_)->resume();
    }
    while (watchers != nullptr) {
        std::exchange(watchers, watchers->next_)->resume();
    }
}

void WebSocketConnection::finish() {
    if (phase_ != Phase::kFinishing && ending_) {
        ending_->cancel();  // the peer has done what it had time for: for the rest it has a time of its own
    }
    phase_ = Phase::kFinishing;
    set_deadline();
    read_or_pause();
    if (!outbox_.empty()) {
        flush_soon(0);
    }
    finish_if_flushed();
}

// The server ends the TCP connection, and so does whoever found the other at fault; a client that closed cleanly waits
// for the server (RFC 6455, 7.1.1).
void WebSocketConnection::finish_if_flushed() {
    if (phase_ != Phase::kFinishing || !outbox_.empty()) {
        return;
    }
    if (has_ended()) {
        drop(CloseCode::kAbnormal, {});
        return;
    }
    const bool is_ours = protocol_.role() == wire::Role::kServer || protocol_.state() == wire::Protocol::State::kFailed;
    if (is_ours) {
        shutdown_write();
    }
}

void WebSocketConnection::set_deadline() {
    if (!ending_) {
        ending_ = std::make_unique<Ending>(*this);
    }
    if (!ending_->is_running()) {
        ending_->start(limits_.close_time);
    }
}

void WebSocketConnection::on_fin() {
    if (phase_ == Phase::kOpening) {
        outbox_.clear();  // frames without the 101 that they wait for
    }
    if (protocol_.is_paused() || (ending_ && ending_->put_off)) {
        return;  // what came before the FIN has its turn first
    }
    note_closed(CloseCode::kAbnormal, "the peer ended the TCP connection without a close frame");
    finish();
}

void WebSocketConnection::on_failed(std::error_code error) { drop(CloseCode::kAbnormal, error.message()); }

void WebSocketConnection::drop(std::uint16_t code, std::string_view reason) {
    if (phase_ == Phase::kGone) {
        return;
    }
    phase_ = Phase::kGone;
    SocketStream::abort();
    if (ending_ && ending_->put_off) {
        note_closed(ending_->put_off->info.code, ending_->put_off->info.reason);
    }
    ending_.reset();
    note_closed(code, reason);
    on_gone();
}

std::chrono::seconds WebSocketConnection::check_alive() {
    if (phase_ != Phase::kOpen) {
        return limits_.ping_interval;  // other clocks run
    }
    if (!is_reading() && inbox_.bytes() > limits_.inbox_bytes / 2) {
        return limits_.ping_interval;  // it is us who do not listen
    }
    if (pinged_) {
        const std::chrono::seconds next = limits_.ping_interval;
        counters().count(Limit::kPingTimeout);
        drop(CloseCode::kAbnormal, "the peer did not answer a ping in time");
        return next;
    }
    pinged_ = true;
    stalled_ = is_sending();  // a send that is still unanswered has found no room
    const wire::ControlFrame frame = protocol_.ping({});
    outbox_.append(frame.view());
    queued(frame.view().size());
    return limits_.ping_timeout;
}

}  // namespace c10k
