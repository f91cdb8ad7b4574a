#include "wire/extensions.hpp"

#include <chrono>
#include <ctime>
#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace c10k::wire {
namespace {

constexpr ContextTakeover kYes = ContextTakeover::kYes;

// The extensions that the fields name, in a form of its own: "a b=1 c|d"; or "bad".
std::string parsed(const std::vector<std::string>& fields) {
    Headers headers;
    for (const std::string& field : fields) {
        headers.add("Sec-WebSocket-Extensions", field);
    }
    const auto extensions = parse_extensions(headers);
    if (!extensions) {
        return "bad";
    }
    std::string text;
    for (const Extension& extension : *extensions) {
        text.append(text.empty() ? "" : "|").append(extension.name);
        for (const auto& [name, value] : extension.parameters) {
            text.append(" ").append(name).append(value ? "=" + *value : "");
        }
    }
    return text;
}

// RFC 6455, 9.1.
TEST(Extensions, AreAListOfTokensWithParameters) {
    EXPECT_EQ(parsed({}), "");
    EXPECT_EQ(parsed({"foo"}), "foo");
    EXPECT_EQ(parsed({"foo, bar; baz=2"}), "foo|bar baz=2");
    EXPECT_EQ(parsed({"mux; max-channels=4; flow-control, deflate-stream"}),
              "mux max-channels=4 flow-control|deflate-stream");
    EXPECT_EQ(parsed({" \ta\t; b = 1\t;c , d "}), "a b=1 c|d");
    EXPECT_EQ(parsed({",, a ,\t, b,"}), "a|b");
    EXPECT_EQ(parsed({"private-extension"}), "private-extension");
}

// RFC 6455, 9.1: the same as one line with commas.
TEST(Extensions, OfSeveralFieldsAreJoined) {
    EXPECT_EQ(parsed({"foo", "bar; baz=2"}), "foo|bar baz=2");
    EXPECT_EQ(parsed({"foo", "", "bar"}), "foo|bar");
    EXPECT_EQ(parsed({"foo;", "bar"}), "bad");
    EXPECT_EQ(parsed({"foo", "\""}), "bad");
}

// RFC 6455, 9.1: without its quotes and backslashes the value must be a token.
TEST(Extensions, MayHaveTokensInQuotes) {
    EXPECT_EQ(parsed({"a;b=\"c\""}), "a b=c");
    EXPECT_EQ(parsed({"a; b=\"1\\0\" ;c"}), "a b=10 c");
    EXPECT_EQ(parsed({"a;b=\"\\c\\c\""}), "a b=cc");
    for (const char* bad : {"a;b=\"\"", "a;b=\"c", "a;b=\"c d\"", "a;b=\"c\\", "a;b=\"\\\"\"", "a;b=\"c,d\"",
                            "a;b=\"c\"d", "a;\"b\"", "\"a\"", "a;b=\"\xC3\xA9\""}) {
        EXPECT_EQ(parsed({bad}), "bad") << bad;
    }
}

TEST(Extensions, AreNothingElse) {
    for (const char* bad : {"a b", ";", "a;", "a;;b", "a;=1", "a=1", "a;b=", "a;b=,c", "a;b==1", "a;b=1=2", "a;b c",
                            "a/b", "a;b=1;", "a, ;", "=", "(a)", "a\x01"}) {
        EXPECT_EQ(parsed({bad}), "bad") << bad;
    }
}

// The processor time of this thread, in seconds.
double cpu() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Row 20. The least of some runs: what else the machine does can only add to it.
double cost_of(const std::string& field) {
    double least = 1e9;
    for (int run = 0; run < 5; ++run) {
        const double before = cpu();
        static_cast<void>(parsed({field}));
        least = std::min(least, cpu() - before);
    }
    return least;
}

// CVE-2020-7663: escapes in an unterminated quote. CVE-2021-32640: spaces that match in many ways.
TEST(Extensions, Row20Cve20207663AndCve202132640TakeTimeInProportionToTheirLength) {
    for (const auto& [head, repeated] : std::initializer_list<std::pair<const char*, const char*>>{
             {"a;b=\"", "\\c"}, {"a", " "}, {"a;b=", " "}, {"a", " ;b"}, {"", ","}, {"a", ";b=1"}, {"a;b=\"", "c"}}) {
        std::string field = head;
        for (int i = 0; i < 20'000; ++i) {
            field += repeated;
        }
        // Were it quadratic, it would take minutes; the bound is generous for sanitizers on a busy machine.
        EXPECT_LT(cost_of(field), 0.5) << head << repeated;
    }
}

// ---- permessage-deflate: the server

std::optional<DeflateParameters> offer(std::string_view field) {
    Headers headers;
    headers.add("Sec-WebSocket-Extensions", field);
    return find_deflate_offer(parse_extensions(headers).value());
}

// The answer to an offer; "none" if there is none.
std::string answer(std::string_view field, const Compression& ours) {
    const auto offered = offer(field);
    if (!offered) {
        return "none";
    }
    const std::string text = to_text(answer_deflate(*offered, ours));
    return text.substr(std::min(text.size(), kPermessageDeflate.size() + 2));
}

const Compression k15{.context_takeover = kYes, .window_bits = 15};
const Compression k8{.context_takeover = kYes, .window_bits = 8};
const Compression k10{.context_takeover = kYes, .window_bits = 10};

// RFC 7692, 7.1.
TEST(DeflateNegotiation, AnswersWithWhatBothSidesCan) {
    EXPECT_EQ(answer("permessage-deflate", k15), "");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", k15), "");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15", k15), "server_max_window_bits=15");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10", k15), "server_max_window_bits=10");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8", k15), "server_max_window_bits=8");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=9", k15), "client_max_window_bits=9");
    EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover", k15), "server_no_context_takeover");
    EXPECT_EQ(answer("permessage-deflate; client_no_context_takeover", k15), "client_no_context_takeover");

    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", k10),
              "server_max_window_bits=10; client_max_window_bits=10");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=8; server_max_window_bits=9", k10),
              "server_max_window_bits=9; client_max_window_bits=8");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", Compression::kOn),
              "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; "
              "client_max_window_bits=12");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"1\\0\"", k15), "server_max_window_bits=10");
}

// RFC 7692, 7.1.2.2: the parameter may only be answered if it was offered.
TEST(DeflateNegotiation, LetsAClientThatCannotLimitItsWindowKeepNone) {
    EXPECT_EQ(answer("permessage-deflate", k10), "client_no_context_takeover; server_max_window_bits=10");
}

// Rows 21 and 22, CVE-2026-2229: window bits out of 8 to 15.
TEST(DeflateNegotiation, Row22Cve20262229DeclinesBadParameters) {
    for (const char* parameter : {"server_max_window_bits=7",
                                  "server_max_window_bits=16",
                                  "server_max_window_bits=010",
                                  "server_max_window_bits=08",
                                  "server_max_window_bits=0",
                                  "server_max_window_bits=",
                                  "server_max_window_bits",
                                  "server_max_window_bits=-9",
                                  "server_max_window_bits=+9",
                                  "server_max_window_bits=9.0",
                                  "server_max_window_bits=265",
                                  "server_max_window_bits=4294967304",
                                  "client_max_window_bits=7",
                                  "client_max_window_bits=16",
                                  "client_max_window_bits=010",
                                  "client_max_window_bits=x",
                                  "client_max_window_bits=1000000000000000000000",
                                  "server_no_context_takeover=1",
                                  "client_no_context_takeover=true",
                                  "server_no_context_takeover; server_no_context_takeover",
                                  "client_max_window_bits; client_max_window_bits=9",
                                  "server_max_window_bits=9; server_max_window_bits=9",
                                  "unknown",
                                  "unknown=1",
                                  "SERVER_NO_CONTEXT_TAKEOVER",
                                  "client_max_window_bits; mux"}) {
        const std::string field = "permessage-deflate; " + std::string{parameter};
        if (parsed({field}) != "bad") {
            EXPECT_EQ(answer(field, k15), "none") << parameter;
        }
    }
    for (const char* other : {"", "constructor", "__proto__", "permessage-deflates", "Permessage-Deflate",
                              "x-webkit-deflate-frame", "foo; bar=\"baz\""}) {
        EXPECT_EQ(answer(other, k15), "none") << other;
    }
}

// RFC 7692, 5.1: offers in order of preference.
TEST(DeflateNegotiation, Row22TakesTheFirstOfferThatItUnderstands) {
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10, permessage-deflate", k15),
              "server_max_window_bits=10");
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=16, permessage-deflate; unknown, mux, "
                     "permessage-deflate; client_max_window_bits=11, permessage-deflate",
                     k15),
              "client_max_window_bits=11");
}

// ---- permessage-deflate: the client

TEST(DeflateNegotiation, OffersWhatTheClientWants) {
    EXPECT_EQ(to_text(offer_deflate(k15)), "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(to_text(offer_deflate(k10)),
              "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10, "
              "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(to_text(offer_deflate({.window_bits = 15})),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits, "
              "permessage-deflate; client_max_window_bits");
}

// zlib has no raw streams for 8 bits: servers that use it refuse the handshake, or send streams for 9.
TEST(DeflateNegotiation, Ask9BitsOfAPeerWhere8AreWanted) {
    EXPECT_EQ(to_text(offer_deflate(k8)),
              "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9, "
              "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits", k8),
              "server_max_window_bits=9; client_max_window_bits=9");
    // A server may send no more than was asked of it (RFC 7692, 7.1.2.1), and Deflater keeps to 8.
    EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8; client_max_window_bits=8", k8),
              "server_max_window_bits=8; client_max_window_bits=8");
}

// The agreement after such an answer to the offer of `ours`; "fails" if the handshake does.
std::string agreed(std::string_view field, const Compression& ours) {
    Headers headers;
    headers.add("Sec-WebSocket-Extensions", field);
    const auto result = read_deflate_answer(parse_extensions(headers).value().front(), offer_deflate(ours));
    if (!result) {
        return "fails";
    }
    const std::string text = to_text(*result);
    return text.substr(std::min(text.size(), kPermessageDeflate.size() + 2));
}

// RFC 7692, 7.1.
TEST(DeflateNegotiation, TakesAnAnswerThatFitsTheOffer) {
    EXPECT_EQ(agreed("permessage-deflate", k15), "client_max_window_bits");
    EXPECT_EQ(agreed("permessage-deflate; server_max_window_bits=9; client_max_window_bits=8", k15),
              "server_max_window_bits=9; client_max_window_bits=8");
    EXPECT_EQ(agreed("permessage-deflate; server_no_context_takeover; client_no_context_takeover", k15),
              "server_no_context_takeover; client_no_context_takeover; client_max_window_bits");
    // The client does not do what it does not want, though the server would let it.
    EXPECT_EQ(agreed("permessage-deflate; server_max_window_bits=10", k10),
              "server_max_window_bits=10; client_max_window_bits=10");
    EXPECT_EQ(agreed("permessage-deflate; server_no_context_takeover", {.window_bits = 15}),
              "server_no_context_takeover; client_no_context_takeover; client_max_window_bits");
}

// RFC 7692, 5.1: a server that will not do what the first offer asks of it answers the second one.
TEST(DeflateNegotiation, TakesAnAnswerToItsSecondOfferAndKeepsToItsOwnLimits) {
    EXPECT_EQ(agreed("permessage-deflate", k10), "client_max_window_bits=10");
    EXPECT_EQ(agreed("permessage-deflate; client_max_window_bits=15", k10), "client_max_window_bits=10");
    EXPECT_EQ(agreed("permessage-deflate; client_max_window_bits=9", k10), "client_max_window_bits=9");
    EXPECT_EQ(agreed("permessage-deflate; server_max_window_bits=11", k10),
              "server_max_window_bits=11; client_max_window_bits=10");
    EXPECT_EQ(agreed("permessage-deflate", {.window_bits = 15}), "client_no_context_takeover; client_max_window_bits");
    EXPECT_EQ(agreed("permessage-deflate; server_no_context_takeover", Compression::kOn),
              "server_no_context_takeover; client_no_context_takeover; client_max_window_bits=12");
}

TEST(DeflateNegotiation, FailsOverAnAnswerToNoOffer) {
    const DeflateParameters narrow{.server_max_window_bits = 10};
    const DeflateParameters forgetful{.server_no_context_takeover = true, .client_max_window_bits = 12};
    const std::vector offers{narrow, forgetful};
    const auto is_answer = [&offers](const DeflateParameters& parameters) {
        const std::string text = to_text(parameters);
        const Headers headers{{"Sec-WebSocket-Extensions", text}};
        return read_deflate_answer(parse_extensions(headers).value().front(), offers).has_value();
    };
    EXPECT_TRUE(is_answer({.server_max_window_bits = 10}));
    EXPECT_TRUE(is_answer({.server_no_context_takeover = true}));
    EXPECT_TRUE(is_answer({.server_no_context_takeover = true, .client_max_window_bits = 12}));
    EXPECT_FALSE(is_answer({}));
    EXPECT_FALSE(is_answer({.server_max_window_bits = 11}));
    EXPECT_FALSE(is_answer({.server_max_window_bits = 10, .client_max_window_bits = 12}));  // half of either
    EXPECT_FALSE(is_answer({.server_no_context_takeover = true, .client_max_window_bits = 13}));
}

TEST(DeflateNegotiation, LimitsNoWindowThatTheClientDidNotOfferToLimit) {
    const std::vector<DeflateParameters> offers(1);
    const auto answer = read_deflate_answer({"permessage-deflate", {}}, offers);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->client_max_window_bits);
}

// Row 70, CVE-2026-2229.
TEST(DeflateNegotiation, Row70Cve20262229FailsOverAnAnswerThatDoesNot) {
    for (const char* parameter :
         {"client_max_window_bits", "client_max_window_bits=7", "client_max_window_bits=16",
          "client_max_window_bits=010", "server_max_window_bits", "server_max_window_bits=7",
          "server_max_window_bits=16", "server_max_window_bits=010",
          "server_max_window_bits=9; server_max_window_bits=9",
          "client_no_context_takeover; client_no_context_takeover", "server_no_context_takeover=1", "unknown"}) {
        EXPECT_EQ(agreed("permessage-deflate; " + std::string{parameter}, k15), "fails") << parameter;
    }
    EXPECT_EQ(agreed("mux", k15), "fails");
}

}  // namespace
}  // namespace c10k::wire
