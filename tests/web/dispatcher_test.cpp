#include "web/dispatcher.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "c10k/web.hpp"
#include "loop/loop.hpp"
#include "testkit/harness.hpp"
#include "testkit/memory_backend.hpp"
#include "testkit/peer.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

namespace c10k {
namespace {

// The name of a folder, which ends with a slash.
struct FolderName {};

}  // namespace

template <>
struct Converter<FolderName> {
    static constexpr std::string_view kName = "path";
    static std::optional<FolderName> parse(std::string_view text) {
        return text.ends_with('/') ? std::optional{FolderName{}} : std::nullopt;
    }
    static std::string format(const FolderName& /*name*/) { return "folder/"; }
};

namespace {

Response hello(Request& request) { return Response::text("hello " + request.method); }
Response word(Request& /*request*/, std::string_view text) { return Response::text(std::string{text}); }
Response fail(Request& /*request*/) { throw std::out_of_range("<no> such cheese"); }
Response fail_with(Request& /*request*/, int status) { throw HttpError(status, "because <b>"); }

Task<Response> slow_word(Request& /*request*/, std::string_view text) {
    co_await sleep_for(std::chrono::seconds{1});
    co_return Response::text(std::string{text});
}
Task<Response> slow_fail(Request& /*request*/) {
    co_await sleep_for(std::chrono::seconds{1});
    throw NotFound("gone");
}

Response greet(Request& request) { return Response::text(request.json().value("name", "nobody")); }
Response age(Request& request) { return Response::text(std::to_string(request.json().at("age").get<int>())); }
Task<Response> greet_later(Request& request) {
    const nlohmann::json value = request.json();
    co_await yield();
    co_return Response::text(value.at("name").get<std::string>());
}
Response own_json(Request& /*request*/) { return Response::text(nlohmann::json::array().value("name", "nobody")); }
Task<> talk_json(WebSocket& socket) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(parse_json(message->view()).dump());
    }
}

Response broken_stream(Request& /*request*/) {
    return Response::stream("text/plain", [](BodyWriter& body) -> Task<> {
        co_await body.write("half");
        throw NotFound("the other half");
    });
}

Task<> echo(WebSocket& socket, std::string_view room) {
    while (auto message = co_await socket.recv()) {
        co_await socket.send(std::string{room} + ": " + std::string{message->view()});
    }
}
Task<> fail_early(WebSocket& /*socket*/) {
    co_await yield();
    throw PermissionDenied("not you");
}
Task<> fail_late(WebSocket& socket) {
    socket.accept();
    co_await yield();
    throw std::runtime_error("broken");
}

// The answer as a client would see it.
struct Answer {
    int status;
    Response response;
    bool is_websocket = false;
};

class DispatcherTest : public testing::Test {
protected:
    DispatcherTest() {
        log::set_level(log::Level::kError);
        settings_.verbosity = 0;
    }
    ~DispatcherTest() override { log::set_level(log::Level::kInfo); }

    static Request request(std::string_view target, Headers headers = {}, std::string_view method = "GET") {
        Request request;
        request.method = method;
        request.target = target;
        request.path = std::string{target.substr(0, target.find('?'))};
        request.headers = std::move(headers);
        if (request.headers.count("Host") == 0) {
            request.headers.add("Host", "localhost:8000");
        }
        request.peer = "127.0.0.1:1234";
        return request;
    }
    static Headers handshake(Headers more = {}) {
        more.add("Upgrade", "websocket");
        more.add("Connection", "Upgrade");
        more.add("Sec-WebSocket-Version", "13");
        more.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        return more;
    }

    Answer ask(Request request, int minor_version = 1) {
        auto answer = dispatcher_.answer(request, minor_version);
        if (auto* response = std::get_if<Response>(&answer)) {
            return {response->status, *response};
        }
        return {101, {}, std::holds_alternative<WebSocketMatch>(answer)};
    }
    Answer get(std::string_view target, Headers headers = {}) { return ask(request(target, std::move(headers))); }

    Settings settings_;
    Urls urls_{
        path("", hello, "index"),
        path("form/", hello).methods({"GET", "POST"}),
        path("word/<str:text>/", word, "word"),
        path("raw/<path:file>", word),
        path("fail/", fail, "fail"),
        path("fail/<int:status>/", fail_with),
        path("slow/<str:text>/", slow_word),
        path("slow-fail/", slow_fail),
        path("greet/", greet).methods({"POST"}),
        path("greet-later/", greet_later).methods({"POST"}),
        path("age/", age).methods({"POST"}),
        path("own-json/", own_json),
        path("talk/", talk_json),
        path("stream/", broken_stream, "stream"),
        path("dav/", hello).methods({"PROPFIND"}),
        path("chat/<slug:room>/", echo, "chat").subprotocols({"b", "a"}),
        path("early/", fail_early),
        path("late/", fail_late),
        path("both/", hello),
        path("both/", fail_late),
    };
    Dispatcher dispatcher_{urls_, settings_};
};

// ---- Host

TEST_F(DispatcherTest, RefusesAHostThatIsNotOurs) {
    EXPECT_EQ(get("/", {{"Host", "evil.example"}}).status, 400);
    EXPECT_EQ(get("/nothing/", {{"Host", "evil.example"}}).status, 400);
    EXPECT_EQ(get("/chat/x/", handshake({{"Host", "evil.example"}})).status, 400);
    EXPECT_EQ(get("/", {{"Host", "127.0.0.9:1"}}).status, 200);
    settings_.allowed_hosts = {".example.com"};
    EXPECT_EQ(get("/", {{"Host", "www.example.com"}}).status, 200);
}

// RFC 9112, 3.2: only HTTP/1.0 may leave it out.
TEST_F(DispatcherTest, TakesAnHttp10RequestWithoutAHost) {
    Request old = request("/");
    old.headers.remove("Host");
    EXPECT_EQ(ask(old, 0).status, 200);
    EXPECT_EQ(ask(old, 1).status, 400);
}

// ---- Paths

TEST_F(DispatcherTest, TakesTheFirstRouteThatMatches) {
    EXPECT_EQ(get("/").response.body, "hello GET");
    EXPECT_EQ(get("/both/").status, 200);
    EXPECT_EQ(get("/word/caf\xc3\xa9/?q=1").response.body, "caf\xc3\xa9");
}

TEST_F(DispatcherTest, AnswersAnUnknownPathWith404) {
    for (const std::string_view target : {"/nothing/", "/nothing", "//", "/word//", "/fail/99999999999/", "/early"}) {
        EXPECT_EQ(get(target).status, 404) << target;
    }
}

TEST_F(DispatcherTest, SendsAPathThatLacksItsFinalSlashToThePage) {
    const Answer answer = get("/word/a%20b?q=1&r=2");
    EXPECT_EQ(answer.status, 301);
    EXPECT_EQ(get("/form").response.headers.get("Location"), "/form/");
    Request encoded = request("/word/a%20%5Cb?q=1&r=2");
    encoded.path = "/word/a \\b";
    EXPECT_EQ(ask(encoded).response.headers.get("Location"), "/word/a%20%5Cb/?q=1&r=2");
}

// RFC 9110, 15.4.9: 308 keeps the method and the body, which browsers drop after a 301.
TEST_F(DispatcherTest, KeepsTheMethodOfAFormWhosePathLacksItsFinalSlash) {
    for (const std::string_view method : {"POST", "PUT", "PATCH", "DELETE"}) {
        const Answer answer = ask(request("/form?q=1", {}, method));
        EXPECT_EQ(answer.status, 308) << method;
        EXPECT_EQ(answer.response.headers.get("Location"), "/form/?q=1");
    }
    EXPECT_EQ(ask(request("/form", {}, "HEAD")).status, 301);
    EXPECT_EQ(ask(request("/nowhere", {}, "POST")).status, 404);
}

TEST_F(DispatcherTest, ExplainsToADeveloperThatTheFinalSlashOfAFormIsMissing) {
    settings_.debug = true;
    const Answer answer = ask(request("/form?q=<b>", {}, "POST"));
    EXPECT_EQ(answer.status, 404);
    EXPECT_FALSE(answer.response.headers.get("Location"));
    for (const std::string_view said : {"final slash", "POST /form?q=&lt;b&gt;", "/form/?q=&lt;b&gt;", "308"}) {
        EXPECT_NE(answer.response.body.find(said), std::string::npos) << said << " in " << answer.response.body;
    }
    EXPECT_EQ(get("/form").status, 301);
    EXPECT_EQ(ask(request("/form", {}, "HEAD")).status, 301);
}

TEST_F(DispatcherTest, DoesNotAddASlashForAWebSocketOrTwice) {
    EXPECT_EQ(get("/chat/lobby").status, 404);
    EXPECT_EQ(get("/early").status, 404);
    EXPECT_EQ(get("/raw/a").status, 200);
}

TEST_F(DispatcherTest, NeverRedirectsToAnotherSite) {
    for (const std::string_view target : {"//evil.example", "//form", "/\\evil.example", "//evil.example/form"}) {
        const Answer answer = get(target);
        EXPECT_EQ(answer.status, 404) << target;
        EXPECT_FALSE(answer.response.headers.get("Location"));
    }
}

TEST_F(DispatcherTest, Row82NeverRedirectsToAnotherSiteWhateverARouteTakes) {
    const Urls urls{path("<path:folder>", [](Request&, FolderName) { return Response{}; })};
    Dispatcher dispatcher{urls, settings_};
    for (const std::string_view target : {"//evil.example", "///evil.example", "/%2Fevil.example", "/\\evil.example"}) {
        Request asked = request(target);
        asked.path = percent_decode(target);
        const auto answer = dispatcher.answer(asked, 1);
        const Response& redirect = std::get<Response>(answer);
        EXPECT_EQ(redirect.status, 301) << target;
        const std::string location{redirect.headers.get("Location").value_or("")};
        EXPECT_TRUE(location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\"))
            << location;
    }
}

// ---- Methods

TEST_F(DispatcherTest, ServesHeadAsGet) { EXPECT_EQ(ask(request("/", {}, "HEAD")).response.body, "hello HEAD"); }

// RFC 9110, 15.5.6
TEST_F(DispatcherTest, AnswersAMethodThatAPageDoesNotTakeWith405AndThoseItTakes) {
    for (const std::string_view method : {"POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"}) {
        const Answer answer = ask(request("/", {}, method));
        EXPECT_EQ(answer.status, 405) << method;
        EXPECT_EQ(answer.response.headers.get("Allow"), "GET, HEAD, OPTIONS");
    }
    EXPECT_EQ(ask(request("/form/", {}, "POST")).status, 200);
    EXPECT_EQ(ask(request("/form/", {}, "PUT")).response.headers.get("Allow"), "GET, POST, HEAD, OPTIONS");
}

// RFC 9110, 15.6.2
TEST_F(DispatcherTest, AnswersAMethodThatNobodyKnowsWith501) {
    EXPECT_EQ(ask(request("/", {}, "BREW")).status, 501);
    EXPECT_EQ(ask(request("/", {}, "get")).status, 501);
    EXPECT_EQ(ask(request("/nothing/", {}, "BREW")).status, 404);
    EXPECT_EQ(ask(request("/dav/", {}, "PROPFIND")).status, 200);
}

// RFC 9110, 9.3.7
TEST_F(DispatcherTest, AnswersOptions) {
    const Answer answer = ask(request("/form/", {}, "OPTIONS"));
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.response.headers.get("Allow"), "GET, POST, HEAD, OPTIONS");
    EXPECT_EQ(ask(request("*", {}, "OPTIONS")).status, 204);
}

// ---- Handshakes

TEST_F(DispatcherTest, OpensAWebSocketWithItsCapturesAndItsOffer) {
    Request asked = request("/chat/lobby/", handshake({{"Sec-WebSocket-Protocol", "a, b"}}));
    auto answer = dispatcher_.answer(asked, 1);
    auto& match = std::get<WebSocketMatch>(answer);
    asked = {};  // the captures stand for themselves
    EXPECT_EQ(match.route->name, "/chat/<slug:room>/");
    EXPECT_EQ(match.route->subprotocols, (std::vector<std::string>{"b", "a"}));
    ASSERT_EQ(match.captures.texts().size(), 1U);
    EXPECT_EQ(match.captures.texts()[0], "lobby");
    EXPECT_EQ(match.offer.subprotocols, (std::vector<std::string>{"a", "b"}));
}

// RFC 9110, 15.5.22
TEST_F(DispatcherTest, TellsAPlainGetOfAWebSocketToUpgrade) {
    const Answer answer = get("/chat/lobby/");
    EXPECT_EQ(answer.status, 426);
    EXPECT_EQ(answer.response.headers.get("Upgrade"), "websocket");
    EXPECT_EQ(answer.response.headers.get("Connection"), "Upgrade");
}

TEST_F(DispatcherTest, RefusesABadHandshake) {
    Request asked = request("/chat/lobby/", handshake());
    asked.headers.set("Sec-WebSocket-Version", "12");
    EXPECT_EQ(ask(asked).status, 426);
    EXPECT_EQ(ask(asked).response.headers.get("Sec-WebSocket-Version"), "13");
    asked = request("/chat/lobby/", handshake());
    asked.headers.set("Sec-WebSocket-Key", "short");
    EXPECT_EQ(ask(asked).status, 400);
    const Answer posted = ask(request("/chat/lobby/", handshake(), "POST"));
    EXPECT_EQ(posted.status, 405);
    EXPECT_EQ(posted.response.headers.get("Allow"), "GET");
    EXPECT_EQ(ask(request("/chat/lobby/", handshake()), 0).status, 426);
}

// RFC 6455, 10.2
TEST_F(DispatcherTest, OpensNoWebSocketForPagesOfOthers) {
    EXPECT_TRUE(get("/chat/x/", handshake()).is_websocket);
    EXPECT_TRUE(get("/chat/x/", handshake({{"Origin", "http://localhost:8000"}})).is_websocket);
    EXPECT_EQ(get("/chat/x/", handshake({{"Origin", "https://evil.example"}})).status, 403);
    EXPECT_EQ(get("/chat/x/", handshake({{"Origin", "null"}})).status, 403);
    EXPECT_EQ(get("/chat/x/", handshake({{"Origin", "http://localhost:8000"}, {"Origin", "null"}})).status, 403);
    settings_.allowed_origins = {"https://good.example"};
    EXPECT_TRUE(get("/chat/x/", handshake({{"Origin", "https://good.example"}})).is_websocket);
    EXPECT_EQ(get("/", {{"Origin", "https://evil.example"}}).status, 200);  // a page is for everybody
}

TEST_F(DispatcherTest, OpensNoWebSocketThatCameByHttpsForAPageThatDidNot) {
    Request asked = request("/chat/x/", handshake({{"Origin", "http://localhost:8000"}}));
    asked.is_secure = true;
    EXPECT_EQ(ask(asked).status, 403);
    asked = request("/chat/x/", handshake({{"Origin", "https://localhost:8000"}}));
    asked.is_secure = true;
    EXPECT_TRUE(ask(asked).is_websocket);
}

TEST_F(DispatcherTest, InDebugOpensAWebSocketForAnotherServersPageOnThisMachine) {
    const auto from = [this](std::string_view origin, std::string_view host, std::string_view peer,
                             std::string_view forwarded_for = "") {
        Request asked = request("/chat/x/", handshake({{"Origin", std::string{origin}}, {"Host", std::string{host}}}));
        if (!forwarded_for.empty()) {
            asked.headers.add("X-Forwarded-For", forwarded_for);
        }
        asked.peer = peer;
        return ask(asked).is_websocket;
    };
    settings_.allowed_hosts = {"example.com"};
    EXPECT_FALSE(from("http://localhost:5173", "localhost:8000", "127.0.0.1:1234"));
    settings_.debug = true;
    EXPECT_TRUE(from("http://localhost:5173", "localhost:8000", "127.0.0.1:1234"));
    EXPECT_TRUE(from("http://127.0.0.1:5173", "app.localhost:8000", "[::1]:1234"));
    EXPECT_TRUE(from("http://[::1]:5173", "[::1]:8000", "[::ffff:127.0.0.1]:1234"));
    EXPECT_TRUE(from("http://localhost:5173", "localhost:8000", "127.0.0.1:1234", "127.0.0.1"));
    EXPECT_FALSE(from("http://localhost:5173", "localhost:8000", "127.0.0.1:1234", "192.0.2.1"));
    EXPECT_FALSE(from("http://localhost:5173", "localhost:8000", "192.0.2.1:1234"));
    EXPECT_FALSE(from("http://localhost:5173", "example.com", "127.0.0.1:1234"));
    EXPECT_FALSE(from("http://evil.example:5173", "localhost:8000", "127.0.0.1:1234"));
    EXPECT_FALSE(from("http://localhost.evil.example", "localhost:8000", "127.0.0.1:1234"));
    EXPECT_FALSE(from("null", "localhost:8000", "127.0.0.1:1234"));
}

TEST_F(DispatcherTest, SaysInTheLogWhyItRefusesAHostOrAnOrigin) {
    std::vector<std::string> lines;
    settings_.verbosity = 1;
    Dispatcher dispatcher{urls_, settings_,
                          std::make_shared<Refusals>([&](std::string_view line) { lines.emplace_back(line); },
                                                     &std::chrono::steady_clock::now)};
    const auto ask = [&](std::string_view target, Headers headers) {
        Request asked = request(target, std::move(headers));
        dispatcher.answer(asked, 1);
        return lines.empty() ? std::string{} : std::exchange(lines, {}).back();
    };
    EXPECT_NE(ask("/", {{"Host", "a.example"}}).find("'a.example'"), std::string::npos);
    EXPECT_NE(ask("/chat/x/", handshake({{"Host", "b.example"}})).find("'b.example'"), std::string::npos);
    EXPECT_NE(ask("/chat/x/", handshake({{"Origin", "https://c.example"}})).find("allowed_origins"), std::string::npos);
    EXPECT_EQ(ask("/chat/x/", handshake({{"Origin", "https://c.example"}})), "");
    EXPECT_EQ(ask("/chat/x/", handshake({{"Origin", "http://localhost:8000"}})), "");
    settings_.debug = true;
    EXPECT_NE(ask("/chat/x/", handshake({{"Origin", "http://localhost:5173"}})).find("without debug"),
              std::string::npos);
}

TEST_F(DispatcherTest, NotesForTheLogWhyItRefusesAHandshake) {
    EXPECT_NE(get("/chat/x/", handshake({{"Origin", "https://evil.example"}})).response.log_note, "");
    EXPECT_NE(get("/chat/x/", handshake({{"Host", "evil.example"}})).response.log_note, "");
    EXPECT_NE(get("/nothing/", handshake()).response.log_note, "");
    EXPECT_NE(get("/form", handshake()).response.log_note, "");
    EXPECT_EQ(get("/fail/402/", handshake()).response.log_note, "because <b>");
}

TEST_F(DispatcherTest, AnswersAHandshakeToAPageAsThatPage) {
    EXPECT_EQ(get("/", handshake()).status, 200);
    EXPECT_EQ(get("/nothing/", handshake()).status, 404);
    EXPECT_EQ(get("/form", handshake()).status, 301);
}

// ---- Failures

TEST_F(DispatcherTest, AnswersAViewThatThrowsWith500AndKeepsTheReasonToItself) {
    const Answer answer = get("/fail/");
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.response.body.find("cheese"), std::string::npos);
}

TEST_F(DispatcherTest, AnswersAnHttpErrorWithItsStatus) {
    EXPECT_EQ(get("/fail/404/").status, 404);
    EXPECT_EQ(get("/fail/403/").status, 403);
    EXPECT_EQ(get("/fail/503/").response.body.find("because"), std::string::npos);
    EXPECT_EQ(get("/fail/200/").status, 500);  // no error at all
}

TEST_F(DispatcherTest, AnswersJsonThatIsNotWhatTheViewExpectsWith400AndWritesNoLine) {
    testing::internal::CaptureStderr();
    const auto post = [this](std::string_view target, std::string_view body) {
        Request posted = request(target, {}, "POST");
        posted.body = body;
        return ask(posted).status;
    };
    EXPECT_EQ(post("/greet/", R"({"name": "ann"})"), 200);
    for (const std::string_view body : {"[]", R"({"name": 1})", "1e400", "{", "\"x\""}) {
        EXPECT_EQ(post("/greet/", body), 400) << body;
    }
    for (const std::string_view body : {"{}", R"({"age": "x"})", "[1]", R"({"age": [1]})"}) {
        EXPECT_EQ(post("/age/", body), 400) << body;
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(DispatcherTest, AnswersAViewsOwnMistakeWithJsonWith500) { EXPECT_EQ(get("/own-json/").status, 500); }

TEST_F(DispatcherTest, InDebugShowsTheExceptionAndTheRoute) {
    settings_.debug = true;
    const std::string body = get("/fail/").response.body;
    EXPECT_NE(body.find("<h1>std::out_of_range</h1>"), std::string::npos);
    EXPECT_NE(body.find("&lt;no&gt; such cheese"), std::string::npos);
    EXPECT_NE(body.find("/fail/ (fail)"), std::string::npos);
    EXPECT_NE(get("/fail/403/").response.body.find("because &lt;b&gt;"), std::string::npos);
}

TEST_F(DispatcherTest, InDebugListsTheRoutesThatWereTried) {
    EXPECT_EQ(get("/<x>/").response.body.find("chat/"), std::string::npos);
    settings_.debug = true;
    const std::string body = get("/<x>/").response.body;
    EXPECT_NE(body.find("/chat/&lt;slug:room&gt;/</code></td><td>WebSocket</td><td>chat</td>"), std::string::npos);
    EXPECT_NE(body.find("GET /&lt;x&gt;/"), std::string::npos);
    EXPECT_EQ(body.find("<x>"), std::string::npos);
}

TEST_F(DispatcherTest, AnswersWhatIsNoRequest) {
    const Response response = dispatcher_.on_refused("127.0.0.1:1234", 431, "too many fields");
    EXPECT_EQ(response.status, 431);
    EXPECT_EQ(response.body, "too many fields\n");
}

// ---- With a server around it

class ServedTest : public DispatcherTest {
protected:
    Response fetch(std::string_view target) {
        testkit::Peer peer{harness_};
        peer.send("GET " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
        harness_.run_until_idle();
        harness_.advance(std::chrono::seconds{2});
        return peer.take_response();
    }

    Loop loop_{std::make_unique<MemoryBackend>()};
    testkit::Harness harness_{loop_, dispatcher_};
};

TEST_F(ServedTest, AViewThatWaitsKeepsItsCaptures) {
    const std::string text(100, 'x');
    EXPECT_EQ(fetch("/slow/" + text + '/').body, text);
    EXPECT_EQ(fetch("/slow/s/").body, "s");
}

TEST_F(ServedTest, AViewThatFailsLateGetsItsStatusToo) { EXPECT_EQ(fetch("/slow-fail/").status, 404); }

TEST_F(ServedTest, JsonThatAViewMissesLateIsTheClientsFaultToo) {
    testing::internal::CaptureStderr();
    testkit::Peer peer{harness_};
    peer.send("POST /greet-later/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    harness_.run_until_idle();
    EXPECT_EQ(peer.take_response().status, 400);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(ServedTest, AStreamThatFailsTooLateForAnErrorPageIsInTheLog) {
    testing::internal::CaptureStderr();
    testkit::Peer peer{harness_};
    peer.send("GET /stream/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.wait_for_end();
    const std::string logged = testing::internal::GetCapturedStderr();
    EXPECT_NE(logged.find("The stream of /stream/ failed, route /stream/ (stream): c10k::NotFound: the other half"),
              std::string::npos)
        << logged;
}

TEST_F(ServedTest, AWebSocketTalksToItsView) {
    testkit::WebSocketPeer peer{harness_, "/chat/lobby/", {}, {"a", "b"}};
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.subprotocol(), "b");
    peer.send_message("hi");
    EXPECT_EQ(peer.recv(), "lobby: hi");
}

TEST_F(ServedTest, AWebSocketViewThatFailsBeforeItAcceptsGetsAStatus) {
    testkit::WebSocketPeer peer{harness_, "/early/"};
    EXPECT_EQ(peer.answer().status, 403);
}

TEST_F(ServedTest, Row82AWebSocketViewThatBlamesItsPeerIsClosedWith1008AndWritesNoLine) {
    testing::internal::CaptureStderr();
    for (const std::string& text : {std::string{"no JSON"}, std::string(100'000, '['), std::string{"1e400"}}) {
        testkit::WebSocketPeer peer{harness_, "/talk/"};
        peer.send_message("[1]");
        EXPECT_EQ(peer.recv(), "[1]");
        peer.send_message(text);
        EXPECT_EQ(peer.wait_for_close().code, 1008);
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(ServedTest, AWebSocketViewThatFailsLaterIsClosedWith1011) {
    testkit::WebSocketPeer peer{harness_, "/late/"};
    EXPECT_EQ(peer.answer().status, 101);
    EXPECT_EQ(peer.wait_for_close().code, 1011);
}

}  // namespace
}  // namespace c10k
