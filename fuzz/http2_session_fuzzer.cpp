// A whole HTTP/2 connection on a network in memory: a peer that says anything, views that do anything at any moment,
// and a network that cuts, fills and breaks. Either side may be ours (RFC 9113).
//
// An input is a script. Its first four bytes choose the roles, the limits and the network; then each byte is a step,
// and the bytes behind it say more.

#include "http2/http2_backend.hpp"
#include "http2_model.hpp"
#include "loop/loop.hpp"
#include "require.hpp"
#include "testkit/memory_backend.hpp"
#include "wire/http2_frame.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace c10k;
using namespace std::string_view_literals;
using fuzz::require;
using wire::Http2Body;
using wire::Http2FrameHeader;
using wire::Http2FrameType;
using wire::Http2Head;
using wire::Role;

class Script {
public:
    explicit Script(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    // 0 at the end.
    std::uint8_t byte() {
        const auto taken = bytes_.empty() ? 0 : static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(bytes_.empty() ? 0 : 1);
        return taken;
    }
    // Small numbers and large ones: a byte with an exponent.
    std::uint32_t number() {
        const std::uint8_t digits = byte();
        return (digits & 31U) << (digits >> 5U) * 4U;
    }
    std::string_view bytes(std::size_t count) {
        const std::string_view taken = bytes_.substr(0, count);
        bytes_.remove_prefix(taken.size());
        return taken;
    }

private:
    std::string_view bytes_;
};

// ---- What a peer says

std::string frame(Http2FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
    std::string bytes(Http2FrameHeader::kBytes, '\0');
    Http2FrameHeader{static_cast<std::uint32_t>(payload.size()), type, flags, stream}.write(bytes.data());
    return bytes.append(payload);
}

std::string u32(std::uint32_t value) {
    std::string bytes(4, '\0');
    wire::write_u32(bytes.data(), value);
    return bytes;
}

// Heads as HPACK without tables: requests, responses, trailers, and such as are refused.
constexpr std::array kHeads{
    "\x82\x86\x84\x41\1a"sv,                                   // GET
    "\x83\x86\x84\x41\1a"sv,                                   // POST
    "\x02\7CONNECT\0\t:protocol\twebsocket\x86\x84\x41\1a"sv,  // a WebSocket
    "\x83\x86\x84\x41\1a\x0f\x0d\1"
    "5"sv,  // 5 bytes of body
    "\x83\x86\x84\x41\1a\x0f\x0d\5"
    "70000"sv,  // many
    "\x88"sv,   // 200
    "\x88\x0f\x0d\1"
    "5"sv,  // with 5 bytes
    "\x08\3"
    "100"sv,                                                                                     // 100
    "\0\1x\1y"sv,                                                                                // trailers
    "\x82\x86\x84\x41\1a\0\1X\1y"sv,                                                             // malformed
    "\x82\x86\x84\x41\1a\x40\1x\x04yyyy\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe\xbe"sv,  // too large
    "\xff\xff\xff\xff\xff\xff"sv,                                                                // corrupt
};

class Peer final : public SocketEvents {
public:
    Peer(Backend& backend, Role ours) : backend_(backend), model_(ours) {}

    void take(SocketId id) {
        id_ = id;
        backend_.attach(id, *this);
        backend_.start_receiving(id);
    }
    void write(std::string_view bytes) {
        if (!is_closed_) {
            unsent_ += bytes;
            model_.peer_sends(bytes);
            push();
        }
    }
    void pause() { backend_.stop_receiving(id_); }
    void resume() { backend_.start_receiving(id_); }
    void finish() {
        if (!is_closed_ && !is_waiting_ && !std::exchange(is_finished_, true)) {
            backend_.shutdown_write(id_);
        }
    }
    void close() {
        if (!std::exchange(is_closed_, true)) {
            backend_.close(id_, std::make_shared<std::string>(std::move(sending_)));
        }
    }

    void on_received(std::span<char> bytes) override { model_.we_send({bytes.data(), bytes.size()}); }
    void on_end() override {}
    void on_sent(std::size_t bytes) override {
        is_waiting_ = false;
        sending_.erase(0, bytes);
        push();
    }
    void on_failed(std::error_code) override { is_finished_ = true; }

private:
    void push() {
        while (!is_waiting_ && !is_finished_ && !(sending_.empty() && unsent_.empty())) {
            if (sending_.empty()) {
                sending_.swap(unsent_);
            }
            const iovec piece{sending_.data(), sending_.size()};
            const std::size_t taken = backend_.send(id_, {&piece, 1});
            is_waiting_ = taken == 0;
            sending_.erase(0, taken);
        }
    }

    Backend& backend_;
    fuzz::Http2Model model_;
    SocketId id_;
    std::string sending_;  // the network may be reading it
    std::string unsent_;
    bool is_waiting_ = false;
    bool is_finished_ = false;
    bool is_closed_ = false;
};

// ---- What our side does

class World;

// The owner of a stream. It checks that it hears what SocketEvents promises, and obeys the script in its events.
class Owner final : public Http2StreamEvents {
public:
    Owner(World& world, bool is_client) : world_(world), is_client_(is_client) {}

    void set_id(SocketId id) { id_ = id; }
    void set_finished() { is_finished_ = true; }
    // At the next event of this stream.
    void plan(std::uint8_t action) { planned_.push_back(action); }
    void act(std::uint8_t action);
    void close();

    void on_head(Http2Head head, Http2Body) override {
        require(is_client_ && !std::exchange(has_head_, true) && head.status >= 200, "one answer comes to a client");
        hear();
    }
    void on_received(std::span<char> bytes) override {
        require(!bytes.empty() && is_receiving_ && !has_end_, "bytes come to an owner that receives, before the end");
        std::fill(bytes.begin(), bytes.end(), 'x');  // they are ours
        hear();
    }
    void on_end() override {
        require(is_receiving_ && !std::exchange(has_end_, true), "one end comes to an owner that receives");
        hear();
    }
    void on_sent(std::size_t bytes) override {
        require(bytes == 0 && std::exchange(is_waiting_, false), "a send() is answered once");
        hear();
    }
    void on_failed(std::error_code error) override {
        require(error && !has_failed_, "a stream fails once");
        hear();
        has_failed_ = true;
    }

private:
    void hear();
    void send(std::size_t size);

    World& world_;
    SocketId id_;
    std::vector<std::uint8_t> planned_;
    bool is_client_;
    bool has_head_ = false;  // or has sent one
    bool is_receiving_ = false;
    bool has_end_ = false;
    bool is_waiting_ = false;
    bool is_finished_ = false;
    bool has_failed_ = false;
    bool is_closed_ = false;
};

const Http2Options kWide;
// So tight that small inputs reach them.
const Http2Options kTight{{.max_streams = 3,
                           .stream_window_bytes = 100,
                           .connection_window_bytes = 1'000,
                           .max_stream_resets = 1,
                           .max_control_frames = 5},
                          200,
                          4};

testkit::FaultInjector network(std::uint8_t kind, std::uint8_t seed) {
    testkit::Faults faults;
    switch (kind & 3U) {
        case 1: faults.read_bytes = 1; break;
        case 2: faults = testkit::Faults::benign().without_losses(); break;
        case 3: faults = testkit::Faults::harsh(); break;
        default: break;
    }
    faults.refused = faults.failed_accept = faults.pause = 0;
    faults.delay = {};
    if ((kind & 4U) != 0) {
        faults.kernel_bytes = 256;
    }
    return (kind & 2U) != 0 ? testkit::FaultInjector{faults, seed} : [&] {
        testkit::FaultInjector injector;
        injector.faults() = faults;
        return injector;
    }();
}

// Both sides of the connection, and the loop that they are on.
class World final : private Http2Events, private ListenerEvents {
public:
    explicit World(Script& script);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void run(Script& script);

    [[nodiscard]] Http2Backend& backend() noexcept { return *backend_; }
    void close_connection();

private:
    struct Dial final : SocketEvents {
        void on_received(std::span<char>) override {}
        void on_end() override {}
        void on_sent(std::size_t) override {}
        void on_failed(std::error_code) override {}
    };

    // The connection ends when its peer falls silent, after anything that has happened.
    void end();
    void step(Script& script);
    void say(std::uint8_t what, Script& script);
    void open(std::uint8_t what, Script& script);
    void request(std::uint8_t what);
    void begin(Owner& owner);
    void pass(std::chrono::milliseconds time);
    void settle();
    void weigh() const;
    [[nodiscard]] std::uint32_t stream_of(Script& script);
    [[nodiscard]] Owner* owner_of(std::uint8_t number) {
        return owners_.empty() ? nullptr : owners_[number % owners_.size()].get();
    }

    void on_stream(SocketId stream, Http2Head head, Http2Body body) override;
    void on_ready() override { require(!std::exchange(is_ready_, true), "a connection is ready once"); }
    void on_goaway() override { require(!std::exchange(is_going_, true), "a GOAWAY is told once"); }
    void on_limit(Limit) override { require(!has_ended_, "nothing comes behind the end"); }
    void on_ended(const Http2Ending& ending) override {
        require(!std::exchange(has_ended_, true) && !is_closed_, "a connection ends once");
        require(ending.kind != Http2Ending::Kind::kPeerFault || !ending.reason.empty(), "a fault has a reason");
    }
    void on_accepted(SocketId socket, const Address&, const Address&) override { accepted_ = socket; }
    void on_accept_failed(std::error_code) override {}

    const Role role_;
    const Http2Options& options_;
    std::vector<std::unique_ptr<Owner>> owners_;
    std::vector<std::uint8_t> habits_;  // the plans of streams that will be opened
    Loop loop_;
    MemoryBackend& network_;
    Http2Backend* backend_;
    Peer peer_;
    SocketId connection_;
    SocketId accepted_;
    std::string last_said_;
    std::size_t flood_left_ = 20'000;  // bytes: a network that brings them one by one takes a while
    std::uint32_t next_id_ = 1;
    bool is_ready_ = false;
    bool is_going_ = false;
    bool has_ended_ = false;
    bool is_closed_ = false;
};

World::World(Script& script)
    : role_((script.byte() & 1U) != 0 ? Role::kClient : Role::kServer),
      options_((script.byte() & 1U) != 0 ? kWide : kTight), loop_([&] {
          const std::uint8_t kind = script.byte();
          return std::make_unique<MemoryBackend>(network(kind, script.byte()), nullptr);
      }()),
      network_(static_cast<MemoryBackend&>(loop_.backend())), backend_(&Http2Backend::of(loop_)),
      peer_(*backend_, role_) {
    const SocketId listener = backend_->listen(Address::resolve("127.0.0.1", 0), {}, *this);
    const SocketId dialled = backend_->connect(backend_->local_address(listener));
    Dial dial;
    backend_->attach(dialled, dial);
    for (int i = 0; i < 100 && accepted_ == SocketId{}; ++i) {
        loop_.run_until_idle();
    }
    connection_ = role_ == Role::kServer ? accepted_ : dialled;
    peer_.take(role_ == Role::kServer ? dialled : accepted_);
    backend_->speak_http2(connection_, role_, options_, *this);
}

void World::run(Script& script) {
    const std::uint8_t beginning = script.byte();
    if (role_ == Role::kServer && (beginning & 1U) == 0) {
        peer_.write(wire::kHttp2Preface);
    }
    if ((beginning & 2U) == 0) {
        peer_.write(frame(Http2FrameType::kSettings, 0, 0, (beginning & 4U) != 0 ? "\0\x08\0\0\0\1"sv : ""sv) +
                    frame(Http2FrameType::kSettings, wire::http2_flag::kAck, 0));
    }
    while (!script.empty()) {
        step(script);
        weigh();
    }
    settle();
    if ((beginning & 8U) == 0) {
        end();
    }
}

void World::step(Script& script) {
    const std::uint8_t what = script.byte();
    const auto detail = static_cast<std::uint8_t>(what >> 4U);
    switch (what & 15U) {
        case 0: peer_.write(script.bytes(script.byte())); break;
        case 1: open(detail, script); break;
        case 2: say(detail, script); break;
        case 3:
            for (std::uint32_t i = script.number(); i > 0 && last_said_.size() < flood_left_; --i) {
                flood_left_ -= last_said_.size() + 1;
                peer_.write(last_said_);
            }
            break;
        case 4:
        case 5:
            if (Owner* const owner = owner_of(script.byte())) {
                owner->act(detail);
            }
            break;
        case 6:
            if (Owner* const owner = owner_of(script.byte())) {
                owner->plan(detail);
            }
            break;
        case 7: habits_.push_back(detail); break;
        case 8: pass(std::chrono::milliseconds{script.number()}); break;
        case 9: network_.faults().kernel_bytes = detail == 0 ? 1'000'000 : 64U * detail; break;
        case 10: peer_.pause(); break;
        case 11: peer_.resume(); break;
        case 12: detail == 0 ? peer_.close() : peer_.finish(); break;
        case 13: detail == 0 ? close_connection() : backend_->finish(connection_); break;
        case 14: request(detail); break;
        default: settle(); break;
    }
}

// Our side is a client, and opens a stream.
void World::request(std::uint8_t what) {
    if (is_closed_ || backend_->free_streams(connection_) == 0) {
        return;
    }
    Http2Head head{.method = "GET", .scheme = "http", .authority = "a", .path = "/"};
    if ((what & 1U) != 0 && backend_->allows_websockets(connection_)) {
        head.method = "CONNECT";
        head.protocol = "websocket";
    }
    Owner& owner = *owners_.emplace_back(std::make_unique<Owner>(*this, true));
    owner.set_id(backend_->open(connection_, head, (what & 2U) != 0 ? Http2Body::kNone : Http2Body::kFollows, owner));
    if ((what & 2U) != 0) {
        owner.set_finished();
    }
    begin(owner);
}

void World::begin(Owner& owner) {
    for (const std::uint8_t habit : habits_) {
        owner.act(habit);
    }
}

// A stream that the peer has opened, is about to open, or any.
std::uint32_t World::stream_of(Script& script) {
    const std::uint8_t which = script.byte();
    return which < 128   ? 1 + 2 * (which % 8U)
           : which < 250 ? next_id_ - 2 * std::min(which - 128U, next_id_ / 2)
                         : which - 250U;
}

// A head on the next stream of the peer or on another one, in one frame or in two.
void World::open(std::uint8_t what, Script& script) {
    const std::string_view block = kHeads[what % kHeads.size()];
    const std::uint8_t how = script.byte();
    const std::uint8_t end = (how & 1U) != 0 ? wire::http2_flag::kEndStream : std::uint8_t{0};
    const std::uint32_t id = (how & 2U) != 0 ? stream_of(script) : next_id_;
    next_id_ = std::max(next_id_, id + 2) | 1U;
    if ((how & 4U) != 0) {
        const std::size_t half = how >> 3U;
        last_said_ = frame(Http2FrameType::kHeaders, end, id, block.substr(0, std::min(half, block.size()))) +
                     frame(Http2FrameType::kContinuation, wire::http2_flag::kEndHeaders, id,
                           block.substr(std::min(half, block.size())));
    } else {
        last_said_ = frame(Http2FrameType::kHeaders, end | wire::http2_flag::kEndHeaders, id, block);
    }
    peer_.write(last_said_);
}

void World::say(std::uint8_t what, Script& script) {
    using Type = Http2FrameType;
    switch (what) {
        case 0:
        case 1: {
            const std::uint32_t id = stream_of(script);
            last_said_ = frame(Type::kData, what, id, std::string(std::min(script.number(), 16'384U), 'd'));
            break;
        }
        case 2: {
            const std::uint32_t id = stream_of(script);
            last_said_ = frame(Type::kRstStream, 0, id, u32(script.byte()));
            break;
        }
        case 3: {
            const char name = static_cast<char>(script.byte());
            last_said_ = frame(Type::kSettings, 0, 0, std::string{'\0', name} + u32(script.number()));
            break;
        }
        case 4: last_said_ = frame(Type::kSettings, 0, 0); break;
        case 5: last_said_ = frame(Type::kSettings, wire::http2_flag::kAck, 0); break;
        case 6: last_said_ = frame(Type::kPing, 0, 0, "12345678"); break;
        case 7: last_said_ = frame(Type::kPing, wire::http2_flag::kAck, 0, "leaving "); break;
        case 8: last_said_ = frame(Type::kPing, wire::http2_flag::kAck, 0, "alive?  "); break;
        case 9: {
            const std::uint32_t last = script.number();
            last_said_ = frame(Type::kGoaway, 0, 0, u32(last) + u32(script.byte()));
            break;
        }
        case 10: {
            const std::uint32_t id = stream_of(script);
            last_said_ = frame(Type::kWindowUpdate, 0, id, u32(script.number()));
            break;
        }
        case 11: last_said_ = frame(Type::kWindowUpdate, 0, 0, u32(script.number())); break;
        case 12: last_said_ = frame(Type::kPriority, 0, stream_of(script), "12345"); break;
        case 13: {
            const std::uint32_t id = stream_of(script);
            const std::uint8_t padding = script.byte();
            last_said_ = frame(Type::kData, wire::http2_flag::kPadded, id,
                               std::string(1, static_cast<char>(padding)) + std::string(script.number() % 512, 'p'));
            break;
        }
        default: {
            const auto type = static_cast<Type>(script.byte());
            const std::uint8_t flags = script.byte();
            const std::uint32_t id = stream_of(script);
            last_said_ = frame(type, flags, id, script.bytes(script.byte() % 32));
        }
    }
    peer_.write(last_said_);
}

void World::pass(std::chrono::milliseconds time) {
    network_.advance(time);
    settle();
    loop_.turn(backend_->now());
    settle();
}

void World::settle() {
    for (int i = 0; i < 4; ++i) {  // a network that holds back says that it is idle
        loop_.run_until_idle();
    }
}

// A connection holds what its windows, its limits and its buffer allow.
void World::weigh() const {
    constexpr std::size_t kBuffers = std::size_t{6} * 1024 * 1024;
    constexpr std::size_t kHeadBytes = std::size_t{128} * 1024;
    require(
        backend_->memory(connection_) <=
            kBuffers + kHeadBytes + std::max<std::size_t>(options_.connection_window_bytes, wire::kHttp2InitialWindow),
        "a connection keeps to its memory");
    require(role_ == Role::kClient || backend_->streams(connection_) <= 2 * std::size_t{options_.max_streams},
            "there are no more streams than allowed");
}

void World::on_stream(SocketId stream, Http2Head head, Http2Body) {
    require(role_ == Role::kServer && !has_ended_ && !is_closed_, "a server has streams while its connection lives");
    require(!head.method.empty(), "a request has a method");
    Owner& owner = *owners_.emplace_back(std::make_unique<Owner>(*this, false));
    owner.set_id(stream);
    backend_->attach(stream, owner);
    begin(owner);
}

void World::close_connection() {
    if (!std::exchange(is_closed_, true)) {
        backend_->close(connection_);
    }
}

void World::end() {
    network_.injector().stop();
    peer_.resume();
    settle();
    const std::chrono::milliseconds longest = options_.ping_interval + options_.ping_timeout + options_.head_time;
    for (int i = 0; i < 6 && !has_ended_ && !is_closed_; ++i) {
        pass(longest);
    }
    require(has_ended_ || is_closed_, "the connection of a silent peer ends");
    for (const auto& owner : owners_) {
        owner->close();
    }
    require(backend_->streams(connection_) == 0, "no stream is left");
    close_connection();
    peer_.close();
    settle();
}

void Owner::hear() {
    require(!is_closed_ && !has_failed_, "nothing comes behind the end of a stream");
    for (const std::uint8_t action : std::exchange(planned_, {})) {
        act(action);
    }
}

void Owner::act(std::uint8_t action) {
    Http2Backend& backend = world_.backend();
    if (is_closed_ || has_failed_) {
        return;
    }
    switch (action) {
        case 0:
        case 1:
            is_receiving_ = true;
            backend.start_receiving(id_);
            break;
        case 2:
            is_receiving_ = false;
            backend.stop_receiving(id_);
            break;
        case 3:
        case 4:
        case 5:
            if (!is_client_ && !std::exchange(has_head_, true)) {
                is_finished_ = action == 5;
                backend.respond(id_, action == 4 ? 404 : 200, {{"Content-Type", "text/plain"}},
                                action == 5 ? Http2Body::kNone : Http2Body::kFollows);
            }
            break;
        case 6: send(1); break;
        case 7: send(100); break;
        case 8:
        case 9: send(40'000); break;
        case 10:
            if (!is_waiting_ && (has_head_ || is_client_) && !std::exchange(is_finished_, true)) {
                backend.shutdown_write(id_);
            }
            break;
        case 11: close(); break;
        case 12:
            is_closed_ = true;
            backend.reset(id_, wire::Http2Error::kInternalError);
            break;
        case 13: plan(1); break;
        case 14: plan(8); break;
        default: world_.close_connection(); break;
    }
}

void Owner::send(std::size_t size) {
    static const std::string bytes(40'000, 's');
    if (!is_waiting_ && !is_finished_ && (has_head_ || is_client_)) {
        const std::array<iovec, 2> pieces{iovec{const_cast<char*>(bytes.data()), size / 2},
                                          iovec{const_cast<char*>(bytes.data()), size - size / 2}};
        const std::size_t taken = world_.backend().send(id_, pieces);
        require(taken <= size, "no more is sent than there was");
        is_waiting_ = taken == 0;
    }
}

void Owner::close() {
    if (!std::exchange(is_closed_, true)) {
        world_.backend().close(id_);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script({reinterpret_cast<const char*>(data), size});
    World world(script);
    world.run(script);
    return 0;
}
