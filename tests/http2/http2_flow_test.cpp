// Flow control, and what many streams of one connection cost each other.

#include "fixture.hpp"

namespace c10k {
namespace {

namespace flag = wire::http2_flag;
using Type = Http2FrameType;

class Http2Flow : public Http2Test {
protected:
    // A server with so many WebSockets, whose client says these settings.
    void begin(std::size_t count, std::string_view settings = {}) {
        client.emplace(*backend);
        serve(*client);
        client->begin(settings);
        for (std::uint32_t i = 0; i < count; ++i) {
            client->request(2 * i + 1, kWebSocket, 0);
        }
        run();
        ASSERT_EQ(owner.streams.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            backend->respond(stream(i).id(), 200, {}, Http2Body::kFollows);
            stream(i).receive();
        }
        run();
        client->frames.clear();
        client->reads = 0;
    }

    std::optional<RawPeer> client;
};

TEST_F(Http2Flow, OneSendCarriesTheFramesOfAllStreamsOfATurn) {
    begin(100);
    for (std::size_t i = 0; i < 100; ++i) {
        stream(i).send("sixteen bytes ..");
    }
    run();
    EXPECT_EQ(client->all(Type::kData).size(), 100U);
    EXPECT_EQ(client->reads, 1);
}

TEST_F(Http2Flow, WindowsAreGivenBackInHalvesAndOnlyWhenBytesAreTaken) {
    begin(2);
    for (int i = 0; i < 4; ++i) {
        client->data(1, std::string(8000, 'x'));
    }
    run();
    EXPECT_TRUE(client->all(Type::kWindowUpdate).empty());
    client->data(1, std::string(8000, 'x'));
    run();
    ASSERT_EQ(client->all(Type::kWindowUpdate).size(), 1U);
    EXPECT_EQ(client->all(Type::kWindowUpdate)[0].header.stream, 1U);
    const std::uint32_t given_back = wire::read_u32(client->all(Type::kWindowUpdate)[0].payload.data());
    EXPECT_GE(given_back, 65'535U / 2);
    EXPECT_LE(given_back, 40'000U);

    stream(1).pause();
    for (int i = 0; i < 8; ++i) {
        client->data(3, std::string(8000, 'y'));
    }
    run();
    EXPECT_EQ(client->all(Type::kWindowUpdate).size(), 1U);
    EXPECT_EQ(stream(1).received, "");
    stream(1).receive();
    run();
    EXPECT_EQ(stream(1).received, std::string(64'000, 'y'));
    EXPECT_EQ(client->all(Type::kWindowUpdate).size(), 2U);
}

TEST_F(Http2Flow, PaddingIsGivenBackThoughNobodyReadsIt) {
    begin(1);
    for (int i = 0; i < 200; ++i) {
        client->write(frame(Type::kData, flag::kPadded, 1, '\xff' + std::string(255, '\0')));
    }
    run();
    EXPECT_GT(client->all(Type::kWindowUpdate).size(), 0U);
    EXPECT_EQ(stream(0).received, "");
    EXPECT_FALSE(client->goaway());
}

TEST_F(Http2Flow, AStreamWithoutWindowWaitsAndDoesNotStopItsNeighbour) {
    begin(2, setting(4, 10));
    stream(0).send("twelve bytes");
    stream(1).send("short");
    run();
    EXPECT_EQ(client->data_of(1), "twelve byt");
    EXPECT_EQ(client->data_of(3), "short");
    client->write(frame(Type::kWindowUpdate, 0, 1, u32(1)));
    run();
    EXPECT_EQ(client->data_of(1), "twelve byte");
    client->write(frame(Type::kSettings, 0, 0, setting(4, 11)));
    run();
    EXPECT_EQ(client->data_of(1), "twelve bytes");
    EXPECT_EQ(stream(0).unsent(), 0U);
}

TEST_F(Http2Flow, AStreamThatIsResetInItsTurnIsNotToldOfRoom) {
    begin(1, setting(4, 10));
    stream(0).send("twelve bytes");
    stream(0).then = [&] { stream(0).receive(); };  // which looks for news
    run();
    client->write(frame(Type::kWindowUpdate, 0, 1, u32(1)) + frame(Type::kRstStream, 0, 1, u32(8)));
    run();
    EXPECT_EQ(stream(0).failures.size(), 1U);
    EXPECT_EQ(client->data_of(1), "twelve byt");
}

TEST_F(Http2Flow, AWindowMayBecomeNegativeAndIsRespectedThen) {  // RFC 9113, 6.9.2
    begin(1, setting(4, 10));
    stream(0).send("1234567890abc");
    run();
    client->write(frame(Type::kSettings, 0, 0, setting(4, 5)));
    client->write(frame(Type::kWindowUpdate, 0, 1, u32(5)));
    run();
    EXPECT_EQ(client->data_of(1), "1234567890");
    client->write(frame(Type::kWindowUpdate, 0, 1, u32(2)));
    run();
    EXPECT_EQ(client->data_of(1), "1234567890ab");
}

TEST_F(Http2Flow, StreamsThatFindNoRoomHaveTheirTurnsInOrder) {
    begin(4, setting(4, 1'000'000));
    for (std::size_t i = 0; i < 3; ++i) {
        stream(i).send(std::string(100'000, static_cast<char>('a' + i)));
    }
    run();  // the connection's window of 65,535 is used up
    client->frames.clear();
    client->write(frame(Type::kWindowUpdate, 0, 0, u32(16'384)));
    loop.turn(backend->now());
    stream(3).send("late");
    EXPECT_EQ(stream(3).unsent(), 4U) << "those that wait come first";
    run();
    for (int i = 0; i < 11; ++i) {
        client->write(frame(Type::kWindowUpdate, 0, 0, u32(16'384)));
        run();
    }
    std::map<std::uint32_t, std::size_t> sent;
    for (const auto& one : client->all(Type::kData)) {
        sent[one.header.stream] += one.payload.size();
    }
    EXPECT_EQ(sent.size(), 4U) << "each had a turn";
    EXPECT_LE(sent[1], 5 * 16'384U);
    EXPECT_GE(sent[5], 3 * 16'384U);
}

TEST_F(Http2Flow, ViewsThatDoNotReadFillTheConnectionsWindowAndNoMoreMemory) {
    options.connection_window_bytes = 100'000;
    begin(3);
    stream(0).pause();
    client->data(1, std::string(16'000, 'x'));
    client->data(1, std::string(16'000, 'x'));
    client->data(1, std::string(16'000, 'x'));
    client->data(1, std::string(16'000, 'x'));
    run();
    EXPECT_EQ(owner.limits, std::vector{Limit::kConnectionWindowBytes});
    for (int i = 0; i < 20; ++i) {  // what is left of the window serves the others
        client->data(i % 2 == 0 ? 3 : 5, std::string(8'000, 'y'));
        run();
    }
    EXPECT_FALSE(client->goaway());
    EXPECT_EQ(stream(1).received.size(), 80'000U);
    EXPECT_LT(backend->memory(connection), 100'000U);
}

TEST_F(Http2Flow, ASlowPeerIsBufferedToABound) {
    begin(50, setting(4, 1'000'000));
    client->write(frame(Type::kWindowUpdate, 0, 0, u32(100'000'000)));
    run();
    backend->stop_receiving(client->id());
    network.faults().kernel_bytes = 1000;
    for (std::size_t i = 0; i < 50; ++i) {
        stream(i).send(std::string(100'000, 'x'));
    }
    run();
    EXPECT_LT(backend->memory(connection), 700'000U);
    network.faults().kernel_bytes = 1'000'000;
    backend->start_receiving(client->id());
    run();
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_EQ(client->data_of(static_cast<std::uint32_t>(2 * i + 1)).size(), 100'000U) << i;
    }
}

TEST_F(Http2Flow, GoawayLetsStreamsEndAndNamesTheLastOne) {  // RFC 9113, 6.8
    begin(1);
    backend->finish(connection);
    client->request(3, kGet);  // it crosses the GOAWAY
    run();
    ASSERT_EQ(client->all(Type::kGoaway).size(), 1U);
    ASSERT_EQ(client->all(Type::kPing).size(), 1U);
    EXPECT_EQ(owner.streams.size(), 2U);
    client->write(frame(Type::kPing, flag::kAck, 0, client->all(Type::kPing)[0].payload));
    run();
    ASSERT_EQ(client->all(Type::kGoaway).size(), 2U);
    EXPECT_EQ(wire::read_u32(client->all(Type::kGoaway)[1].payload.data()), 3U);
    client->request(5, kPost, 0);
    client->data(5, "is not looked at");
    run();
    EXPECT_EQ(owner.streams.size(), 2U);
    EXPECT_FALSE(client->goaway());
    stream(0).close();
    stream(1).close();
    run();
    EXPECT_TRUE(client->has_ended);
    backend->close(client->id());
    run();
    ASSERT_TRUE(owner.ending);
    EXPECT_EQ(owner.ending->kind, Http2Ending::Kind::kFinished);
}

TEST_F(Http2Flow, StreamsThatAServerWillNotServeMayBeTriedAgain) {
    RawPeer server(*backend);
    server.is_client = false;
    dial(server);
    server.begin(setting(8, 1));
    run();
    StreamNotes first;
    StreamNotes second;
    const Http2Head get{.method = "GET", .scheme = "http", .authority = "localhost", .path = "/"};
    first.set_id(*backend, backend->open(connection, get, Http2Body::kNone, first));
    second.set_id(*backend, backend->open(connection, get, Http2Body::kNone, second));
    run();
    server.write(frame(Type::kGoaway, 0, 0, u32(1) + u32(0)));
    run();
    EXPECT_EQ(owner.goaways, 1);
    EXPECT_EQ(backend->free_streams(connection), 0U);
    EXPECT_TRUE(first.failures.empty());
    ASSERT_EQ(second.failures.size(), 1U);
    EXPECT_EQ(second.failures[0], Http2StreamError::kRefused);
    EXPECT_THROW(static_cast<void>(backend->open(connection, get, Http2Body::kNone, second)), std::logic_error);
}

TEST_F(Http2Flow, DataOfStreamsThatNobodyHasAttachedYetIsKept) {
    RawPeer uploads(*backend);
    serve(uploads);
    uploads.begin();
    uploads.request(1, kPost, 0);
    uploads.request(3, kPost, 0);
    run();
    uploads.write(frame(Type::kData, 0, 1, "one") + frame(Type::kData, 0, 3, "three"));
    run();
    stream(0).receive();
    stream(1).receive();
    run();
    EXPECT_EQ(stream(0).received, "one");
    EXPECT_EQ(stream(1).received, "three");
}

// RFC 9113, 8.1: a server that wants no more of a request says NO_ERROR behind the whole answer.
TEST_F(Http2Flow, AStreamWhoseAnswerIsWholeHearsOfRoomAlthoughItsConnectionHasEnded) {
    RawPeer server(*backend);
    server.is_client = false;
    dial(server);
    server.begin(setting(4, 10));
    run();
    StreamNotes upload;
    StreamNotes other;
    const Http2Head post{.method = "POST", .scheme = "http", .authority = "localhost", .path = "/form"};
    upload.set_id(*backend, backend->open(connection, post, Http2Body::kFollows, upload));
    other.set_id(*backend, backend->open(connection, post, Http2Body::kFollows, other));
    upload.receive();
    upload.send("twelve bytes");
    run();
    EXPECT_EQ(upload.unsent(), 2U);
    other.then = [&] { backend->close(connection); };
    const std::string answer = block({{":status", "413"}});
    server.write(frame(Type::kHeaders, flag::kEndHeaders | flag::kEndStream, 1, answer) +
                 frame(Type::kRstStream, 0, 1, u32(0)) + frame(Type::kHeaders, flag::kEndHeaders, 3, answer));
    run();
    EXPECT_EQ(upload.ends, 1);
    EXPECT_TRUE(upload.failures.empty());
    EXPECT_EQ(upload.unsent(), 0U) << "nobody wants the rest";
    EXPECT_EQ(other.failures.size(), 1U);
}

TEST_F(Http2Flow, ClosingAConnectionFailsItsStreamsInTheNextWait) {
    begin(3);
    backend->close(connection);
    EXPECT_TRUE(stream(0).failures.empty());
    run();
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_EQ(stream(i).failures.size(), 1U);
        EXPECT_EQ(stream(i).failures[0], Http2StreamError::kLost);
        stream(i).close();
    }
    EXPECT_FALSE(owner.ending) << "its owner has closed it, and hears nothing more";
}

}  // namespace
}  // namespace c10k
