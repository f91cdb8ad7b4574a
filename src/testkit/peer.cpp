#include "testkit/peer.hpp"

#include "connection/loop_services.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/response_writer.hpp"

#include <charconv>
#include <utility>

namespace c10k::testkit {
namespace {

constexpr std::size_t kMaxBody = std::size_t{64} << 20;

// The body's length by its head (RFC 9112, 6.3); our server sends no other kind.
std::size_t body_bytes(const Response& response, std::string_view method) {
    if (method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304) {
        return 0;
    }
    const std::string_view text = response.headers.get("Content-Length").value_or("");
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc{} || end != text.data() + text.size() || size > kMaxBody) {
        throw std::runtime_error("a response without a good Content-Length");
    }
    return size;
}

}  // namespace

// ---- Peer

Peer::Peer(Harness& harness) : harness_(harness), socket_(harness.loop().backend().connect(harness.address())) {
    harness_.loop().backend().attach(socket_, *this);
    harness_.loop().backend().start_receiving(socket_);
}

Peer::~Peer() { close(); }

void Peer::send(std::string_view bytes) {
    unsent_ += bytes;
    send_more();
}

void Peer::shutdown_write() {
    finishing_ = true;
    send_more();
}

void Peer::stop_receiving() { harness_.loop().backend().stop_receiving(socket_); }

void Peer::start_receiving() { harness_.loop().backend().start_receiving(socket_); }

void Peer::close() {
    if (std::exchange(open_, false)) {
        harness_.loop().backend().close(socket_);
    }
}

std::string Peer::take(std::size_t size) {
    harness_.run_until([&] { return received_.size() >= size || is_over(); }, "bytes from the server");
    if (received_.size() < size) {
        throw NothingCame{"the connection ended before so many bytes"};
    }
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
}

Response Peer::take_response(std::string_view method) {
    wire::ResponseParser parser;
    const auto parse = [&] {
        received_.erase(0, parser.receive(received_));
        return parser.state() != wire::ResponseParser::State::kHead || (is_over() && received_.empty());
    };
    harness_.run_until(parse, "a response");
    if (parser.state() != wire::ResponseParser::State::kComplete) {
        throw NothingCame{"a response: " + std::string{parser.failure()}};
    }
    const bool is_chunked = parser.response().headers.has_token("Transfer-Encoding", "chunked");
    parser.response().body =
        is_chunked && method != "HEAD" ? take_chunks() : take(body_bytes(parser.response(), method));
    return std::move(parser.response());
}

std::string Peer::take_chunks() {
    wire::ChunkReader chunks;
    std::string body;
    const auto read = [&] {
        received_.erase(0, chunks.receive(received_, body, {}));
        return chunks.whole() || chunks.failed() || (is_over() && received_.empty());
    };
    harness_.run_until(read, "the chunks of a response");
    if (!chunks.whole()) {
        throw NothingCame{"a whole body in chunks"};
    }
    return body;
}

void Peer::wait_for_end() {
    harness_.run_until([this] { return ended_ || failed_; }, "the end of the connection");
}

void Peer::on_connected() {
    connected_ = true;
    send_more();
}

void Peer::on_received(std::span<char> bytes) {
    received_.append(bytes.data(), bytes.size());
    received_in_all_ += bytes.size();
    on_bytes();
}

void Peer::on_end() {
    ended_ = true;
    if (!stays_) {
        close();
    }
    on_over();
}

void Peer::on_sent(std::size_t bytes) {
    unsent_.insert(0, sending_, bytes);
    sending_.clear();
    send_more();
}

void Peer::on_failed(std::error_code /*error*/) {
    failed_ = true;
    close();
    on_over();
}

void Peer::send_more() {
    while (connected_ && open_ && sending_.empty() && !unsent_.empty()) {
        sending_ = std::exchange(unsent_, {});
        const iovec piece{sending_.data(), sending_.size()};
        if (const std::size_t taken = harness_.loop().backend().send(socket_, {&piece, 1}); taken > 0) {
            unsent_ = sending_.substr(taken);
            sending_.clear();
        }
    }
    if (connected_ && open_ && sending_.empty() && std::exchange(finishing_, false)) {
        harness_.loop().backend().shutdown_write(socket_);
    }
}

// ---- WebSocketPeer

WebSocketPeer::WebSocketPeer(Harness& harness, std::string_view target, Headers headers,
                             std::vector<std::string> subprotocols, std::string_view early,
                             const Compression& compression)
    : Peer(harness), compress_from_(compression.from_bytes), request_{.host = harness.address().text(),
                                                                      .target = std::string{target},
                                                                      .subprotocols = std::move(subprotocols),
                                                                      .headers = std::move(headers)} {
    if (compression.is_on()) {
        request_.deflate = wire::offer_deflate(compression);
    }
    send(wire::to_bytes(request_) + std::string{early});
}

const Response& WebSocketPeer::answer() {
    const auto arrived = [this] { return answer_.has_value() || is_over(); };
    harness().run_until(arrived, "the answer to a handshake");
    if (!answer_) {
        throw NothingCame{"the answer to a handshake: the connection ended"};
    }
    if (!agreed_ && answer_->body.empty()) {
        answer_->body = take(body_bytes(*answer_, "GET"));
    }
    return *answer_;
}

void WebSocketPeer::send_message(const Message& message) {
    const auto compressed =
        is_compressed() ? protocol_.deflate()->compress(message.kind(), message.view()) : std::nullopt;
    const internal::EncodedFrame& sent = compressed ? *compressed : message.encoded_frame();
    std::string frame(wire::frame_bytes(wire::Role::kClient, sent.payload().size()), '\0');
    wire::write_frame(wire::Role::kClient, sent, frame.data());
    send(frame);
}

void WebSocketPeer::send_frame(wire::Opcode opcode, std::string_view payload) {
    std::string frame;
    wire::append_frame(wire::Role::kClient, opcode, payload, frame);
    send(frame);
}

void WebSocketPeer::close_with(std::uint16_t code, std::string_view reason) {
    send(protocol_.close(code, reason).view());
}

Message WebSocketPeer::recv() {
    harness().run_until([this] { return !inbox_.empty() || close_info_ || is_over(); }, "a message");
    if (inbox_.empty()) {
        throw NothingCame{"a message: the WebSocket is closed with " +
                          std::to_string(close_info_.value_or(CloseInfo{}).code)};
    }
    Message message = std::move(inbox_.front());
    inbox_.pop_front();
    return message;
}

const CloseInfo& WebSocketPeer::wait_for_close() {
    harness().run_until([this] { return close_info_ || is_over(); }, "the close of a WebSocket");
    if (!close_info_) {
        close_info_.emplace();  // the connection was lost
    }
    return *close_info_;
}

void WebSocketPeer::on_bytes() {
    if (!answer_) {
        drop(parser_.receive(received()));
        if (parser_.state() != wire::ResponseParser::State::kComplete) {
            return;
        }
        answer_ = std::move(parser_.response());
        const auto result = wire::check(request_, *answer_);
        if (const auto* agreed = std::get_if<wire::Agreed>(&result)) {
            agreed_ = true;
            subprotocol_ = agreed->subprotocol;
            if (agreed->deflate) {
                protocol_.use(std::make_unique<wire::PermessageDeflate>(
                    wire::Role::kClient, *agreed->deflate, compress_from_, LoopServices::of(harness().loop()).deflate));
            }
        }
    }
    if (agreed_) {
        std::string bytes = received();
        drop(bytes.size());
        protocol_.receive(bytes, *this);
    }
}

void WebSocketPeer::on_message(Message message) { inbox_.push_back(std::move(message)); }

void WebSocketPeer::on_pong(std::string_view payload) { pongs_.emplace_back(payload); }

void WebSocketPeer::on_reply(std::string_view frame) {
    constexpr unsigned char kPongByte = 0x8A;
    if (static_cast<unsigned char>(frame.front()) == kPongByte) {
        ++pings_;
    }
    if (answers_) {
        send(frame);
    }
}

void WebSocketPeer::on_close(const CloseInfo& info, wire::Violation /*violation*/) { close_info_ = info; }

}  // namespace c10k::testkit
