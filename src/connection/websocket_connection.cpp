#include "connection/websocket_connection.hpp"

#include "connection/loop_services.hpp"

#include <new>
#include <optional>
#include <utility>

namespace c10k {
namespace {

constexpr std::string_view kOutOfMemory = "out of memory";

// Takes `awaiter` out of a list.
template <typename T>
void unlink(T** link, T& awaiter, T* T::*next) noexcept {
    while (*link != nullptr && *link != &awaiter) {
        link = &((*link)->*next);
    }
    if (*link != nullptr) {
        *link = awaiter.*next;
    }
}

}  // namespace

WebSocketConnection::WebSocketConnection(LoopServices& services, SocketId socket, wire::Role role,
                                         const WebSocketLimits& limits, Traffic& traffic, SlowMember slow_member,
                                         Owner& owner, std::unique_ptr<OpeningHandshake> opening)
    : SocketStream(services, socket), slot_(services.websockets->add(*this)), slow_(slow_member), owner_(owner),
      traffic_(traffic), protocol_(role, limits), opening_(std::move(opening)) {
    if (opening_ != nullptr) {
        read_while_opening();
    }
}

WebSocketConnection::~WebSocketConnection() {
    leave_groups();
    services().websockets->remove(slot_);
}

void WebSocketConnection::leave_groups() noexcept {
    while (memberships != nullptr) {
        memberships->on_view_ended();
    }
}

WebSocketHandle WebSocketConnection::handle() const { return services().websockets->handle(slot_); }

// ---- Opening

void WebSocketConnection::compress(const wire::DeflateParameters& agreed, std::uint32_t from_bytes) {
    protocol_.use(std::make_unique<wire::PermessageDeflate>(protocol_.role(), agreed, from_bytes, services().deflate));
}

void WebSocketConnection::open(std::string_view head, std::span<char> early) {
    if (!head.empty()) {
        outbox_.prepend(head);
    }
    advance(CloseEvent::kAccepted);
    note_activity();
    if (!early.empty()) {
        on_received(early);
    }
    update_reading();
}

void WebSocketConnection::accept() {
    if (state() == CloseState::kOpening) {
        accept(AcceptOptions{});
    }
}

void WebSocketConnection::accept(const AcceptOptions& options) {
    if (state() != CloseState::kOpening) {
        return;
    }
    const std::string head = opening_->accept(options);
    if (options.slow_member) {
        slow_.set_policy(*options.slow_member);
    }
    const std::unique_ptr<OpeningHandshake> opening = std::move(opening_);
    try {
        opening->on_accepted();
        open(head, opening->early);
    } catch (const std::bad_alloc&) {
        abort(CloseCode::kAbnormal, kOutOfMemory);  // half an answer cannot be taken back
        throw;
    }
}

void WebSocketConnection::refuse(const Response& response) {
    if (state() != CloseState::kOpening) {
        return;
    }
    const std::string answer = opening_->refuse(response);
    opening_->cancel();
    outbox_.clear();
    if (!answer.empty()) {
        outbox_.append(answer);
    }
    close_.note(*this, CloseCode::kAbnormal, "the handshake was refused");
    advance(CloseEvent::kRefused);
}

// ---- The way in

void WebSocketConnection::on_received(std::span<char> bytes) try {
    if (state() == CloseState::kOpening || state() == CloseState::kDraining) {
        receive_outside(bytes);
        return;
    }
    note_activity();
    traffic_.received_bytes.add(bytes.size());
    protocol_.receive(bytes, *this);
    time_message();
    update_reading();
} catch (const std::bad_alloc&) {
    abort(CloseCode::kAbnormal, kOutOfMemory);  // the memory that this frees lets others go on
}

void WebSocketConnection::receive_outside(std::span<char> bytes) {
    if (state() == CloseState::kOpening) {
        opening_->early.append(bytes.data(), bytes.size());
        update_reading();
    }
}

// A peer that leaves before the answer is to be noticed: the view of a server may wait for long, and need not go on.
void WebSocketConnection::read_while_opening() {
    if (opening_->early.size() > limits().inbox_bytes) {
        pause_reading();
    } else {
        resume_reading();
    }
}

void WebSocketConnection::note_activity() noexcept {
    keepalive_.note_activity();
    services().websockets->note_activity(slot_, limits().ping_interval);
}

// Every read comes here, also that of a trickling peer, or of one that only answers pings: no timer is needed.
void WebSocketConnection::time_message() {
    if (!protocol_.is_amid_message() || state() != CloseState::kOpen || protocol_.role() != wire::Role::kServer) {
        message_since_ = 0;
        return;
    }
    const std::uint32_t time = now() | 1;
    if (message_since_ == 0) {
        message_since_ = time;
    } else if (time - message_since_ > limits().message_time.count()) {
        services().counters->count(Limit::kMessageTime);
        start_close(CloseCode::kPolicyViolation, "a message took too long");
    }
}

// The frame of the view lies around its awaiter.
void WebSocketConnection::prepare() const noexcept {
    constexpr std::size_t kBefore = 192;
    if (receiver_ != nullptr) {
        prefetch(reinterpret_cast<const char*>(receiver_) - kBefore, kBefore + sizeof *receiver_);
    }
}

void WebSocketConnection::on_message(Message message) {
    message_since_ = 0;
    traffic_.received.add();
    if (MessageTap* const tap = this->tap()) {
        tap->on_received(*this, message);
    }
    if (ignores_messages_) {
        return;
    }
    inbox_.push(std::move(message));
    if (is_compressed() && inbox_.bytes() > limits().inbox_bytes) {
        protocol_.pause();  // a few compressed bytes behind it can be many large messages
    }
    if (receiver_ != nullptr) {
        receiver_->resume();
    }
}

void WebSocketConnection::on_pong(std::string_view) {}  // a pong only shows that the peer is alive

void WebSocketConnection::on_reply(std::string_view frame) {
    if (protocol_.state() != wire::Protocol::State::kOpen) {
        close_.hold_frame(*this, frame);  // the answer to the peer's close frame or fault, until on_close()
        return;
    }
    outbox_.append(frame);
    note_queued(frame.size());
}

// A close frame that would go out before the view's answers to messages that came with the peer's waits for them: until
// the end of the turn, or for a view that waits in send() until it had its turn, at most for the close time.
void WebSocketConnection::on_close(const CloseInfo& info, wire::Violation violation) {
    count_violation(violation);
    note_end(MessageTap::Side::kPeer, info.code, info.reason);
    advance(inbox_.empty() ? CloseEvent::kPeerClose : CloseEvent::kPeerCloseUnread);
}

Message WebSocketConnection::take_message() {
    Message message = inbox_.pop();
    if (protocol_.is_paused() && inbox_.bytes() <= limits().inbox_bytes / 2) {
        resume_protocol();
    }
    if (!is_reading()) {
        update_reading();
    }
    return message;
}

void WebSocketConnection::ignore_messages() {
    ignores_messages_ = true;
    while (has_message()) {
        take_message();
    }
}

void WebSocketConnection::resume_protocol() {
    protocol_.resume(*this);
    if (has_peer_fin() && !protocol_.is_paused()) {
        on_fin();
    }
}

void WebSocketConnection::count_violation(wire::Violation violation) {
    Counters& counters = *services().counters;
    switch (violation) {
        case wire::Violation::kMessageTooBig: counters.count(Limit::kMaxMessageBytes); break;
        case wire::Violation::kFragmentTooBig: counters.count(Limit::kMaxFragmentBytes); break;
        case wire::Violation::kTooManyFragments: counters.count(Limit::kMaxFragments); break;
        default: break;
    }
}

void WebSocketConnection::update_reading() {
    if (state() == CloseState::kClosed) {
        return;
    }
    if (state() == CloseState::kOpening) {
        read_while_opening();
        return;
    }
    const bool is_closing = !is_open();  // nothing is kept any more, and the peer's close has to be found
    // Once paused, it goes on only when half of the limit is free again.
    const std::size_t share = is_reading() ? 1 : 2;
    // If both sides waited for the other to read, neither would: the client goes on for as long as memory allows.
    const bool is_server = protocol_.role() == wire::Role::kServer;
    const std::size_t most_unsent = is_server ? limits().outbox_bytes : std::size_t{limits().slow_limit_bytes};
    const bool has_room = inbox_.bytes() <= limits().inbox_bytes / share && outbox_.bytes() <= most_unsent / share;
    const bool is_wanted = has_room || is_closing;
    if (is_wanted && !is_reading()) {
        resume_reading();
        message_since_ = 0;  // its time does not pass while the loop does not read
    } else if (!is_wanted && is_reading()) {
        pause_reading();
        services().counters->count(inbox_.bytes() > limits().inbox_bytes ? Limit::kInboxBytes : Limit::kOutboxBytes);
    }
}

// ---- The way out

void WebSocketConnection::prepare_to_queue() {
    accept();
    if (!is_open()) {
        throw ConnectionClosed{};
    }
}

void WebSocketConnection::queue_message(const Message& message) {
    if (state() != CloseState::kOpen) {
        prepare_to_queue();
    }
    const auto compressed =
        is_compressed() ? protocol_.deflate()->compress(message.kind(), message.view()) : std::nullopt;
    queue(compressed ? *compressed : message.encoded_frame());
    tap_sent(message.kind(), message.view(), MessageTap::Sender::kView);
}

void WebSocketConnection::queue_text(std::string_view text) {
    if (state() != CloseState::kOpen) {
        prepare_to_queue();
    }
    if (is_compressed()) {
        if (const auto compressed = protocol_.deflate()->compress(Message::Kind::kText, text)) {
            queue(*compressed);
            tap_sent(Message::Kind::kText, text, MessageTap::Sender::kView);
            return;
        }
    }
    const std::size_t size = wire::frame_bytes(protocol_.role(), text.size());
    wire::write_frame(protocol_.role(), wire::Opcode::kText, text, outbox_.extend(size));
    note_message_queued(size);
    tap_sent(Message::Kind::kText, text, MessageTap::Sender::kView);
}

void WebSocketConnection::queue(const internal::EncodedFrame& frame) {
    if (protocol_.role() == wire::Role::kServer) {
        outbox_.append_frame(frame);
        note_message_queued(frame.bytes().size());
        return;
    }
    const std::size_t size = wire::frame_bytes(wire::Role::kClient, frame.payload().size());
    wire::write_frame(wire::Role::kClient, frame, outbox_.extend(size));
    note_message_queued(size);
}

void WebSocketConnection::note_message_queued(std::size_t bytes) {
    traffic_.sent.add();
    note_queued(bytes);
}

void WebSocketConnection::note_queued(std::size_t bytes) {
    traffic_.sent_bytes.add(bytes);
    if (outbox_.bytes() > limits().slow_bytes) {
        slow_.note_large(now());
    }
    if (state() != CloseState::kOpening) {  // frames wait for the 101
        flush_soon(bytes);
    }
}

bool WebSocketConnection::deliver(wire::PreparedMessage& message) try {
    if (!is_open()) {
        return false;
    }
    if (slow_.is_slow() && !apply_slow_policy()) {
        return false;
    }
    const internal::EncodedFrame& frame =
        is_compressed() ? protocol_.deflate()->compress_standalone(message) : message.frame();
    if (slow_.policy() == SlowMember::kDropOldest) {
        outbox_.append_loose_frame(frame);
        note_message_queued(frame.bytes().size());
    } else {
        queue(frame);
    }
    tap_sent(message.kind(), message.payload(), MessageTap::Sender::kOthers);
    return true;
} catch (const std::bad_alloc&) {
    abort(CloseCode::kAbnormal, kOutOfMemory);
    return false;
}

MessageTap* WebSocketConnection::tap() const noexcept {
    return protocol_.role() == wire::Role::kServer ? services().tap : nullptr;
}

void WebSocketConnection::tap_sent(Message::Kind kind, std::string_view payload, MessageTap::Sender sender) noexcept {
    if (MessageTap* const tap = this->tap()) {
        tap->on_sent(*this, kind, payload, sender);
    }
}

void WebSocketConnection::note_dropped(std::size_t count) noexcept {
    services().counters->dropped.add(count);
    if (MessageTap* const tap = this->tap(); tap != nullptr && count > 0) {
        tap->on_dropped(*this, count);
    }
}

bool WebSocketConnection::apply_slow_policy() {
    const SlowMemberGauge::Judgement judgement = slow_.judge(outbox_.bytes(), now(), limits());
    if (judgement.verdict == SlowMemberGauge::Verdict::kRoom) {
        return true;
    }
    services().counters->count(judgement.limit);
    switch (judgement.verdict) {
        case SlowMemberGauge::Verdict::kClose:
            close_for_others(CloseCode::kTryAgainLater, "too slow: messages came faster than they were read");
            return false;
        case SlowMemberGauge::Verdict::kDropNewest: note_dropped(1); return false;
        default:
            note_dropped(outbox_.drop_oldest(judgement.limit_bytes));
            return true;  // also if the rest cannot be dropped: that is not much, and the latest is what counts
    }
}

void WebSocketConnection::on_messages_lost() {
    if (slow_.policy() != SlowMember::kClose) {
        note_dropped(1);
    } else if (is_open()) {
        close_for_others(CloseCode::kTryAgainLater, "the server is too busy: messages to a group were lost");
    }
}

void WebSocketConnection::on_sent(std::size_t bytes) {
    if (keepalive_.note_answer(bytes)) {
        services().websockets->note_activity(slot_, limits().ping_interval);
    }
    SocketStream::on_sent(bytes);
}

void WebSocketConnection::on_written(std::size_t /*bytes*/) {
    const bool is_awaited = senders_ != nullptr || !is_reading() || slow_.was_slow() || state() != CloseState::kOpen;
    if (is_awaited) {  // rarely: every message comes by here
        use_room();
    }
}

void WebSocketConnection::use_room() {
    if (slow_.note_written(outbox_.bytes(), limits())) {
        services().trimmer.soon();
    }
    if (outbox_.bytes() <= limits().outbox_bytes / 2) {
        while (senders_ != nullptr) {
            std::exchange(senders_, senders_->next_)->resume();
        }
        if (state() == CloseState::kAnswering) {
            close_.wait_for_turn_end();
        }
    }
    if (!is_reading()) {
        update_reading();
    }
    advance_if_sent();
}

// ---- The end

void WebSocketConnection::start_close(std::uint16_t code, std::string_view reason) {
    accept();
    if (state() == CloseState::kOpen) {
        const wire::ControlFrame frame = protocol_.close(code, reason);
        close_.hold_frame(*this, frame.view());
        note_end(MessageTap::Side::kUs, code, reason);
    }
    advance(CloseEvent::kClose);
    if (state() == CloseState::kClosing && protocol_.is_paused()) {
        resume_protocol();  // for the peer's close frame
    }
}

void WebSocketConnection::close_for_others(std::uint16_t code, std::string_view reason) try {
    if (state() == CloseState::kOpening) {
        refuse(Response::text("The WebSocket was closed before its view had answered.\n", 503));
    } else {
        start_close(code, reason);
    }
} catch (const std::bad_alloc&) {
    abort(CloseCode::kAbnormal, kOutOfMemory);
}

void WebSocketConnection::abort(std::uint16_t code, std::string_view reason) noexcept {
    if (!is_closed()) {
        note_end(MessageTap::Side::kUs, code, reason);
        advance(CloseEvent::kAbort);
    }
}

void WebSocketConnection::on_failed(std::error_code error) {
    note_end(MessageTap::Side::kPeer, CloseCode::kAbnormal, error.message());
    abort(CloseCode::kAbnormal, {});
}

void WebSocketConnection::note_end(MessageTap::Side side, std::uint16_t code, std::string_view reason) noexcept {
    close_.note(*this, code, reason);
    if (MessageTap* const tap = this->tap()) {
        tap->on_closing(*this, code, reason, side);
    }
}

void WebSocketConnection::on_fin() try {
    if (protocol_.is_paused()) {
        return;  // bytes from before the FIN come first
    }
    note_end(MessageTap::Side::kPeer, CloseCode::kAbnormal, "the peer ended the TCP connection without a close frame");
    advance(CloseEvent::kPeerFin);
    advance_if_sent();
} catch (const std::bad_alloc&) {
    abort(CloseCode::kAbnormal, kOutOfMemory);
}

void WebSocketConnection::on_close_time() {
    services().counters->count(Limit::kCloseTime);
    advance(CloseEvent::kTimeUp);  // close_info() has the reason of the close itself
}

// A view that waits in send() has its turn when the peer has taken enough: on_written() comes back to this.
void WebSocketConnection::on_turn_ended() try {
    if (senders_ == nullptr || inbox_.empty()) {
        advance(CloseEvent::kViewHeard);
    }
} catch (const std::bad_alloc&) {
    abort(CloseCode::kAbnormal, kOutOfMemory);
}

void WebSocketConnection::advance(CloseEvent event) {
    const CloseTransition* const transition = find_transition(state(), event);
    if (transition == nullptr) {
        return;
    }
    if (transition->action == CloseAction::kSendFin) {
        if (ends_first()) {
            shutdown_write();
        }
        return;
    }
    if (transition->action == CloseAction::kSendLastFin) {
        shutdown_stream();
    }
    if (transition->to == CloseState::kClosed) {
        close_.enter(transition->to);
        end();
        return;
    }
    if (transition->to != CloseState::kOpen) {
        close_.start_timer(*this, limits().close_time);
    }
    if (transition->action == CloseAction::kDropFrames) {
        outbox_.clear();
    } else if (transition->action == CloseAction::kSendClose) {
        outbox_.append(close_.held_frame());
    }
    close_.enter(transition->to);
    if (transition->action == CloseAction::kDefer) {
        close_.wait_for_turn_end();
    }
    if (!outbox_.empty()) {
        flush_soon(0);
    }
    if (!is_open()) {
        wake_waiters();
        update_reading();
        advance_if_sent();
    }
}

void WebSocketConnection::advance_if_sent() {
    if (state() == CloseState::kDraining && outbox_.empty()) {
        advance(has_peer_fin() ? CloseEvent::kAllSentAndFin : CloseEvent::kAllSent);
    }
}

bool WebSocketConnection::ends_first() const noexcept {
    return protocol_.role() == wire::Role::kServer || protocol_.state() == wire::Protocol::State::kFailed;
}

void WebSocketConnection::end() {
    SocketStream::abort();
    close_.stop_timer();
    if (opening_) {
        opening_->cancel();
    }
    if (MessageTap* const tap = this->tap()) {
        tap->on_closed(*this);
    }
    wake_waiters();
    owner_.on_closed();
}

// Wakes every awaiter of this socket: it is closed.
void WebSocketConnection::wake_waiters() noexcept {
    if (receiver_ != nullptr) {
        receiver_->resume();
    }
    while (senders_ != nullptr) {
        std::exchange(senders_, senders_->next_)->resume();
    }
    while (watchers_ != nullptr) {
        std::exchange(watchers_, watchers_->next_)->resume();
    }
}

std::chrono::seconds WebSocketConnection::check_alive() {
    if (state() != CloseState::kOpen) {
        return limits().ping_interval;  // other clocks run
    }
    if (!is_reading() && inbox_.bytes() > limits().inbox_bytes / 2) {
        return limits().ping_interval;  // the loop does not read, so the peer is not to blame
    }
    if (keepalive_.check() == Keepalive::Verdict::kDead) {
        services().counters->count(Limit::kPingTimeout);
        note_end(MessageTap::Side::kPeer, CloseCode::kAbnormal, "the peer did not answer a ping in time");
        abort(CloseCode::kAbnormal, {});
        return limits().ping_interval;
    }
    if (is_sending()) {
        keepalive_.note_stall();
    }
    const wire::ControlFrame frame = protocol_.ping({});
    outbox_.append(frame.view());
    note_queued(frame.view().size());
    return limits().ping_timeout;
}

// ---- Awaiters

void WebSocketConnection::wait_for_room(WebSocket::SendAwaiter& awaiter) noexcept {
    awaiter.next_ = std::exchange(senders_, &awaiter);
}

void WebSocketConnection::wait_for_close(WebSocket::ClosedAwaiter& awaiter) noexcept {
    awaiter.next_ = std::exchange(watchers_, &awaiter);
}

void WebSocketConnection::stop_waiting(WebSocket::RecvAwaiter& awaiter) noexcept {
    if (receiver_ == &awaiter) {
        receiver_ = nullptr;
    }
}

void WebSocketConnection::stop_waiting(WebSocket::SendAwaiter& awaiter) noexcept {
    unlink(&senders_, awaiter, &WebSocket::SendAwaiter::next_);
}

void WebSocketConnection::stop_waiting(WebSocket::ClosedAwaiter& awaiter) noexcept {
    unlink(&watchers_, awaiter, &WebSocket::ClosedAwaiter::next_);
}

}  // namespace c10k
