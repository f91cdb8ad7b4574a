#include "c10k/middleware.hpp"

#include "base/log.hpp"
#include "c10k/testkit.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "web/dispatcher.hpp"

#include <gtest/gtest.h>
#include <string>
#include <variant>
#include <vector>

namespace c10k {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> said;

// The notes of one test's middleware and views, in their order.
class MiddlewareTest : public testing::Test {
protected:
    MiddlewareTest() {
        said.clear();
        log::set_level(log::Level::kError);
    }
    ~MiddlewareTest() override { log::set_level(log::Level::kInfo); }

    static Request get(std::string_view path, Headers headers = {}) {
        Request request;
        request.method = "GET";
        request.target = path;
        request.path = path;
        request.headers = std::move(headers);
        request.headers.add("Host", "localhost");
        return request;
    }
    static std::vector<std::string> take_said() { return std::exchange(said, {}); }
};

using Said = std::vector<std::string>;

Response page(Request& /*request*/) {
    said.emplace_back("page");
    return Response::text("page");
}
Response fail(Request& /*request*/) { throw PermissionDenied("not you"); }
Task<Response> slow_page(Request& /*request*/, std::string_view word) {
    co_await yield();
    co_return Response::text(std::string{word});
}
Task<> socket_view(WebSocket& socket) {
    said.emplace_back("view");
    while (auto message = co_await socket.recv()) {
        co_await socket.send(*message);
    }
}
Task<> room_view(WebSocket& socket, std::string_view name) {
    co_await socket.send(std::string{name});
    co_await socket.closed();
}

// A middleware for pages that says its name on the way in and, with the status, on the way out.
auto around_pages(std::string name) {
    return [name](Request& request, Next<Request> next) -> Task<Response> {
        said.push_back(name + " in");
        Response response = co_await next(request);
        said.push_back(name + " out " + std::to_string(response.status));
        response.headers.add("Around", name);
        co_return response;
    };
}

auto around_sockets(std::string name) {
    return [name](WebSocket& socket, Next<WebSocket> next) -> Task<> {
        said.push_back(name + " in");
        co_await next(socket);
        said.push_back(name + " out");
    };
}

Task<Response> refuse(Request& /*request*/, Next<Request> /*next*/) { co_return Response::text("closed\n", 503); }
Task<Response> fail_on_the_way_in(Request& /*request*/, Next<Request> /*next*/) {
    co_await yield();
    throw NotFound("nothing");
}
Task<Response> fail_on_the_way_out(Request& request, Next<Request> next) {
    co_await next(request);
    throw std::runtime_error("broken");
}
Task<> members_only(WebSocket& socket, Next<WebSocket> next) {
    if (!socket.request().cookies().get("member")) {
        socket.refuse(403, "members only\n");
        co_return;
    }
    co_await next(socket);
}

// Around both.
struct Both {
    Task<Response> operator()(Request& request, Next<Request> next) const {
        said.emplace_back("both page");
        co_return co_await next(request);
    }
    Task<> operator()(WebSocket& socket, Next<WebSocket> next) const {
        said.emplace_back("both socket");
        co_await next(socket);
    }
};

// ---- Around pages

TEST_F(MiddlewareTest, StandsAroundAPageInItsOrderTheFirstOutermost) {
    testkit::Server server{
        Urls{middleware(around_pages("a"), around_pages("b")), path("", page).middleware(around_pages("c"))}};
    const Response response = server.get("/");
    EXPECT_EQ(response.body, "page");
    EXPECT_EQ(take_said(), (Said{"a in", "b in", "c in", "page", "c out 200", "b out 200", "a out 200"}));
    EXPECT_EQ(response.headers.count("Around"), 3U);
}

TEST_F(MiddlewareTest, OfAnIncludedListStandsAroundItsRoutesOnly) {
    const Urls inner{middleware(around_pages("inner")), path("page/", page)};
    const Urls app{middleware(around_pages("app")), path("", page).middleware(around_pages("own")),
                   path("inner/", include(inner))};
    testkit::Server server{Urls{middleware(around_pages("site")), path("app/", include(app)), path("", page)}};
    server.get("/app/");
    EXPECT_EQ(take_said(), (Said{"site in", "app in", "own in", "page", "own out 200", "app out 200", "site out 200"}));
    server.get("/app/inner/page/");
    EXPECT_EQ(take_said(),
              (Said{"site in", "app in", "inner in", "page", "inner out 200", "app out 200", "site out 200"}));
    server.get("/");
    EXPECT_EQ(take_said(), (Said{"site in", "page", "site out 200"}));
    server.get("/app/nothing/");
    EXPECT_EQ(take_said(), (Said{"site in", "site out 404"}));
}

TEST_F(MiddlewareTest, OfTheSiteStandsAroundErrorPagesAndRedirectsToo) {
    testkit::Server server{Urls{middleware(around_pages("a")), path("fail/", fail)}};
    for (const auto& [target, status] : {std::pair{"/nothing/", 404}, {"/fail", 301}, {"/fail/", 403}}) {
        const Response response = server.get(target);
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(response.headers.get("Around"), "a") << target;
    }
    EXPECT_EQ(server.request("PUT", "/fail/").headers.get("Around"), "a");
    EXPECT_EQ(server.request("OPTIONS", "*").headers.get("Around"), "a");
    EXPECT_EQ(server.get("/fail/", {{"Host", "evil.example"}}).headers.count("Around"), 0U);
}

TEST_F(MiddlewareTest, MayAnswerItself) {
    testkit::Server server{Urls{middleware(around_pages("a"), refuse), path("", page)}};
    EXPECT_EQ(server.get("/").body, "closed\n");
    EXPECT_EQ(take_said(), (Said{"a in", "a out 503"}));
}

TEST_F(MiddlewareTest, SeesAnErrorPageForWhatFailsFurtherIn) {
    testkit::Server server{Urls{middleware(around_pages("a")), path("in/", page).middleware(fail_on_the_way_in),
                                path("out/", page).middleware(around_pages("b"), fail_on_the_way_out)}};
    EXPECT_EQ(server.get("/in/").status, 404);
    EXPECT_EQ(take_said(), (Said{"a in", "a out 404"}));
    EXPECT_EQ(server.get("/out/").status, 500);
    EXPECT_EQ(take_said(), (Said{"a in", "b in", "page", "b out 500", "a out 500"}));
}

TEST_F(MiddlewareTest, StandsAroundTheErrorPageForWhatCannotBeSent) {
    const auto answer = [](int status, Headers headers) {
        return [status, headers](Request& /*request*/) { return Response{.status = status, .headers = headers}; };
    };
    const auto later = [](Request& /*request*/) -> Task<Response> {
        co_await yield();
        co_return Response::redirect("/a\r\nSet-Cookie: b=c");
    };
    const auto spoil = [](Request& request, Next<Request> next) -> Task<Response> {
        Response response = co_await next(request);
        response.headers.add("X", "a\nb");
        co_return response;
    };
    testkit::Server server{Urls{
        middleware(security_headers(), around_pages("a")),
        path("switch/", answer(101, {{"Upgrade", "tunnel"}})),
        path("continue/", answer(100, {})),
        path("none/", answer(0, {})),
        path("high/", answer(600, {})),
        path("value/", answer(200, {{"X", "a\r\nb"}})),
        path("name/", answer(200, {{"X Y", "a"}})),
        path("later/", later),
        path("spoilt/", page).middleware(spoil),
    }};
    for (const std::string_view target :
         {"/switch/", "/continue/", "/none/", "/high/", "/value/", "/name/", "/later/", "/spoilt/"}) {
        said.clear();
        const Response response = server.get(target);
        EXPECT_EQ(response.status, 500) << target;
        EXPECT_EQ(response.headers.get("Around"), "a") << target;
        EXPECT_EQ(response.headers.get("X-Frame-Options"), "DENY") << target;
        EXPECT_EQ(said.back(), "a out 500") << target;
    }
}

TEST_F(MiddlewareTest, MayBeMissingAndAViewStillCannotSendAFalse101) {
    const auto stream = [](Request& /*request*/) {
        Response response =
            Response::stream("text/plain", [](BodyWriter& body) -> Task<> { co_await body.write("x"); });
        response.status = 101;
        return response;
    };
    const auto refuse_with_101 = [](WebSocket& socket) -> Task<> {
        socket.refuse(101, "x");
        co_return;
    };
    testkit::Server server{Urls{path("", [](Request& /*request*/) { return Response{.status = 101}; }),
                                path("stream/", stream), path("ws/", refuse_with_101)}};
    EXPECT_EQ(server.get("/").status, 500);
    EXPECT_EQ(server.get("/stream/").status, 500);
    try {
        static_cast<void>(server.connect("/ws/"));
        FAIL() << "not refused";
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 500);
    }
}

TEST_F(MiddlewareTest, ThatFailsItselfIsAnsweredWithAnErrorPage) {
    testkit::Server server{Urls{middleware(fail_on_the_way_out), path("", page)}};
    EXPECT_EQ(server.get("/").status, 500);
    EXPECT_EQ(server.get("/").status, 500);
}

TEST_F(MiddlewareTest, MayBeNoCoroutineButAFunctionThatCallsTheNext) {
    const auto pass = [](Request& request, Next<Request> next) {
        if (request.method == "HEAD") {
            throw BadRequest("no heads");
        }
        return next(request);
    };
    testkit::Server server{Urls{middleware(pass), path("", page)}};
    EXPECT_EQ(server.get("/").body, "page");
    EXPECT_EQ(server.request("HEAD", "/").status, 400);
}

TEST_F(MiddlewareTest, KeepsWhatTheRouteCapturedWhileItWaits) {
    const auto wait = [](Request& request, Next<Request> next) -> Task<Response> {
        co_await yield();
        co_return co_await next(request);
    };
    testkit::Server server{Urls{middleware(wait), path("<str:word>/", slow_page).middleware(wait, wait)}};
    EXPECT_EQ(server.get("/a%20word%20that%20is%20longer%20than%20a%20short%20one/").body,
              "a word that is longer than a short one");
}

TEST_F(MiddlewareTest, OfTheSiteMayLeadARequestElsewhere) {
    const auto without_language = [](Request& request, Next<Request> next) -> Task<Response> {
        request.path = request.path.substr(3);
        co_return co_await next(request);
    };
    testkit::Server server{Urls{middleware(without_language), path("page/", page), path("ws/", socket_view)}};
    EXPECT_EQ(server.get("/fr/page/").body, "page");
    EXPECT_EQ(server.get("/fr/ws/").status, 426);  // whatever it says: it is no handshake any more
}

TEST_F(MiddlewareTest, IsNotPassedByAnUpgradeThatIsNone) {
    testkit::Server server{Urls{middleware(refuse), path("", page)}};
    const Headers upgrade{
        {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
    EXPECT_EQ(server.get("/", upgrade).status, 503);
}

TEST_F(MiddlewareTest, LeavesPagesSynchronousWhereThereIsNone) {
    const Settings settings = testkit::quiet_settings();
    const Urls urls{middleware(around_sockets("a")), path("", page)};
    Dispatcher dispatcher{urls, settings};
    Request request = get("/");
    EXPECT_TRUE(std::holds_alternative<Response>(dispatcher.answer(request, 1)));
}

// ---- Around WebSockets

TEST_F(MiddlewareTest, StandsAroundAWebSocketInItsOrder) {
    const Urls app{middleware(around_sockets("app")), path("", socket_view).middleware(around_sockets("own"))};
    testkit::Server server{Urls{middleware(around_sockets("site")), path("ws/", include(app))}};
    auto client = server.connect("/ws/");
    client.send("hi");
    EXPECT_EQ(client.recv(), "hi");
    EXPECT_EQ(take_said(), (Said{"site in", "app in", "own in", "view"}));
    client.close();
    EXPECT_EQ(client.close_info().code, 1000);
    EXPECT_EQ(take_said(), (Said{"own out", "app out", "site out"}));
}

TEST_F(MiddlewareTest, MayRefuseAHandshake) {
    testkit::Server server{Urls{middleware(members_only), path("ws/", socket_view)}};
    try {
        static_cast<void>(server.connect("/ws/"));
        FAIL() << "not refused";
    } catch (const testkit::Refused& refused) {
        EXPECT_EQ(refused.response().status, 403);
        EXPECT_EQ(refused.response().body, "members only\n");
    }
    EXPECT_EQ(take_said(), Said{});
    EXPECT_NO_THROW(static_cast<void>(server.connect("/ws/", {.headers = {{"Cookie", "member=1"}}})));
}

TEST_F(MiddlewareTest, PassesOnWhatAWebSocketViewThrows) {
    const auto fail = [](WebSocket& socket) -> Task<> {
        socket.accept();
        co_await yield();
        throw std::runtime_error("broken");
    };
    const auto watch = [](WebSocket& socket, Next<WebSocket> next) -> Task<> {
        try {
            co_await next(socket);
        } catch (const std::runtime_error& error) {
            said.emplace_back(error.what());
            throw;
        }
    };
    testkit::Server server{Urls{middleware(watch), path("ws/", fail)}};
    EXPECT_EQ(server.connect("/ws/").close_info().code, 1011);
    EXPECT_EQ(take_said(), Said{"broken"});
}

TEST_F(MiddlewareTest, KeepsWhatAWebSocketsRouteCaptured) {
    const auto wait = [](WebSocket& socket, Next<WebSocket> next) -> Task<> {
        socket.accept();
        co_await sleep_for(1s);
        co_await next(socket);
    };
    testkit::Server server{Urls{path("<slug:name>/", room_view).middleware(wait)}};
    auto client = server.connect("/a-name-that-is-longer-than-a-short-one/");
    server.advance(2s);
    EXPECT_EQ(client.recv(), "a-name-that-is-longer-than-a-short-one");
}

TEST_F(MiddlewareTest, ForPagesCostsAWebSocketNothing) {
    const Settings settings = testkit::quiet_settings();
    const Urls urls{middleware(gzip(), security_headers()), path("ws/", socket_view)};
    Dispatcher dispatcher{urls, settings};
    Request request = get("/ws/", {{"Upgrade", "websocket"},
                                   {"Connection", "Upgrade"},
                                   {"Sec-WebSocket-Version", "13"},
                                   {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    const auto answer = dispatcher.answer(request, 1);
    const auto& view = std::get<WebSocketMatch>(answer).route->view;
    EXPECT_EQ(view.target_type(), std::get<SocketView>(urls.begin()->view()).target_type());
}

TEST_F(MiddlewareTest, MayStandAroundBothKindsOfViews) {
    testkit::Server server{Urls{middleware(Both{}), path("", page), path("ws/", socket_view)}};
    server.get("/");
    EXPECT_EQ(take_said(), (Said{"both page", "page"}));
    auto client = server.connect("/ws/");
    EXPECT_EQ(take_said(), (Said{"both socket", "view"}));
}

// ---- Security headers

TEST_F(MiddlewareTest, SecurityHeadersAreOnEveryPage) {
    testkit::Server server{Urls{middleware(security_headers()), path("", page)}};
    for (const std::string_view target : {"/", "/nothing/"}) {
        const Headers headers = server.get(target).headers;
        EXPECT_EQ(headers.get("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(headers.get("Referrer-Policy"), "same-origin");
        EXPECT_EQ(headers.get("Cross-Origin-Opener-Policy"), "same-origin");
        EXPECT_EQ(headers.get("X-Frame-Options"), "DENY");
        EXPECT_EQ(headers.get("Content-Security-Policy"), "frame-ancestors 'none'");
    }
}

TEST_F(MiddlewareTest, SecurityHeadersLeaveAViewsOwnAlone) {
    const auto with = [](std::string name, std::string value) {
        return [name, value](Request& /*request*/) { return Response{.headers = {{name, value}}}; };
    };
    testkit::Server server{Urls{
        middleware(security_headers()),
        path("referrer/", with("referrer-policy", "no-referrer")),
        path("frames/", with("X-Frame-Options", "SAMEORIGIN")),
        path("policy/", with("Content-Security-Policy", "frame-ancestors 'self'")),
    }};
    const Headers referrer = server.get("/referrer/").headers;
    EXPECT_EQ(referrer.count("Referrer-Policy"), 1U);
    EXPECT_EQ(referrer.get("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(referrer.get("X-Frame-Options"), "DENY");
    const Headers frames = server.get("/frames/").headers;
    EXPECT_EQ(frames.get("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(frames.count("Content-Security-Policy"), 0U);
    const Headers policy = server.get("/policy/").headers;
    EXPECT_EQ(policy.get("Content-Security-Policy"), "frame-ancestors 'self'");
    EXPECT_EQ(policy.count("X-Frame-Options"), 0U);
}

}  // namespace
}  // namespace c10k
