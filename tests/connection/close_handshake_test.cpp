#include "connection/close_handshake.hpp"

#include "connection/fixture.hpp"
#include "connection/recorded_stream.hpp"
#include "connection/websocket_connection.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace c10k {
namespace {

constexpr std::array kStates{CloseState::kOpening, CloseState::kOpen,     CloseState::kAnswering,
                             CloseState::kClosing, CloseState::kDraining, CloseState::kClosed};
constexpr std::array kEvents{
    CloseEvent::kAccepted,        CloseEvent::kRefused,   CloseEvent::kClose,   CloseEvent::kPeerClose,
    CloseEvent::kPeerCloseUnread, CloseEvent::kViewHeard, CloseEvent::kPeerFin, CloseEvent::kAllSent,
    CloseEvent::kAllSentAndFin,   CloseEvent::kTimeUp,    CloseEvent::kAbort};

std::string_view name(CloseState state) {
    constexpr std::array<std::string_view, 6> kNames{"Opening", "Open", "Answering", "Closing", "Draining", "Closed"};
    return kNames[static_cast<std::size_t>(state)];
}
std::string_view name(CloseEvent event) {
    constexpr std::array<std::string_view, 11> kNames{
        "accepted", "refused",           "close",   "peer's close", "peer's close, unread", "view heard", "peer's FIN",
        "all sent", "all sent, and FIN", "time up", "abort"};
    return kNames[static_cast<std::size_t>(event)];
}

// ---- The table

TEST(CloseTransitions, HaveOneRowForAStateAndAnEvent) {
    std::set<std::pair<CloseState, CloseEvent>> seen;
    for (const CloseTransition& transition : kCloseTransitions) {
        EXPECT_TRUE(seen.emplace(transition.from, transition.event).second)
            << name(transition.from) << ", " << name(transition.event);
    }
}

TEST(CloseTransitions, LeadForwardOnly) {
    for (const CloseTransition& transition : kCloseTransitions) {
        EXPECT_GE(transition.to, transition.from) << name(transition.from) << ", " << name(transition.event);
        EXPECT_EQ(transition.to == CloseState::kClosed,
                  transition.action == CloseAction::kEnd || transition.action == CloseAction::kSendLastFin);
    }
}

TEST(CloseTransitions, EndEveryStateButTheLastOneByAnAbort) {
    for (const CloseState state : kStates) {
        EXPECT_EQ(find_transition(state, CloseEvent::kAbort) != nullptr, state != CloseState::kClosed) << name(state);
    }
}

// ---- The connection

class AnsweredByTest final : public OpeningHandshake {
public:
    AnsweredByTest() : OpeningHandshake(Request{}, {}) {}

private:
    [[nodiscard]] std::span<const std::string> offered_subprotocols() const noexcept override { return {}; }
    std::string accept(const AcceptOptions& /*options*/) override { return "the 101"; }
    void on_accepted() override {}
    std::string refuse(const Response& /*response*/) override { return "the refusal"; }
    void on_time() override {}
};

// One side of a WebSocket whose other side is raw bytes, brought into a state, and then shown an event.
class Cell final : private ListenerEvents, private WebSocketConnection::Owner {
public:
    static constexpr std::uint16_t kOurs = 3000;  // the code of kClose; kPeerClose has 1000

    explicit Cell(CloseState state) {
        const SocketId listener = loop_.backend().listen(Address::resolve("127.0.0.1", 0), {}, *this);
        peer_.emplace(loop_, loop_.backend().connect(loop_.backend().local_address(listener)));
        loop_.run_until_idle();
        loop_.backend().close(listener);
        bring_to(state);
    }
    ~Cell() {
        connection_.reset();
        peer_.reset();
    }
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    void show(CloseEvent event) {
        switch (event) {
            case CloseEvent::kAccepted: connection_->accept(); break;
            case CloseEvent::kRefused: connection_->refuse(Response::text("no", 403)); break;
            case CloseEvent::kClose: connection_->start_close(kOurs, {}); break;
            case CloseEvent::kPeerClose: receive(close_frame()); break;
            case CloseEvent::kPeerCloseUnread:
                wait_in_send();
                receive(text_frame() + close_frame());
                break;
            case CloseEvent::kViewHeard:
                connection_->stop_waiting(*sender_);
                connection_->on_turn_ended();
                break;
            case CloseEvent::kPeerFin: finish(); break;
            case CloseEvent::kAllSent: loop_.run_until_idle(); break;
            case CloseEvent::kAllSentAndFin:
                finish();
                loop_.run_until_idle();
                break;
            case CloseEvent::kTimeUp: connection_->on_close_time(); break;
            case CloseEvent::kAbort: connection_->abort(1001, {}); break;
        }
    }
    [[nodiscard]] CloseState state() const { return connection_->state(); }
    [[nodiscard]] std::uint16_t code() const { return connection_->close_info().code; }
    // How often the owner was told of the end.
    [[nodiscard]] int ends() const { return ends_; }

private:
    static std::string close_frame() {
        std::string bytes;
        wire::append_frame(wire::Role::kClient, wire::Opcode::kClose, "\x03\xE8", bytes);
        return bytes;
    }
    static std::string text_frame() {
        std::string bytes;
        wire::append_frame(wire::Role::kClient, wire::Opcode::kText, "hello", bytes);
        return bytes;
    }

    void on_accepted(SocketId socket, const Address& /*peer*/, const Address& /*local*/) override {
        loop_.backend().start_receiving(socket);
        LoopServices& services = LoopServices::of(loop_);
        connection_.emplace(services, socket, wire::Role::kServer, limits_, services.client_traffic, SlowMember::kClose,
                            static_cast<WebSocketConnection::Owner&>(*this), std::make_unique<AnsweredByTest>());
        sender_.emplace(*connection_);
    }
    void on_accept_failed(std::error_code /*error*/) override {}
    void on_closed() override { ++ends_; }
    [[nodiscard]] std::string_view subprotocol() const noexcept override { return {}; }

    void bring_to(CloseState state) {
        if (state == CloseState::kOpening) {
            return;
        }
        connection_->accept();
        loop_.run_until_idle();
        connection_->queue_text("unsent");  // in every state there is something to send yet
        switch (state) {
            case CloseState::kAnswering: show(CloseEvent::kPeerCloseUnread); break;
            case CloseState::kClosing: show(CloseEvent::kClose); break;
            case CloseState::kDraining: show(CloseEvent::kPeerClose); break;
            case CloseState::kClosed: show(CloseEvent::kAbort); break;
            default: break;
        }
        ASSERT_EQ(name(connection_->state()), name(state));
    }
    // A view waits in send(), and so has not had its say.
    void wait_in_send() { connection_->wait_for_room(*sender_); }
    // One turn, in which there is something to read, and so nothing is sent.
    void receive(const std::string& bytes) {
        peer_->queue(bytes);
        peer_->send_now();
        loop_.turn();
    }
    void finish() {
        peer_->shutdown_write();
        loop_.turn();
    }

    Loop loop_{std::make_unique<MemoryBackend>()};
    WebSocketLimits limits_;
    std::optional<Recorded> peer_;
    std::optional<WebSocketConnection> connection_;
    std::optional<WebSocket::SendAwaiter> sender_;
    int ends_ = 0;
};

// The table's row for a cell, with the rows that follow at once.
CloseState expected(CloseState state, CloseEvent event) {
    if (state == CloseState::kOpening && event == CloseEvent::kClose) {
        return CloseState::kClosing;  // accepted first
    }
    if (state == CloseState::kOpening && (event == CloseEvent::kPeerFin || event == CloseEvent::kAllSentAndFin)) {
        return CloseState::kClosed;  // its frames are dropped: all is sent
    }
    if (event == CloseEvent::kAllSentAndFin && (state == CloseState::kOpen || state == CloseState::kClosing)) {
        return CloseState::kClosed;  // the FIN, and then all is sent
    }
    if (state == CloseState::kAnswering && event == CloseEvent::kAllSent) {
        return CloseState::kDraining;  // the view that waited in send() has its say
    }
    if (state == CloseState::kAnswering && event == CloseEvent::kAllSentAndFin) {
        return CloseState::kClosed;
    }
    const CloseTransition* const transition = find_transition(state, event);
    return transition != nullptr ? transition->to : state;
}

TEST(CloseHandshake, DoesWhatTheTableSaysInEveryCell) {
    for (const CloseState state : kStates) {
        for (const CloseEvent event : kEvents) {
            SCOPED_TRACE(std::string{name(state)} + ", " + std::string{name(event)});
            Cell cell{state};
            cell.show(event);
            EXPECT_EQ(name(cell.state()), name(expected(state, event)));
            EXPECT_EQ(cell.ends(), cell.state() == CloseState::kClosed ? 1 : 0);
        }
    }
}

// The table "What a FIN does in each state" of docs/internals/architecture.md.
TEST(CloseHandshake, TakesThePeersFinInEveryState) {
    struct Row {
        CloseState state;
        CloseState when_it_comes;  // with bytes that are not sent yet
        CloseState when_all_is_sent;
        std::uint16_t code;
    };
    constexpr std::array kRows{
        Row{CloseState::kOpening, CloseState::kClosed, CloseState::kClosed, 1006},
        Row{CloseState::kOpen, CloseState::kDraining, CloseState::kClosed, 1006},
        Row{CloseState::kAnswering, CloseState::kAnswering, CloseState::kClosed, 1000},
        Row{CloseState::kClosing, CloseState::kDraining, CloseState::kClosed, Cell::kOurs},
        Row{CloseState::kDraining, CloseState::kDraining, CloseState::kClosed, 1000},
    };
    for (const Row& row : kRows) {
        SCOPED_TRACE(name(row.state));
        Cell cell{row.state};
        cell.show(CloseEvent::kPeerFin);
        EXPECT_EQ(name(cell.state()), name(row.when_it_comes));
        cell.show(CloseEvent::kAllSent);
        EXPECT_EQ(name(cell.state()), name(row.when_all_is_sent));
        EXPECT_EQ(cell.code(), row.code);
    }
}

}  // namespace
}  // namespace c10k
