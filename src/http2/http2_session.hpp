#pragma once

#include "c10k/http.hpp"
#include "c10k/timer.hpp"
#include "http2/http2_budget.hpp"
#include "http2/http2_events.hpp"
#include "http2/http2_sender.hpp"
#include "http2/http2_session_state.hpp"
#include "http2/http2_streams.hpp"
#include "loop/loop.hpp"
#include "wire/frame.hpp"
#include "wire/hpack.hpp"
#include "wire/http2_frame_reader.hpp"
#include "wire/http2_head.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

namespace c10k {

class Http2Session;

// The parts that the sessions of a loop share.
struct Http2Services {
    Loop& loop;
    Backend& inner;
    Http2Streams streams = {};
    Http2Buffers buffers = {};
    Http2Session* with_news = nullptr;  // a list: the next wait() delivers what their owners have to hear
    // Those whose received bytes have been read in part, first come, first served.
    Http2Session* first_unread = nullptr;
    Http2Session* last_unread = nullptr;
    std::size_t may_read = 0;  // bytes, in this turn
};

// One HTTP/2 connection, either side: reads its frames, keeps its streams, and guards both against its peer (RFC 9113).
//
// Events of a stream go to its owner out of the bytes that bring them; failures and what was kept wait for the next
// wait(). A session lives on until the wait() after its owner has closed it.
class Http2Session final : private SocketEvents, private wire::Http2FrameReader::Events, private Timer {
public:
    Http2Session(Http2Services& services, SocketId tcp, wire::Role role, const Http2Options& options,
                 Http2Events& owner);
    ~Http2Session();
    Http2Session(const Http2Session&) = delete;
    Http2Session& operator=(const Http2Session&) = delete;

    std::unique_ptr<Http2Session> next_closed;

    [[nodiscard]] SocketId tcp() const noexcept { return tcp_; }

    // ---- Calls of the connection's owner

    // Takes the socket's events, and says what is said first. The next wait() reads `early`.
    void start(std::span<const char> early);
    void finish();
    // Streams that there still are fail. Returns the bytes that the kernel may still read.
    [[nodiscard]] std::shared_ptr<const void> close();
    [[nodiscard]] bool allows_websockets() const noexcept { return peer_.allows_connect; }
    [[nodiscard]] std::size_t free_streams() const noexcept;
    [[nodiscard]] std::size_t streams() const noexcept { return ids_.size(); }
    [[nodiscard]] std::size_t memory() const noexcept;
    SocketId open(const wire::Http2Head& request, wire::Http2Body body, Http2StreamEvents& events);

    // ---- Calls of a stream's owner. Requires: the stream is one of this session.

    void respond(std::uint32_t slot, int status, const Headers& headers, wire::Http2Body body);
    // The same, and all of the body with END_STREAM if there is room for it. Returns whether there was.
    [[nodiscard]] bool respond_whole(std::uint32_t slot, int status, const Headers& headers, std::string_view body);
    [[nodiscard]] std::size_t send(std::uint32_t slot, std::span<const iovec> bytes) {
        const std::size_t taken = sender_.send(slot, bytes);
        control_frames_.add(taken > 0 ? kWindowUpdates : 0);
        return taken;
    }
    void shutdown_write(std::uint32_t slot);
    // The owner wants no more of it. Without an error, the code is CANCEL, or NO_ERROR if all of the answer is sent.
    void close_stream(std::uint32_t slot, std::optional<wire::Http2Error> error) noexcept;
    // It has bytes or an end for its owner, who receives.
    void deliver_held(std::uint32_t slot);
    void note_woken() { sender_.note_woken(); }

    // ---- News for the connection's owner

    void note_news() noexcept;
    void drop_news() noexcept;
    void deliver_news();

    // ---- Bytes that have come

    // Takes the first of those with unread bytes out of their list, and reads on, as far as it may in this turn.
    static void read_first(Http2Services& services);

private:
    // A head that is arriving, perhaps in many frames.
    struct Block {
        enum class Use : std::uint8_t { kRequest, kResponse, kTrailers, kRefused, kIgnored };

        std::uint32_t stream = 0;
        Use use = Use::kIgnored;
        bool ends_stream = false;
        bool depends_on_itself = false;  // which its priority may not (RFC 7540, 5.3.1)
        std::string fragments = {};      // of the compressed block, if it comes in many frames
        wire::Http2HeadReader reader;
    };
    // A stream that there was.
    struct Closed {
        enum class How : std::uint8_t { kUnknown, kDone, kResetByPeer, kResetByUs };

        std::uint32_t id = 0;
        How how = How::kUnknown;
    };
    struct Peer {
        std::uint32_t max_streams = UINT32_MAX;
        std::int32_t stream_window = wire::kHttp2InitialWindow;
        bool has_said_settings = false;
        bool has_acknowledged = false;  // ours
        bool allows_connect = false;
        bool says_goaway = false;
    };

    static constexpr std::int64_t kWindowUpdates = 2;  // the peer may give back each DATA frame, to both windows
    static constexpr std::size_t kPingBytes = 8;
    static constexpr std::size_t kPriorityBytes = 5;  // of a PRIORITY, and of a HEADERS that has one
    // Payloads of our PINGs: one asks whether the peer is there, the other one whether it has heard our GOAWAY.
    static constexpr std::string_view kAlivePing = "alive?  ";
    static constexpr std::string_view kLeavingPing = "leaving ";

    // ---- Events of the socket and the clock
    void on_received(std::span<char> bytes) override;
    void on_end() override;
    void on_sent(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void on_time() override;

    // ---- Frames
    bool on_frame_begin(const wire::Http2FrameHeader& header) override;
    bool on_data(std::span<char> piece, wire::Http2FrameReader& reader) override;
    bool on_frame(const wire::Http2FrameHeader& header, std::string_view payload) override;
    void on_bad_frame(wire::Http2Error error, std::string_view reason) override { fail(error, reason); }

    // Bytes that come behind others which have not been read wait for these.
    void keep_unread(std::span<const char> bytes);
    void queue_unread() noexcept;
    void drop_unread() noexcept;
    void read_on();
    // Reads as much as it may in this turn. Returns what is left.
    std::span<char> read(std::span<char> bytes);
    void read_frames(std::span<char> bytes);
    void prefetch_streams(std::span<const char> bytes);
    // The peer has ended the connection, or it is lost.
    void hear_end(std::error_code error);
    bool read_preface(std::span<char>& bytes);
    bool begin_data(const wire::Http2FrameHeader& header);
    bool receive_headers(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_fragment(const wire::Http2FrameHeader& header, std::string_view fragment);
    bool receive_priority(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_reset(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_settings(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_setting(wire::Http2Setting name, std::uint32_t value);
    bool receive_window_size(std::uint32_t value);
    bool receive_ping(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_goaway(const wire::Http2FrameHeader& header, std::string_view payload);
    bool receive_window_update(const wire::Http2FrameHeader& header, std::string_view payload);

    // ---- Heads
    // For which use the head on this stream is; empty if the connection has failed.
    [[nodiscard]] std::optional<Block::Use> use_of_head(const wire::Http2FrameHeader& header);
    [[nodiscard]] std::optional<Block::Use> use_of_head_on_closed(std::uint32_t id, Closed::How how);
    [[nodiscard]] bool is_full() const noexcept;
    bool end_block();
    bool end_request(Block& block, wire::Http2HeadReader::State state);
    bool end_response(std::uint32_t slot, Block& block);
    void send_block(std::uint32_t id, std::string_view block, wire::Http2Body body);

    // ---- Streams
    bool receive_data_on_closed(std::uint32_t id, Closed::How how);
    [[nodiscard]] bool count_body(std::uint32_t slot, std::size_t bytes);
    [[nodiscard]] bool is_idle(std::uint32_t id) const noexcept;
    [[nodiscard]] bool is_ours(std::uint32_t id) const noexcept {
        return (id % 2 == 1) == (role_ == wire::Role::kClient);
    }
    void advance(std::uint32_t slot, Http2StreamEvent event) noexcept;
    // The peer has sent END_STREAM. Returns whether the connection goes on.
    bool end_by_peer(std::uint32_t slot);
    bool hold(Http2Stream& stream, std::span<const char> bytes);
    void drop_held(Http2Stream& stream) noexcept;
    // The peer broke a rule on this stream. Returns whether the connection goes on.
    bool break_stream(std::uint32_t slot, wire::Http2Error error);
    bool reject_stream(std::uint32_t id, wire::Http2Error error);
    bool reject_frame(std::uint32_t id, wire::Http2Error error, std::string_view reason);
    void fail_stream(std::uint32_t slot, Http2StreamError error) noexcept;
    void record_closed(std::uint32_t id, Closed::How how) noexcept;
    [[nodiscard]] Closed::How how_closed(std::uint32_t id) const noexcept;

    // ---- Windows
    void give_back(Http2Stream& stream);
    void give_back();
    // Bytes of the DATA frame at hand that have not come.
    [[nodiscard]] std::uint32_t missing_data() const noexcept {
        return reader_.header().type == wire::Http2FrameType::kData ? reader_.missing() : 0;
    }
    [[nodiscard]] std::uint32_t stream_window() const noexcept;
    [[nodiscard]] std::uint32_t connection_window() const noexcept;

    // ---- The connection
    void send_settings();
    void send_reset(std::uint32_t id, wire::Http2Error error);
    void send_goaway(std::uint32_t last, wire::Http2Error error);
    void send_window_update(std::uint32_t id, std::uint32_t bytes);
    void send_ping(std::string_view payload);
    [[nodiscard]] bool spend(Http2Budget& budget, Limit limit, std::int64_t count, std::string_view reason);
    [[nodiscard]] bool spend_control(std::int64_t count = 1);
    [[nodiscard]] bool spend_reset();
    void advance(Http2SessionEvent event) noexcept;
    // The peer broke a rule: says so and ends. Returns false.
    bool fail(wire::Http2Error error, std::string_view reason);
    void fail_streams() noexcept;
    // The peer has heard of the end, or had its time.
    void note_left();
    void end_if_done();
    void end(const Http2Ending& ending) noexcept;
    void lose_memory() noexcept;
    void update_reading();
    void update_timer();
    [[nodiscard]] bool reads() const noexcept { return can_read(state_); }

    Http2Services& services_;
    SocketId tcp_;
    const Http2Options& options_;
    Http2Events& owner_;
    wire::Http2FrameReader reader_;
    Http2Sender sender_;
    wire::HpackDecoder decoder_;
    wire::HpackEncoder encoder_;
    Http2StreamIds ids_;
    std::optional<Block> block_;
    std::unordered_map<std::uint32_t, std::uint64_t> missing_bytes_;  // of bodies with a Content-Length, by slot
    std::vector<Closed> closed_;                                      // a ring of the last ones
    std::size_t next_closed_ = 0;
    Http2Budget resets_;
    Http2Budget control_frames_;
    Peer peer_;
    Http2Ending ending_;
    Http2Buffer unread_;
    std::optional<std::error_code> ended_behind_unread_;  // by the peer; without an error: FIN
    Http2Session* next_unread_ = nullptr;
    Http2Session* next_with_news_ = nullptr;
    SocketId data_stream_;            // of the DATA frame at hand; it may be gone
    std::uint32_t last_peer_id_ = 0;  // of the streams that it has opened
    std::uint32_t next_id_ = 1;       // of the next stream that we open
    std::uint32_t unreturned_ = 0;    // bytes of our window that the peer has used and not got back
    std::size_t failed_ = 0;          // streams whose owners have yet to close them
    std::uint32_t held_ = 0;          // of them, those that owners have not taken
    std::int64_t owed_since_ = 0;     // ms: the peer has begun a head, or has to say SETTINGS; 0: it owes nothing
    std::int64_t leaving_since_ = 0;  // ms: the peer has to say that it has heard of the end
    std::int64_t quiet_since_ = 0;    // ms: nothing has come since then, as of the last look
    std::uint8_t preface_left_ = 0;   // bytes of the client's preface that have not come
    wire::Role role_;
    Http2SessionState state_ = Http2SessionState::kOpen;
    bool has_heard_ = false;   // something, since the last look
    bool has_pinged_ = false;  // and has no answer
    bool has_news_ = false;
    bool is_paused_ = false;  // does not read: the peer does not take its answers
    bool window_struck_ = false;
    bool is_end_told_ = false;
};

}  // namespace c10k
