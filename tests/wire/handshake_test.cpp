#include "wire/handshake.hpp"

#include "base/digest.hpp"
#include "wire/request_parser.hpp"
#include "wire/response_parser.hpp"
#include "wire/response_writer.hpp"

#include <gtest/gtest.h>
#include <stdexcept>

namespace c10k::wire {
namespace {

using Strings = std::vector<std::string>;

// RFC 6455, 1.3.
const std::string kKey = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

Request good_request() {
    Request request;
    request.method = "GET";
    request.target = request.path = "/chat";
    request.headers = {{"Host", "example.com"},
                       {"Upgrade", "websocket"},
                       {"Connection", "Upgrade"},
                       {"Sec-WebSocket-Key", kKey},
                       {"Sec-WebSocket-Version", "13"}};
    return request;
}

Request with(std::string_view name, std::string_view value) {
    Request request = good_request();
    request.headers.set(name, value);
    return request;
}

Request without(std::string_view name) {
    Request request = good_request();
    request.headers.remove(name);
    return request;
}

Request with_another(std::string_view name, std::string_view value) {
    Request request = good_request();
    request.headers.add(name, value);
    return request;
}

// 101, the status of the refusal, or 0 for a plain request.
int verdict(const Request& request, int minor_version = 1) {
    const auto result = read_handshake(request, minor_version);
    if (const auto* refusal = std::get_if<Response>(&result)) {
        return refusal->status;
    }
    return std::holds_alternative<HandshakeOffer>(result) ? 101 : 0;
}

TEST(Handshake, AcceptValueIsTheStandardsExample) { EXPECT_EQ(accept_value(kKey), kAccept); }

// RFC 6455, 4.2.1.
TEST(Handshake, AGoodOneIsAccepted) {
    const auto result = read_handshake(with("Sec-WebSocket-Protocol", "chat, superchat"), 1);
    const auto* offer = std::get_if<HandshakeOffer>(&result);
    ASSERT_NE(offer, nullptr);
    EXPECT_EQ(offer->key, kKey);
    EXPECT_EQ(offer->subprotocols, (Strings{"chat", "superchat"}));
    EXPECT_EQ(verdict(with("Upgrade", "h2c, WebSocket")), 101);
    EXPECT_EQ(verdict(with("Connection", "keep-alive, UPGRADE")), 101);
    EXPECT_EQ(verdict(with_another("Content-Length", "0")), 101);
}

// Row 1.
TEST(Handshake, TheKeyMustBe16BytesInBase64) {
    EXPECT_EQ(verdict(without("Sec-WebSocket-Key")), 400);
    for (const std::string_view key :
         {"", "AAAA", "not base64 at all!!!!!!!", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
          "dGhlIHNhbXBsZSBub25jZWE=", "dGhlIHNhbXBsZSBub25jZWFh", "dGhlIHNhbXBs-SBub25jZQ=="}) {
        EXPECT_EQ(verdict(with("Sec-WebSocket-Key", key)), 400) << key;
    }
}

// Row 5.
TEST(Handshake, TwoKeysAreOneTooMany) {
    EXPECT_EQ(verdict(with_another("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")), 400);
    EXPECT_EQ(verdict(with_another("sec-websocket-key", kKey)), 400);
    EXPECT_EQ(verdict(with("Sec-WebSocket-Key", kKey + ", " + kKey)), 400);
}

// Rows 2 and 3; RFC 6455, 4.4.
TEST(Handshake, AnotherVersionIsToldTheRightOne) {
    EXPECT_EQ(verdict(without("Sec-WebSocket-Version")), 426);
    EXPECT_EQ(verdict(with_another("Sec-WebSocket-Version", "8")), 426);
    for (const std::string_view version : {"12", "99", "", "013", "13, 8", "+13", "0xd"}) {
        const auto result = read_handshake(with("Sec-WebSocket-Version", version), 1);
        const auto* refusal = std::get_if<Response>(&result);
        ASSERT_NE(refusal, nullptr) << version;
        EXPECT_EQ(refusal->status, 426);
        EXPECT_EQ(refusal->headers.get("Sec-WebSocket-Version"), "13");
    }
}

// Row 4; RFC 9110, 7.8.
TEST(Handshake, WithoutTheUpgradeItIsAPlainRequest) {
    EXPECT_EQ(verdict(without("Connection")), 0);
    EXPECT_EQ(verdict(with("Connection", "keep-alive")), 0);
    EXPECT_EQ(verdict(without("Upgrade")), 0);
    EXPECT_EQ(verdict(with("Upgrade", "h2c")), 0);
    EXPECT_EQ(verdict(with("Upgrade", "websockets")), 0);
    EXPECT_EQ(verdict(good_request(), 0), 0);  // HTTP/1.0
}

// Row 4.
TEST(Handshake, OnlyGetOpensAWebSocket) {
    for (const std::string_view method : {"POST", "HEAD", "get", "CONNECT"}) {
        Request request = good_request();
        request.method = method;
        const auto result = read_handshake(request, 1);
        const auto* refusal = std::get_if<Response>(&result);
        ASSERT_NE(refusal, nullptr) << method;
        EXPECT_EQ(refusal->status, 405);
        EXPECT_EQ(refusal->headers.get("Allow"), "GET");
    }
}

// Row 16.
TEST(Handshake, HasNoBody) {
    EXPECT_EQ(verdict(with_another("Content-Length", "5")), 400);
    EXPECT_EQ(verdict(with_another("Transfer-Encoding", "chunked")), 400);
    Request request = good_request();
    request.body = "x";
    EXPECT_EQ(verdict(request), 400);
}

// Row 20.
TEST(Handshake, SubprotocolsAreTokens) {
    const auto offered = [](std::string_view value) {
        const auto result = read_handshake(with("Sec-WebSocket-Protocol", value), 1);
        const auto* offer = std::get_if<HandshakeOffer>(&result);
        return offer == nullptr ? Strings{"refused"} : offer->subprotocols;
    };
    EXPECT_EQ(offered(std::string(7000, ' ')), Strings{});
    EXPECT_EQ(offered("a" + std::string(7000, ' ') + ",b"), (Strings{"a", "b"}));
    EXPECT_EQ(offered(",,a,,"), Strings{"a"});
    EXPECT_EQ(offered("a b"), Strings{"refused"});
    EXPECT_EQ(offered("a, \"b\""), Strings{"refused"});
    EXPECT_EQ(verdict(with_another("Sec-WebSocket-Protocol", "a/b")), 400);
}

// Rows 20 to 22; RFC 6455, 9.1.
TEST(Handshake, ExtensionsAreAList) {
    const auto deflate = [](std::string_view extensions) {
        const auto result = read_handshake(with_another("Sec-WebSocket-Extensions", extensions), 1);
        const auto* offer = std::get_if<HandshakeOffer>(&result);
        return offer == nullptr ? "refused" : offer->deflate ? to_text(*offer->deflate) : "none";
    };
    EXPECT_EQ(deflate(""), "none");
    EXPECT_EQ(deflate("constructor"), "none");
    EXPECT_EQ(deflate("a;b=\"\\c\\c\""), "none");
    EXPECT_EQ(deflate("a, permessage-deflate; client_max_window_bits"), "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(deflate("permessage-deflate; client_max_window_bits=16"), "none");
    EXPECT_EQ(deflate("a;b=\"\\c\\c"), "refused");
    EXPECT_EQ(deflate("permessage-deflate; client_max_window_bits="), "refused");
    EXPECT_EQ(deflate(";;;,,,"), "refused");
}

TEST(Handshake, TheServersPreferenceChoosesTheSubprotocol) {
    const Strings offered{"a", "b"};
    EXPECT_EQ(choose_subprotocol(offered, Strings{"c", "b", "a"}), "b");
    EXPECT_EQ(choose_subprotocol(offered, Strings{"B"}), "");
    EXPECT_EQ(choose_subprotocol(offered, Strings{}), "");
    EXPECT_EQ(choose_subprotocol(Strings{}, Strings{"a"}), "");
}

// RFC 6455, 4.2.2.
TEST(Handshake, TheAnswerIsTheStandards) {
    const HandshakeOffer offer{kKey, {"chat"}};
    EXPECT_EQ(
        to_bytes(switching_protocols(offer, "chat")),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            kAccept + "\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
    EXPECT_EQ(switching_protocols(offer).headers.count("Sec-WebSocket-Protocol"), 0u);
    EXPECT_THROW((void)switching_protocols(offer, "other"), std::logic_error);
    EXPECT_EQ(switching_protocols(offer, {}, {}, {{"Set-Cookie", "a=b"}}).headers.get("Set-Cookie"), "a=b");
    for (const char* const ours : {"upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Length"}) {
        EXPECT_THROW((void)switching_protocols(offer, {}, {}, {{ours, "x"}}), std::logic_error) << ours;
    }
}

// RFC 7692, 5.1.
TEST(Handshake, TheAnswerNamesTheExtensionThatIsAgreedOn) {
    const HandshakeOffer offer{kKey, {}, DeflateParameters{}};
    EXPECT_EQ(switching_protocols(offer).headers.count("Sec-WebSocket-Extensions"), 0u);
    EXPECT_EQ(switching_protocols(offer, {}, DeflateParameters{}).headers.get("Sec-WebSocket-Extensions"),
              "permessage-deflate");
}

// RFC 9110, 15.5.22.
TEST(Handshake, APlainRequestIsToldToUpgrade) {
    const Response response = upgrade_required();
    EXPECT_EQ(response.status, 426);
    EXPECT_EQ(response.headers.get("Upgrade"), "websocket");
    EXPECT_EQ(response.headers.get("Connection"), "Upgrade");
    EXPECT_EQ(response.headers.get("Sec-WebSocket-Version"), "13");
}

HandshakeRequest client_request() {
    return {.host = "example.com:8000",
            .target = "/chat?a=b",
            .subprotocols = {"chat", "superchat"},
            .headers = {{"Origin", "http://example.com"}}};
}

Response good_answer(const HandshakeRequest& request) {
    return {101,
            {{"upgrade", "WebSocket"}, {"connection", "upgrade"}, {"Sec-WebSocket-Accept", accept_value(request.key)}},
            {}};
}

// Empty if the client is content.
std::string complaint(const HandshakeRequest& request, const Response& answer) {
    const auto result = check(request, answer);
    const auto* disagreed = std::get_if<Disagreed>(&result);
    return disagreed == nullptr ? "" : disagreed->reason;
}

// RFC 6455, 4.1.
TEST(ClientHandshake, OurServerAcceptsItAndItAcceptsOurServer) {
    const HandshakeRequest request = client_request();
    RequestParser parser;
    const std::string bytes = to_bytes(request);
    EXPECT_EQ(parser.receive(bytes), bytes.size());
    ASSERT_EQ(parser.state(), RequestParser::State::kComplete);
    EXPECT_EQ(parser.request().target, "/chat?a=b");
    EXPECT_EQ(parser.request().headers.get("Host"), "example.com:8000");
    EXPECT_EQ(parser.request().headers.get("Origin"), "http://example.com");
    const auto examined = read_handshake(parser.request(), parser.minor_version());
    const auto* offer = std::get_if<HandshakeOffer>(&examined);
    ASSERT_NE(offer, nullptr);
    EXPECT_EQ(offer->subprotocols, request.subprotocols);

    ResponseParser answer;
    answer.receive(to_bytes(switching_protocols(*offer, "superchat")));
    ASSERT_EQ(answer.state(), ResponseParser::State::kComplete);
    const auto checked = check(request, answer.response());
    ASSERT_TRUE(std::holds_alternative<Agreed>(checked));
    EXPECT_EQ(std::get<Agreed>(checked).subprotocol, "superchat");
}

// RFC 7692, 5.
TEST(ClientHandshake, AgreesOnCompressionIfItOfferedIt) {
    HandshakeRequest request = client_request();
    request.deflate = offer_deflate({.context_takeover = ContextTakeover::kYes, .window_bits = 10});
    EXPECT_NE(to_bytes(request).find("\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; "
                                     "client_max_window_bits=10, permessage-deflate; client_max_window_bits\r\n"),
              std::string::npos);
    EXPECT_EQ(to_bytes(client_request()).find("Sec-WebSocket-Extensions"), std::string::npos);

    Response answer = good_answer(request);
    const auto agreed = [&] {
        const auto result = check(request, answer);
        const auto* agreed = std::get_if<Agreed>(&result);
        return agreed == nullptr ? "fails" : agreed->deflate ? to_text(*agreed->deflate) : "none";
    };
    EXPECT_EQ(agreed(), "none");
    answer.headers.add("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=9");
    EXPECT_EQ(agreed(), "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10");
    answer.headers.add("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=9");
    EXPECT_EQ(agreed(), "fails");
    for (const std::string_view bad : {"permessage-deflate; unknown", "constructor",
                                       "permessage-deflate; server_max_window_bits=9, mux", "a b", "\""}) {
        answer.headers.set("Sec-WebSocket-Extensions", bad);
        EXPECT_EQ(agreed(), "fails") << bad;
    }
    request.deflate.clear();
    answer.headers.set("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=9");
    EXPECT_EQ(agreed(), "fails");
}

TEST(ClientHandshake, EachHasANewKeyOf16Bytes) {
    const HandshakeRequest first{.host = "a"};
    const HandshakeRequest second{.host = "a"};
    EXPECT_NE(first.key, second.key);
    EXPECT_EQ(base64_decode(first.key)->size(), 16u);
}

// CVE-2026-1527: CR LF in a client's own request.
TEST(ClientHandshake, CannotBeSplitByWhatACallerPutsIn) {
    const auto refuses = [](const auto& change) {
        HandshakeRequest request = client_request();
        change(request);
        EXPECT_THROW((void)to_bytes(request), std::logic_error);
    };
    refuses([](HandshakeRequest& request) { request.target = "/\r\nX: y"; });  // CVE-2026-1527
    refuses([](HandshakeRequest& request) { request.target = "/a b"; });
    refuses([](HandshakeRequest& request) { request.target = "/a#b"; });
    refuses([](HandshakeRequest& request) { request.target = "a"; });
    refuses([](HandshakeRequest& request) { request.target = ""; });
    refuses([](HandshakeRequest& request) { request.host = "a\r\nX: y"; });
    refuses([](HandshakeRequest& request) { request.subprotocols = {"a\r\nX: y"}; });
    refuses([](HandshakeRequest& request) { request.subprotocols = {""}; });
    refuses([](HandshakeRequest& request) { request.headers.add("X", "a\r\nY: b"); });
    refuses([](HandshakeRequest& request) { request.headers.add("X\r\nY", "a"); });
    refuses([](HandshakeRequest& request) { request.headers.add("host", "b"); });
    refuses([](HandshakeRequest& request) { request.headers.add("sec-websocket-extensions", "x"); });
    refuses([](HandshakeRequest& request) { request.headers.add("Content-Length", "5"); });
}

// Row 70; RFC 6455, 4.1.
TEST(ClientHandshake, RefusesAnAnswerThatDoesNotFit) {
    const HandshakeRequest request = client_request();
    EXPECT_EQ(complaint(request, good_answer(request)), "");
    EXPECT_EQ(complaint(request, Response{403}), "the server answered 403 Forbidden");
    EXPECT_EQ(complaint(request, Response{200}), "the server answered 200 OK");

    const auto changed = [&request](std::string_view name, std::string_view value) {
        Response answer = good_answer(request);
        answer.headers.set(name, value);
        return complaint(request, answer);
    };
    EXPECT_EQ(changed("Upgrade", "h2c"), "the server switched to another protocol than websocket");
    EXPECT_EQ(changed("Connection", "close"), "the server switched to another protocol than websocket");
    EXPECT_EQ(changed("Sec-WebSocket-Accept", kAccept), "the server's Sec-WebSocket-Accept does not fit our key");
    EXPECT_EQ(changed("Sec-WebSocket-Accept", ""), "the server's Sec-WebSocket-Accept does not fit our key");
    EXPECT_EQ(changed("Sec-WebSocket-Extensions", "permessage-deflate"),
              "the server chose extensions that we did not offer: permessage-deflate");
    EXPECT_EQ(changed("Sec-WebSocket-Protocol", "other"),
              "the server chose a subprotocol that we did not offer: other");
    EXPECT_EQ(changed("Sec-WebSocket-Protocol", "chat, superchat"),
              "the server chose a subprotocol that we did not offer: chat, superchat");
    EXPECT_EQ(changed("Sec-WebSocket-Protocol", "chat"), "");

    for (const std::string_view name : {"Upgrade", "Connection", "Sec-WebSocket-Accept"}) {
        Response answer = good_answer(request);
        answer.headers.remove(name);
        EXPECT_NE(complaint(request, answer), "") << name;
    }
    Response twice = good_answer(request);
    twice.headers.add("Sec-WebSocket-Protocol", "chat");
    twice.headers.add("Sec-WebSocket-Protocol", "chat");
    EXPECT_NE(complaint(request, twice), "");
}

}  // namespace
}  // namespace c10k::wire
