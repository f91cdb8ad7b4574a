#include "web/checks.hpp"

#include "c10k/message.hpp"
#include "tls/certificates.hpp"
#include "web/folder.hpp"
#include "web/listening.hpp"
#include "web/server_tls.hpp"

#include <gtest/gtest.h>

struct Month {
    int number;
};

template <>
struct c10k::Converter<Month> {
    static constexpr std::string_view kName = "month";
    static std::optional<Month> parse(std::string_view text) {
        return text == "may" ? std::optional{Month{5}} : std::nullopt;
    }
    static std::string format(const Month& /*month*/) { return "may"; }
};

namespace c10k {
namespace {

Response page(Request& /*request*/) { return {}; }
Response number_page(Request& /*request*/, int /*number*/) { return {}; }
Response small_number_page(Request& /*request*/, std::uint8_t /*number*/) { return {}; }
Response month_page(Request& /*request*/, Month /*month*/) { return {}; }
Response text_page(Request& /*request*/, std::string_view /*text*/) { return {}; }

std::string ids(const std::vector<CheckMessage>& messages) {
    std::string text;
    for (const CheckMessage& message : messages) {
        text += (text.empty() ? "" : " ") + message.id;
    }
    return text;
}

TEST(Checks, FindNothingWrongWithTheDefaults) { EXPECT_EQ(ids(check_settings(Settings{})), ""); }

TEST(Checks, FindLimitsThatContradictEachOther) {
    Settings settings;
    settings.max_request_line_bytes = 32 * 1024;
    settings.slow_bytes = 1024;
    settings.backend = "kqueue";
    EXPECT_EQ(ids(check_settings(settings)), "settings.E001 settings.E002 settings.E003");
}

// A program can set what no file, environment or flag could.
TEST(Checks, FindValuesOutOfTheirBounds) {
    Settings settings;
    settings.workers = 0;
    settings.ping_interval = std::chrono::hours{2};
    const std::vector<CheckMessage> messages = check_settings(settings);
    ASSERT_EQ(ids(messages), "settings.E010 settings.E010");
    EXPECT_EQ(messages[0].text, "workers: '0' is not a number from 1 to 64");
    EXPECT_EQ(messages[1].text, "ping_interval: '7200s' is not a time from 1s to 1h, as in 250ms, 10s, 1.5m or 1h");
}

TEST(Checks, FindHostsOriginsAndProxiesThatMatchNothing) {
    Settings settings;
    settings.allowed_hosts = {"example.com", ".example.com", "*", "[::1]", "https://example.com", "example.com:80", ""};
    settings.allowed_origins = {"https://example.com", "http://*.example.com:8000", "*", "example.com"};
    settings.trusted_proxies = {"127.0.0.1", "10.0.0.0/8", "nginx"};
    EXPECT_EQ(ids(check_settings(settings)), "settings.E004 settings.E004 settings.E004 settings.E005 settings.E006");
    settings = {};
    settings.allowed_origins = {"https://example.com/", "HTTPS://Example.com"};
    ASSERT_EQ(ids(check_settings(settings)), "settings.E005");
    EXPECT_EQ(
        to_text(check_settings(settings).front()),
        "settings.E005: 'https://example.com/' in allowed_origins matches no origin: an origin has no path (write "
        "https://example.com)");
}

TEST(Checks, FindAHostThatNobodyCanListenOn) {
    Settings settings;
    settings.allowed_hosts = {"example.com"};
    for (const char* host : {"", "127.0.0.1:8000", "http://127.0.0.1"}) {
        settings.host = host;
        EXPECT_EQ(ids(check_settings(settings)), "settings.E009") << host;
        EXPECT_EQ(ids(check_listening(settings)), "") << host;
    }
    settings.host = "nobody.invalid";  // RFC 6761, 6.4
    EXPECT_EQ(ids(check_settings(settings)), "");
    EXPECT_EQ(ids(check_listening(settings)), "settings.E010");
}

TEST(Checks, FindCertificatesThatNoServerCanShow) {
    const CertificateFolder folder;
    const CertificateFiles good = folder.make({.names = {"good.test"}});
    const CertificateFiles soon = folder.make({.names = {"soon.test"}, .time = std::chrono::hours{24}});
    Settings settings;
    EXPECT_EQ(ids(check_tls(settings)), "");
    EXPECT_EQ(server_certificates(settings), nullptr);
    settings.tls_certificate = {good.certificate, soon.certificate};
    EXPECT_EQ(ids(check_tls(settings)), "tls.E001");
    settings.tls_key = {good.key, soon.key};
    EXPECT_EQ(ids(check_tls(settings)), "tls.W001");
    EXPECT_NE(server_certificates(settings), nullptr);
    settings.tls_key = {soon.key, good.key};
    EXPECT_EQ(ids(check_tls(settings)), "tls.E002 tls.E002 tls.W001");
    EXPECT_THROW(server_certificates(settings), std::runtime_error);
}

TEST(Checks, FindAServerThatStrangersCanReachWithoutANameOrWithDebug) {
    Settings settings;
    settings.debug = true;
    EXPECT_EQ(ids(check_settings(settings)), "");
    settings.host = "0.0.0.0";
    EXPECT_EQ(ids(check_settings(settings)), "security.W001 security.W002");
    settings.host = "::";
    EXPECT_EQ(ids(check_settings(settings)), "security.W001 security.W002");
    settings.host = "::1";
    EXPECT_EQ(ids(check_settings(settings)), "");
    settings.host = "[::1]";
    EXPECT_EQ(ids(check_settings(settings)), "");
    settings.host = "*";
    EXPECT_EQ(ids(check_settings(settings)), "security.W001 security.W002");
    settings.host = "unix:/run/site.sock";  // behind which is a proxy that passes on whom it was asked for
    EXPECT_EQ(ids(check_settings(settings)), "security.W001");
    settings.host = "192.0.2.1";
    settings.debug = false;
    settings.allowed_hosts = {"example.com"};
    EXPECT_EQ(ids(check_settings(settings)), "");
}

TEST(Checks, FindRoutesOfTheSameName) {
    EXPECT_EQ(
        ids(check_urls({path("a/", page, "index"), path("b/", page, "index"), path("c/", page), path("d/", page)})),
        "urls.W001");
}

TEST(Checks, FindRoutesThatNothingReaches) {
    EXPECT_EQ(ids(check_urls({path("a/", page), path("a/", page)})), "urls.W002");
    EXPECT_EQ(ids(check_urls({path("<str:x>/", text_page), path("<slug:x>/", text_page)})), "urls.W002");
    EXPECT_EQ(ids(check_urls({path("<path:x>", text_page), path("a/b/", page)})), "urls.W002");
    EXPECT_EQ(ids(check_urls({path("<slug:x>/", text_page), path("<int:x>/", number_page)})), "urls.W002");
    EXPECT_EQ(ids(check_urls({path("<slug:x>/", text_page), path("about/", page)})), "urls.W002");
}

TEST(Checks, DoNotComplainOfNarrowRoutesInFront) {
    EXPECT_EQ(ids(check_urls({path("about/", page), path("<int:x>/", number_page), path("<slug:x>/", text_page),
                              path("<str:x>/", text_page), path("<path:x>", text_page)})),
              "");
    EXPECT_EQ(ids(check_urls({path("<int:x>/", small_number_page), path("<int:x>/", number_page)})), "");
}

// Nobody but the converter knows what it takes.
TEST(Checks, DoNotComplainOfRoutesWithAConverterOfTheUser) {
    EXPECT_EQ(ids(check_urls({path("<int:x>/", number_page), path("<month:x>/", month_page)})), "");
}

TEST(Checks, FindFoldersThatAreMissing) {
    const Folder folder;
    EXPECT_EQ(ids(check_folders("templates", {folder.path(), folder.path() / "missing"})), "templates.W001");
}

TEST(Checks, SayWhatToDo) {
    EXPECT_EQ(to_text({CheckMessage::Level::kError, "x.E001", "it is wrong", "mend it"}),
              "x.E001: it is wrong (mend it)");
    EXPECT_EQ(to_text({CheckMessage::Level::kError, "x.E001", "it is wrong", ""}), "x.E001: it is wrong");
}

}  // namespace
}  // namespace c10k
