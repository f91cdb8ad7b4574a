#pragma once

#include "c10k/compression.hpp"
#include "c10k/http.hpp"
#include "c10k/message.hpp"
#include "testkit/harness.hpp"
#include "wire/handshake.hpp"
#include "wire/protocol.hpp"
#include "wire/response_parser.hpp"

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::testkit {

// The other end of a connection. It sends any bytes that a test likes.
class Peer : private SocketEvents {
public:
    // Connects to the server of the harness.
    explicit Peer(Harness& harness);
    virtual ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // Queues bytes; they go out as fast as the network takes them.
    void send(std::string_view bytes);
    // Sends FIN after everything queued.
    void shutdown_write();
    void stop_receiving();
    void start_receiving();
    // From now on it does not close when the server has.
    void stay() noexcept { stays_ = true; }
    // Closes the socket. If there are unread bytes, that is a reset.
    void close();

    // Bytes that have come and that the test has not taken.
    [[nodiscard]] const std::string& received() const noexcept { return received_; }
    // Waits for so many bytes and takes them.
    std::string take(std::size_t size);
    // Waits for a response and takes it. That to HEAD has no body.
    Response take_response(std::string_view method = "GET");
    // Waits until the other side has ended the connection, by FIN or by a reset.
    void wait_for_end();
    // How much has come in all, in bytes.
    [[nodiscard]] std::size_t received_in_all() const noexcept { return received_in_all_; }
    // How many bytes the network has not taken.
    [[nodiscard]] std::size_t unsent() const noexcept { return unsent_.size() + sending_.size(); }
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    // Whether nothing more can come, whichever side has ended the connection.
    [[nodiscard]] bool is_over() const noexcept { return ended_ || failed_ || !open_; }

    [[nodiscard]] Harness& harness() const noexcept { return harness_; }
    [[nodiscard]] SocketId socket() const noexcept { return socket_; }

protected:
    // Bytes were added to received().
    virtual void on_bytes() {}
    // Nothing more can come.
    virtual void on_over() {}
    // The first bytes of received() are done with.
    void drop(std::size_t size) { received_.erase(0, size); }

private:
    std::string take_chunks();
    void on_connected() override;
    void on_received(std::span<char> bytes) override;
    void on_end() override;
    void on_sent(std::size_t bytes) override;
    void on_failed(std::error_code error) override;
    void send_more();

    Harness& harness_;
    SocketId socket_;
    std::string unsent_;
    std::string sending_;
    std::string received_;
    std::size_t received_in_all_ = 0;
    bool open_ = true;
    bool connected_ = false;
    bool finishing_ = false;
    bool stays_ = false;
    bool ended_ = false;
    bool failed_ = false;
};

// A WebSocket client that can also misbehave.
class WebSocketPeer final : public Peer, private wire::Protocol::Events {
public:
    // Sends the handshake but does not wait for its answer. `early` goes out together with it.
    WebSocketPeer(Harness& harness, std::string_view target, Headers headers = {},
                  std::vector<std::string> subprotocols = {}, std::string_view early = {},
                  const Compression& compression = Compression::kOff);

    // Waits for the answer to the handshake. A status other than 101 is an answer too, with its body.
    const Response& answer();
    [[nodiscard]] bool is_open() const noexcept { return agreed_ && !close_info_ && !is_over(); }
    [[nodiscard]] const std::string& subprotocol() const noexcept { return subprotocol_; }
    [[nodiscard]] bool is_compressed() const noexcept { return protocol_.deflate() != nullptr; }

    // Compresses it if that was agreed on.
    void send_message(const Message& message);
    // Sends a frame of any kind.
    void send_frame(wire::Opcode opcode, std::string_view payload = {});
    void close_with(std::uint16_t code, std::string_view reason = {});

    // Waits for a message. Throws NothingCame.
    Message recv();
    // How many messages came and were not taken.
    [[nodiscard]] std::size_t waiting() const noexcept { return inbox_.size(); }
    // Waits for the end of the WebSocket, however it comes.
    const CloseInfo& wait_for_close();
    // Whether to answer pings and close frames. Requires: the handshake has been answered.
    void answer_nothing() noexcept { answers_ = false; }
    // How many pings came, and the payloads of the pongs.
    [[nodiscard]] std::size_t pings() const noexcept { return pings_; }
    [[nodiscard]] const std::vector<std::string>& pongs() const noexcept { return pongs_; }

private:
    void on_bytes() override;
    void on_message(Message message) override;
    void on_pong(std::string_view payload) override;
    void on_reply(std::string_view frame) override;
    void on_close(const CloseInfo& info, wire::Violation violation) override;

    std::uint32_t compress_from_;
    wire::HandshakeRequest request_;
    wire::ResponseParser parser_;
    std::optional<Response> answer_;
    std::string subprotocol_;
    wire::Protocol protocol_{wire::Role::kClient};
    std::deque<Message> inbox_;
    std::optional<CloseInfo> close_info_;
    std::size_t pings_ = 0;
    std::vector<std::string> pongs_;
    bool agreed_ = false;
    bool answers_ = true;
};

}  // namespace c10k::testkit
