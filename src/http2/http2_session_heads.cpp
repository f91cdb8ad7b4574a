// The heads that a session reads: HEADERS and CONTINUATION, and the stream or the answer that comes of them (RFC 9113,
// 8).

#include "http2/http2_session.hpp"

#include <utility>

namespace c10k {

using wire::Http2Body;
using wire::Http2Error;
using wire::Http2FrameHeader;
using wire::Http2Head;
using wire::Http2HeadReader;
namespace flag = wire::http2_flag;

namespace {

// Control frames that a stream may need beside those for its data: a head, its end, a window.
constexpr std::int64_t kFramesOfAStream = 4;
constexpr int kHeadTooLarge = 431;

}  // namespace

bool Http2Session::receive_headers(const Http2FrameHeader& header, std::string_view payload) {
    std::size_t padding = 0;
    if (header.has(flag::kPadded)) {
        if (payload.empty()) {
            return fail(Http2Error::kFrameSizeError, "a padded frame without the length of its padding");
        }
        padding = static_cast<std::uint8_t>(payload.front());
        payload.remove_prefix(1);
    }
    bool depends_on_itself = false;
    if (header.has(flag::kPriority)) {
        if (payload.size() < kPriorityBytes) {
            return fail(Http2Error::kFrameSizeError, "a HEADERS frame without its priority");
        }
        depends_on_itself = (wire::read_u32(payload.data()) & wire::kHttp2MaxStreamId) == header.stream;
        payload.remove_prefix(kPriorityBytes);
    }
    if (padding > payload.size()) {
        return fail(Http2Error::kProtocolError, "padding longer than its frame");
    }
    payload.remove_suffix(padding);

    const auto use = use_of_head(header);
    if (!use) {
        return false;
    }
    const auto kind = *use == Block::Use::kRequest    ? Http2HeadReader::Kind::kRequest
                      : *use == Block::Use::kResponse ? Http2HeadReader::Kind::kResponse
                                                      : Http2HeadReader::Kind::kTrailers;
    const Http2HeadReader::Limits limits{.max_bytes = options_.max_head_bytes,
                                         .max_fields = options_.max_header_fields,
                                         .allows_protocol = options_.websockets};
    block_.emplace(Block{.stream = header.stream,
                         .use = *use,
                         .ends_stream = header.has(flag::kEndStream),
                         .depends_on_itself = depends_on_itself,
                         .reader = Http2HeadReader{kind, limits}});
    return receive_fragment(header, payload);
}

std::optional<Http2Session::Block::Use> Http2Session::use_of_head(const Http2FrameHeader& header) {
    const std::uint32_t id = header.stream;
    const bool is_by_client = id % 2 == 1;
    if (!is_by_client || (is_ours(id) && is_idle(id))) {  // there is no push
        fail(Http2Error::kProtocolError, "HEADERS on a stream that its sender may not open");
        return std::nullopt;
    }
    if (Http2Stream* const stream = ids_.find(id)) {
        if (has_failed(stream->state)) {
            return use_of_head_on_closed(
                id, stream->error == Http2StreamError::kBroken ? Closed::How::kResetByUs : Closed::How::kResetByPeer);
        }
        if (stream->state == Http2StreamState::kDone) {
            return use_of_head_on_closed(id, Closed::How::kDone);
        }
        if (!can_receive(stream->state)) {
            return break_stream(ids_.found(), Http2Error::kStreamClosed) ? std::optional{Block::Use::kIgnored}
                                                                         : std::nullopt;
        }
        return stream->is_client && !stream->is_answered ? Block::Use::kResponse : Block::Use::kTrailers;
    }
    if (!is_idle(id)) {
        return use_of_head_on_closed(id, how_closed(id));
    }
    last_peer_id_ = id;
    control_frames_.add(kFramesOfAStream);
    if (state_ == Http2SessionState::kFinishing) {  // the peer knows that we do not look at it (RFC 9113, 6.8)
        record_closed(id, Closed::How::kResetByUs);
        return Block::Use::kIgnored;
    }
    return is_full() ? Block::Use::kRefused : Block::Use::kRequest;
}

// RFC 9113, 5.1. The head has to be decoded all the same, unless the connection ends.
std::optional<Http2Session::Block::Use> Http2Session::use_of_head_on_closed(std::uint32_t id, Closed::How how) {
    if (how == Closed::How::kResetByUs) {
        return Block::Use::kIgnored;
    }
    if (how == Closed::How::kResetByPeer) {
        return reject_stream(id, Http2Error::kStreamClosed) ? std::optional{Block::Use::kIgnored} : std::nullopt;
    }
    fail(how == Closed::How::kDone ? Http2Error::kStreamClosed : Http2Error::kProtocolError,
         "HEADERS on a stream that is closed");
    return std::nullopt;
}

// Streams that the peer has broken off count until their views have ended, or breaking off would be a way to have any
// number of them: those as often again.
bool Http2Session::is_full() const noexcept {
    return ids_.size() - failed_ >= options_.max_streams || ids_.size() >= 2 * std::size_t{options_.max_streams};
}

bool Http2Session::receive_fragment(const Http2FrameHeader& header, std::string_view fragment) {
    if (block_->fragments.size() + fragment.size() > options_.max_head_bytes + wire::kHttp2MaxPayload) {
        owner_.on_limit(Limit::kMaxHeadBytes);
        return reads() && fail(Http2Error::kEnhanceYourCalm, "a head far beyond max_head_bytes");
    }
    const bool is_last = header.has(flag::kEndHeaders);
    if (!is_last || !block_->fragments.empty()) {
        block_->fragments += fragment;
    }
    if (!is_last) {
        return true;
    }
    if (!decoder_.decode(block_->fragments.empty() ? fragment : block_->fragments, block_->reader)) {
        return fail(Http2Error::kCompressionError, "a head that HPACK cannot read");
    }
    return end_block();
}

bool Http2Session::end_block() {
    Block block = std::move(*block_);
    block_.reset();
    if (block.use == Block::Use::kIgnored) {
        return true;
    }
    if (block.use == Block::Use::kRefused) {
        owner_.on_limit(Limit::kMaxStreams);
        return reads() && reject_stream(block.stream, Http2Error::kRefusedStream);
    }
    const Http2HeadReader::State state = block.reader.finish();
    if (block.use == Block::Use::kRequest) {
        return end_request(block, state);
    }
    Http2Stream* const stream = ids_.find(block.stream);
    if (stream == nullptr || has_failed(stream->state)) {
        return true;  // its owner has closed it between two frames
    }
    const std::uint32_t slot = ids_.found();
    if (state != Http2HeadReader::State::kGood || block.depends_on_itself) {
        return break_stream(slot, Http2Error::kProtocolError);
    }
    if (block.use == Block::Use::kResponse) {
        return end_response(slot, block);
    }
    // Trailers: nobody reads them, but they end the stream (RFC 9113, 8.1).
    return block.ends_stream ? end_by_peer(slot) : break_stream(slot, Http2Error::kProtocolError);
}

bool Http2Session::end_request(Block& block, Http2HeadReader::State state) {
    using State = Http2HeadReader::State;
    if (state == State::kTooLarge || state == State::kTooManyFields) {
        owner_.on_limit(state == State::kTooLarge ? Limit::kMaxHeadBytes : Limit::kMaxHeaderFields);
        if (!reads() || !spend_reset()) {
            return false;
        }
        send_block(block.stream, encoder_.encode(kHeadTooLarge, {}), Http2Body::kNone);
        record_closed(block.stream, block.ends_stream ? Closed::How::kDone : Closed::How::kResetByUs);
        if (!block.ends_stream) {
            send_reset(block.stream, Http2Error::kNoError);
        }
        return true;
    }
    Http2Head& head = block.reader.head();
    const std::uint64_t length = head.content_length.value_or(0);
    if (state != State::kGood || block.depends_on_itself || (block.ends_stream && length > 0)) {
        return reject_stream(block.stream, Http2Error::kProtocolError);
    }
    ids_.reserve_one();
    const SocketId socket = services_.streams.add(tcp_.slot, block.stream);
    Http2Stream& stream = services_.streams.at(socket.slot);
    stream.send_window = peer_.stream_window;
    ids_.add(socket.slot);
    if (block.ends_stream) {
        advance(socket.slot, Http2StreamEvent::kPeerEnd);
    } else if (head.content_length) {
        missing_bytes_.emplace(socket.slot, length);
    }
    owner_.on_stream(socket, std::move(head), block.ends_stream ? Http2Body::kNone : Http2Body::kFollows);
    return reads();
}

bool Http2Session::end_response(std::uint32_t slot, Block& block) {
    constexpr int kFirstFinal = 200;
    Http2Head& head = block.reader.head();
    if (head.status < kFirstFinal) {  // it says nothing that anybody here waits for
        return !block.ends_stream ? spend_control() : break_stream(slot, Http2Error::kProtocolError);
    }
    const SocketId socket = services_.streams.id_of(slot);
    Http2Stream& stream = services_.streams.at(slot);
    stream.is_answered = true;
    if (head.content_length && !block.ends_stream) {
        missing_bytes_.emplace(slot, *head.content_length);
    }
    static_cast<Http2StreamEvents*>(stream.events)
        ->on_head(std::move(head), block.ends_stream ? Http2Body::kNone : Http2Body::kFollows);
    const Http2Stream* const left = services_.streams.find(socket);
    return reads() && (!block.ends_stream || left == nullptr || has_failed(left->state) || end_by_peer(slot));
}

}  // namespace c10k
