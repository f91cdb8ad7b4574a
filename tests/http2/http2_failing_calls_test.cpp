// A connection on which each call of the network fails once, and networks that do all that networks do.

#include "fixture.hpp"

namespace c10k {
namespace {

class Http2Failing : public Http2Test {
protected:
    // Our owner of a stream: echoes, and closes it when it is over.
    struct Echo {
        std::unique_ptr<StreamNotes> notes;
        bool is_closed = false;
    };

    // A server that echoes for a client, until the client has had all of it or the connection is lost. Returns whether
    // the client had all.
    bool serve_once() {
        ConnectionNotes our_owner;
        std::deque<Echo> echoes;
        our_owner.on_open = [&](SocketId id, const Http2Head&) {
            backend->respond(id, 200, {}, Http2Body::kFollows);
            Echo& echo = echoes.emplace_back(Echo{std::make_unique<StreamNotes>(*backend, id)});
            echo.notes->then = [this, &echo] { answer(echo); };
            echo.notes->receive();
        };
        NgPeer client(*backend, wire::Role::kClient);
        client.take(backend->connect(backend->local_address(listener())));
        run();
        backend->speak_http2(accepted, wire::Role::kServer, options, our_owner);
        const std::string text(40'000, 'x');
        std::vector<std::int32_t> ids;
        for (int i = 0; i < 3; ++i) {
            ids.push_back(client.request(kPost, Http2Body::kFollows));
            client.send(ids.back(), text);
            client.finish(ids.back());
        }
        run();
        bool had_all = true;
        for (const std::int32_t id : ids) {
            had_all = had_all && client.streams[id].received == text && client.streams[id].has_ended;
        }
        backend->finish(accepted);
        run();
        backend->close(client.id());
        run();
        EXPECT_TRUE(our_owner.ending) << "its owner hears of the end";
        for (const Echo& echo : echoes) {
            EXPECT_TRUE(echo.is_closed) << "each owner hears of the end";
            EXPECT_LE(echo.notes->failures.size(), 1U);
        }
        EXPECT_EQ(backend->streams(accepted), 0U);
        backend->close(accepted);
        run();
        return had_all;
    }

private:
    void answer(Echo& echo) {
        StreamNotes& notes = *echo.notes;
        if (echo.is_closed) {
            ADD_FAILURE() << "an event after the close";
        } else if (!notes.failures.empty()) {
            echo.is_closed = true;
            notes.close();
        } else if (notes.ends == 1 && !notes.received.empty()) {
            const std::string all = std::exchange(notes.received, {});
            notes.send(all);
            notes.finish();
        }
        if (!echo.is_closed && notes.ends == 1 && notes.received.empty() && notes.unsent() == 0) {
            echo.is_closed = true;
            notes.close();
        }
    }
};

TEST_F(Http2Failing, EachCallThatFailsEndsOneConnectionAndNothingElse) {
    EXPECT_TRUE(serve_once());
    std::size_t calls = 0;
    for (;; ++calls) {
        SCOPED_TRACE(calls);
        const std::size_t sockets = network.count();
        network.injector().fail_call_after(calls);
        const bool had_all = serve_once();
        EXPECT_EQ(network.count(), sockets);
        if (!network.injector().has_failed_call() || HasFailure()) {
            EXPECT_TRUE(had_all);
            break;
        }
    }
    EXPECT_GT(calls, 5U);
    network.injector().fail_call_after(SIZE_MAX - 1);
    EXPECT_TRUE(serve_once());
}

}  // namespace
}  // namespace c10k
