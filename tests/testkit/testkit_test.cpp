#include "c10k/testkit.hpp"

#include "c10k/groups.hpp"
#include "c10k/urls.hpp"
#include "web/folder.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace c10k {
namespace {

using namespace std::chrono_literals;

class Chat {
public:
    explicit Chat(Groups& groups) : groups_(groups) {}

    Urls urls() {
        return {
            path("", this, &Chat::index, "index"),
            path("form/", this, &Chat::form).methods({"POST"}),
            path("members/", this, &Chat::members),
            path("slow/", this, &Chat::slow),
            path("<slug:room>/", this, &Chat::room, "room").subprotocols({"chat.v1"}),
        };
    }

private:
    Response index(Request&) { return Response::text("rooms"); }
    Response form(Request& request) { return Response::text(std::string{request.form().get("text").value_or("none")}); }
    Task<> members(WebSocket& socket) {
        socket.refuse(403, "members only");
        co_return;
    }
    Task<> slow(WebSocket& socket) {
        co_await socket.send("soon");
        co_await sleep_for(5s);
        co_await socket.send("now");
    }
    Task<> room(WebSocket& socket, std::string_view name) {
        Group room = groups_.named("chat", name);
        Membership here = co_await room.join(socket);
        while (auto message = co_await socket.recv()) {
            room.send(*message);
        }
    }

    Groups& groups_;
};

class TestkitTest : public testing::Test {
protected:
    testkit::Services services;
    Chat chat{services.groups};
    testkit::Server server{chat.urls()};
};

TEST_F(TestkitTest, ServesAMessageToItsRoomAndNoOther) {
    auto ann = server.connect("/lobby/");
    auto bob = server.connect("/lobby/");
    auto eve = server.connect("/attic/");
    ann.send("hi");
    EXPECT_EQ(bob.recv(), "hi");
    EXPECT_EQ(ann.recv(), "hi");
    EXPECT_FALSE(eve.has_message());
}

TEST_F(TestkitTest, SaysThatNothingCameInsteadOfHanging) {
    auto ann = server.connect("/lobby/");
    EXPECT_THROW((void)ann.recv(), testkit::NothingCame);
    EXPECT_THROW((void)ann.close_info(), testkit::NothingCame);
    EXPECT_TRUE(ann.is_open());
    ann.send("still here");
    EXPECT_EQ(ann.recv(), "still here");
}

TEST_F(TestkitTest, ClosesCleanly) {
    auto ann = server.connect("/lobby/");
    ann.close(4000, "enough");
    EXPECT_FALSE(ann.is_open());
    EXPECT_EQ(ann.close_info().code, 4000);
    EXPECT_THROW((void)ann.recv(), testkit::NothingCame);
}

TEST_F(TestkitTest, ForgetsAClientThatGoesOutOfScopeOrVanishes) {
    auto bob = server.connect("/lobby/");
    {
        auto ann = server.connect("/lobby/");
        auto eve = server.connect("/lobby/");
        eve.vanish();
        EXPECT_FALSE(eve.is_open());
        EXPECT_EQ(eve.close_info().code, 1006);
    }
    bob.send("anybody?");
    EXPECT_EQ(bob.recv(), "anybody?");
}

TEST_F(TestkitTest, MovesTheClockOnlyWhenItIsTold) {
    auto ann = server.connect("/slow/");
    EXPECT_EQ(ann.recv(), "soon");
    EXPECT_THROW((void)ann.recv(), testkit::NothingCame);
    server.advance(4999ms);
    EXPECT_FALSE(ann.has_message());
    server.advance(1ms);
    EXPECT_EQ(ann.recv(), "now");
    EXPECT_EQ(ann.close_info().code, 1000);
}

TEST_F(TestkitTest, AnswersPingsForAsLongAsTheTestLikes) {
    auto ann = server.connect("/lobby/");
    server.advance(1h);
    EXPECT_TRUE(ann.is_open());
}

TEST_F(TestkitTest, ThrowsTheResponseThatRefusesAHandshake) {
    try {
        (void)server.connect("/members/");
        FAIL();
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 403);
        EXPECT_EQ(refused.response().body, "members only");
    }
    EXPECT_THROW((void)server.connect("/no/such/room/"), testkit::Refused);
    EXPECT_THROW((void)server.connect("/lobby/", {.headers = {{"Origin", "http://evil.example"}}}), testkit::Refused);
}

TEST_F(TestkitTest, AgreesOnASubprotocol) {
    auto ann = server.connect("/lobby/", {.subprotocols = {"other", "chat.v1"}});
    EXPECT_EQ(ann.subprotocol(), "chat.v1");
}

TEST_F(TestkitTest, ServesPagesAndForms) {
    EXPECT_EQ(server.get("/").body, "rooms");
    EXPECT_EQ(server.get("/nothing").status, 404);
    EXPECT_EQ(server.get("/lobby/").status, 426);
    EXPECT_EQ(server.get("/", {{"Host", "evil.example"}}).status, 400);
    EXPECT_EQ(server.post("/form/", "text=a+b").body, "a b");
    EXPECT_EQ(server.request("HEAD", "/").body, "");
    EXPECT_EQ(server.request("DELETE", "/").status, 405);
}

TEST_F(TestkitTest, ClosesEverythingWith1001) {
    auto ann = server.connect("/lobby/");
    server.close();
    EXPECT_EQ(ann.close_info().code, 1001);
}

TEST_F(TestkitTest, LetsAClientBeSlow) {
    auto ann = server.connect("/lobby/");
    ann.stop_reading();
    ann.send("one");
    EXPECT_FALSE(ann.has_message());
    ann.go_on_reading();
    EXPECT_EQ(ann.recv(), "one");
}

TEST(Testkit, ReadsBodiesThatAreStreamed) {
    testkit::Server server{Urls{path("", [](Request&) {
        return Response::stream("text/plain", [](BodyWriter& body) -> Task<> {
            co_await body.write("piece by ");
            co_await body.write("piece");
        });
    })}};
    EXPECT_EQ(server.get("/").body, "piece by piece");
}

TEST(Testkit, LetsTemplatesKnowTheRoutesOfItsServer) {
    const Folder folder;
    folder.write("page.html", "{{#url}}room lobby{{/url}}");
    testkit::Services services;
    services.templates.add_folder(folder.path());
    const auto page = [&services](Request& request) { return services.templates.render(request, "page.html"); };
    const auto room = [](Request&, std::string_view) { return Response::text(""); };
    testkit::Server server{services, {path("", page), path("<slug:name>/", room, "room")}};
    EXPECT_EQ(server.get("/").body, "/lobby/");
}

TEST(Testkit, GivesASiteAllItsServices) {
    struct Site {
        explicit Site(c10k::Services& services) : given(services) {
            given.background.spawn([](Values& values) -> Task<> {
                co_await values.set("phase", "running");
                co_await sleep_for(1h);
            }(given.values));
        }
        Urls urls() { return {path("phase/", this, &Site::phase, "phase"), path("link/", this, &Site::link)}; }
        Task<Response> phase(Request&) {
            const auto text = co_await given.values.get("phase");
            co_return Response::text(text.value_or("none"));
        }
        Response link(Request&) { return Response::text(given.urls.reverse("phase")); }

        c10k::Services& given;
    };
    testkit::Services services;
    Site site{services};
    testkit::Server server{services, site.urls()};
    EXPECT_EQ(server.get("/phase/").body, "running");
    EXPECT_EQ(server.get("/link/").body, "/phase/");
}

}  // namespace
}  // namespace c10k
