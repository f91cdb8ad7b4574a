// One HTTP/2 connection, with the whole of nghttp2 as its peer.

#include "fixture.hpp"

namespace c10k {
namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 7919 >> 8);
    }
    return text;
}

class Http2Session_ : public Http2Test {};

TEST_F(Http2Session_, AnswersRequestsAndCarriesWebSocketsToAnIndependentClient) {
    NgPeer client(*backend, wire::Role::kClient);
    serve(client);
    client.pump();
    run();
    EXPECT_TRUE(client.wants_connect());
    const auto page = client.request(kGet);
    const auto socket = client.request(kWebSocket, Http2Body::kFollows);
    run();
    ASSERT_EQ(owner.streams.size(), 2U);
    EXPECT_EQ(owner.streams[0].head.method, "GET");
    EXPECT_EQ(owner.streams[0].head.path, "/");
    EXPECT_EQ(owner.streams[0].head.authority, "localhost");
    EXPECT_EQ(owner.streams[0].body, Http2Body::kNone);
    EXPECT_TRUE(owner.streams[1].head.is_websocket());
    EXPECT_EQ(owner.streams[1].body, Http2Body::kFollows);

    backend->respond(stream(0).id(), 200, {{"Content-Type", "text/plain"}, {"Connection", "close"}},
                     Http2Body::kFollows);
    stream(0).send("Hello");
    stream(0).finish();
    backend->respond(stream(1).id(), 200, {}, Http2Body::kFollows);
    stream(1).receive();
    run();
    EXPECT_EQ(client.streams[page].fields, (Fields{{":status", "200"}, {"content-type", "text/plain"}}));
    EXPECT_EQ(client.streams[page].received, "Hello");
    EXPECT_EQ(client.streams[page].closed_with, NGHTTP2_NO_ERROR);

    client.send(socket, "ping");
    run();
    EXPECT_EQ(stream(1).received, "ping");
    stream(1).send("pong");
    run();
    EXPECT_EQ(client.streams[socket].received, "pong");
    client.finish(socket);
    run();
    EXPECT_EQ(stream(1).ends, 1);
    EXPECT_FALSE(client.streams[socket].has_ended);
    stream(1).finish();
    stream(1).close();
    run();
    EXPECT_EQ(client.streams[socket].closed_with, NGHTTP2_NO_ERROR);
    EXPECT_TRUE(owner.limits.empty());
}

TEST_F(Http2Session_, ResetsAStreamThatIsClosedBeforeItsAnswer) {
    NgPeer client(*backend, wire::Role::kClient);
    serve(client);
    client.pump();
    const auto page = client.request(kGet);
    run();
    stream(0).finish();  // END_STREAM would be DATA before the head of the answer
    stream(0).close();
    run();
    EXPECT_EQ(client.streams[page].closed_with, NGHTTP2_CANCEL);
}

TEST_F(Http2Session_, SendsASmallBodyWithItsHeadAndEndsTheStreamInOneFrame) {
    NgPeer client(*backend, wire::Role::kClient, 100);
    serve(client);
    const auto small = client.request(kGet);
    const auto large = client.request(kGet);
    run();
    ASSERT_EQ(owner.streams.size(), 2U);
    EXPECT_TRUE(backend->respond_whole(stream(0).id(), 200, {}, "Hello"));
    stream(0).close();
    const std::string beyond_the_window(101, 'x');
    EXPECT_FALSE(backend->respond_whole(stream(1).id(), 200, {}, beyond_the_window));
    run();
    EXPECT_EQ(client.streams[small].received, "Hello");
    EXPECT_EQ(client.streams[small].data_frames, 1);
    EXPECT_EQ(client.streams[small].closed_with, NGHTTP2_NO_ERROR);
    EXPECT_EQ(client.streams[large].fields, (Fields{{":status", "200"}}));
    EXPECT_EQ(client.streams[large].data_frames, 0);
    stream(1).send(beyond_the_window);
    stream(1).finish();
    run();
    EXPECT_EQ(client.streams[large].received, beyond_the_window);
    EXPECT_EQ(client.streams[large].closed_with, NGHTTP2_NO_ERROR);
}

TEST_F(Http2Session_, SendsAWholeBodyOnlyBehindTheStreamsThatWait) {
    NgPeer client(*backend, wire::Role::kClient, 1U << 20U);
    serve(client);
    client.set_window(1 << 20);
    const auto first = client.request(kGet);
    const auto second = client.request(kGet);
    run();
    ASSERT_EQ(owner.streams.size(), 2U);
    network.faults().late_answer = 1.0;    // the network takes the first bytes, and has not said so when more come
    const std::string much(400'000, 'x');  // the buffer has no room for its next frame, but for a small one
    backend->respond(stream(0).id(), 200, {}, Http2Body::kFollows);
    stream(0).send(much);
    stream(0).finish();
    EXPECT_GT(stream(0).unsent(), 0U);
    EXPECT_FALSE(backend->respond_whole(stream(1).id(), 200, {}, "Hello"));
    stream(1).send("Hello");
    stream(1).finish();
    run();
    EXPECT_EQ(client.streams[first].received.size(), much.size());
    EXPECT_EQ(client.streams[second].received, "Hello");
}

TEST_F(Http2Session_, CarriesMuchBothWaysThroughAnyNetworkAndAnyWindow) {
    for (const std::uint32_t window : {std::uint32_t{100}, std::uint32_t{65'535}, std::uint32_t{1U << 20U}}) {
        for (const std::size_t cut : {std::size_t{7}, std::size_t{1000}, SIZE_MAX}) {
            for (const bool later : {false, true}) {
                SCOPED_TRACE(std::to_string(window) + ' ' + std::to_string(cut));
                network.faults() = {
                    .late_answer = later ? 1.0 : 0.0, .read_bytes = cut, .write_bytes = cut, .kernel_bytes = 100'000};
                options.stream_window_bytes = window;
                ConnectionNotes our_owner;
                std::vector<std::unique_ptr<StreamNotes>> ours;
                our_owner.on_open = [&](SocketId id, const Http2Head&) {
                    backend->respond(id, 200, {}, Http2Body::kFollows);
                    ours.push_back(std::make_unique<StreamNotes>(*backend, id));
                    ours.back()->receive();
                };
                NgPeer client(*backend, wire::Role::kClient, window);
                client.take(backend->connect(backend->local_address(listener())));
                run();
                backend->speak_http2(accepted, wire::Role::kServer, options, our_owner);
                const std::string text = pattern(window < 1000 || cut < 100 ? 20'000 : 300'000);
                std::vector<std::int32_t> theirs;
                for (int i = 0; i < 3; ++i) {
                    theirs.push_back(client.request(kPost, Http2Body::kFollows));
                    client.send(theirs.back(), text);
                    client.finish(theirs.back());
                }
                run();
                ASSERT_EQ(ours.size(), 3U) << (our_owner.ending ? our_owner.ending->reason : "");
                for (const auto& one : ours) {
                    ASSERT_TRUE(one->received == text) << one->received.size();
                    EXPECT_EQ(one->ends, 1);
                    one->send(text);
                    one->finish();
                }
                run();
                for (const std::int32_t id : theirs) {
                    ASSERT_TRUE(client.streams[id].received == text) << client.streams[id].received.size();
                    EXPECT_EQ(client.streams[id].closed_with, NGHTTP2_NO_ERROR);
                }
                for (const auto& one : ours) {
                    one->close();
                }
                EXPECT_EQ(backend->streams(accepted), 0U);
                EXPECT_TRUE(our_owner.limits.empty());
                backend->close(accepted);
                backend->close(client.id());
                run();
            }
        }
    }
}

TEST_F(Http2Session_, OpensStreamsOnAnIndependentServer) {
    NgPeer server(*backend, wire::Role::kServer);
    dial(server);
    server.pump();
    run();
    ASSERT_EQ(owner.readies, 1);
    EXPECT_TRUE(backend->allows_websockets(connection));
    EXPECT_GE(backend->free_streams(connection), 100U);
    StreamNotes page;
    StreamNotes socket;
    page.set_id(*backend,
                backend->open(connection, {.method = "GET", .scheme = "http", .authority = "localhost", .path = "/"},
                              Http2Body::kNone, page));
    socket.set_id(*backend, backend->open(connection,
                                          {.method = "CONNECT",
                                           .scheme = "http",
                                           .authority = "localhost",
                                           .path = "/chat",
                                           .protocol = "websocket",
                                           .headers = {{"Sec-WebSocket-Version", "13"}}},
                                          Http2Body::kFollows, socket));
    page.receive();
    socket.receive();
    run();
    EXPECT_EQ(server.streams[1].fields.at(0), (std::pair<std::string, std::string>{":method", "GET"}));
    EXPECT_TRUE(server.streams[1].has_ended);
    EXPECT_EQ(server.streams[3].fields.back(), (std::pair<std::string, std::string>{"sec-websocket-version", "13"}));
    server.respond(1, {{":status", "404"}, {"content-length", "4"}});
    server.send(1, "gone");
    server.finish(1);
    server.respond(3, {{":status", "200"}});
    server.send(3, "hello");
    run();
    ASSERT_TRUE(page.head);
    EXPECT_EQ(page.head->status, 404);
    EXPECT_EQ(page.received, "gone");
    EXPECT_EQ(page.ends, 1);
    EXPECT_EQ(socket.head->status, 200);
    EXPECT_EQ(socket.received, "hello");
    socket.send("to the server");
    run();
    EXPECT_EQ(server.streams[3].received, "to the server");
    server.reset(3, Http2Error::kCancel);
    run();
    ASSERT_EQ(socket.failures.size(), 1U);
    EXPECT_EQ(socket.failures[0], Http2StreamError::kReset);
    page.close();
    socket.close();
    EXPECT_EQ(backend->streams(connection), 0U);
}

}  // namespace
}  // namespace c10k
