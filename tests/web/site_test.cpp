#include "web/site.hpp"

#include "base/log.hpp"
#include "web/folder.hpp"

#include <array>
#include <csignal>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace c10k {
namespace {

constexpr std::string_view kAdvice = ": stop the program that listens there, or choose another address";

Response hello(Request& /*request*/) { return Response::text("hello"); }

Task<> note_the_end(bool& ended) {
    try {
        co_await sleep_for(std::chrono::hours{1});
    } catch (const Stopped&) {
    }
    ended = true;
}

Task<> fail_soon() {
    co_await yield();
    throw std::runtime_error("out of cheese");
}

void stop(const Listening& /*listening*/) { std::raise(SIGTERM); }

// A port of 127.0.0.1 that is taken as long as this lives.
class TakenPort {
public:
    TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
        ::listen(socket_, 1);
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        number_ = ntohs(address.sin_port);
    }
    ~TakenPort() { ::close(socket_); }
    TakenPort(const TakenPort&) = delete;
    TakenPort& operator=(const TakenPort&) = delete;

    [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

private:
    int socket_;
    std::uint16_t number_ = 0;
};

// Opens a WebSocket to 127.0.0.1 and never reads, so that nothing has to run meanwhile.
class SilentClient {
public:
    explicit SilentClient(const std::string& port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        const std::string_view handshake =
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        ::send(socket_, handshake.data(), handshake.size(), 0);
    }
    ~SilentClient() { ::close(socket_); }
    SilentClient(const SilentClient&) = delete;
    SilentClient& operator=(const SilentClient&) = delete;

    // All that came. Requires: the server has ended.
    [[nodiscard]] std::string take_all() const {
        std::string bytes;
        std::array<char, 4096> piece;
        for (ssize_t size = 0; (size = ::recv(socket_, piece.data(), piece.size(), 0)) > 0;) {
            bytes.append(piece.data(), static_cast<std::size_t>(size));
        }
        return bytes;
    }

private:
    int socket_;
};

class SiteTest : public testing::Test {
protected:
    SiteTest() {
        log::set_level(log::Level::kError);
        settings_.port = 0;
    }
    ~SiteTest() override { log::set_level(log::Level::kInfo); }

    // The text of the exception that run_site() throws.
    std::string failure(const SiteFactory& site) {
        try {
            run_site(site, settings_, stop);
        } catch (const std::exception& error) {
            return error.what();
        }
        return "none";
    }

    Settings settings_;
    SiteFactory empty_ = [](Services&) { return BuiltSite{}; };
};

struct ShopSite {
    explicit ShopSite(Services& services) : services(services) {}
    Urls urls() {
        return {path("", this, &ShopSite::front, "front"), path("shop/<int:item>/", this, &ShopSite::item, "item")};
    }

    Response front(Request& /*request*/) { return Response::redirect(services.urls.reverse("item", 7)); }
    Response item(Request& /*request*/, int number) { return Response::text(std::to_string(number)); }

    Services& services;
};

TEST_F(SiteTest, IsBuiltByItsClassAndKnowsItsOwnRoutes) {
    std::string location;
    inspect_site(site_factory<ShopSite>(), settings_, [&location](const HostedSite& site) {
        Request request;
        const Route& front = *site.urls().begin();
        auto answer = std::get<PageView>(front.view())(request, {});
        location = std::get<Response>(answer).headers.get("Location").value();
    });
    EXPECT_EQ(location, "/shop/7/");
}

TEST_F(SiteTest, SearchesTheFoldersOfTheSettingsBeforeItsOwn) {
    const Folder ours;
    const Folder theirs;
    ours.write("a.html", "ours");
    theirs.write("a.html", "theirs");
    settings_.template_folders = {theirs.path().string()};
    std::string body;
    const SiteFactory factory = [&](Services& services) {
        services.templates.add_folder(ours.path());
        body = services.templates.render(Request{}, "a.html").body;
        return BuiltSite{};
    };
    inspect_site(factory, settings_, [](const HostedSite&) {});
    EXPECT_EQ(body, "theirs");
}

TEST_F(SiteTest, TellsAllThatItsChecksFind) {
    settings_.slow_bytes = 1;
    settings_.static_folders = {"/no/such/folder"};
    std::string ids;
    const SiteFactory factory = [](Services&) { return BuiltSite{nullptr, {path("", hello), path("", hello)}}; };
    inspect_site(factory, settings_, [&ids](const HostedSite& site) {
        for (const CheckMessage& message : site.check()) {
            ids += message.id + ' ';
        }
    });
    EXPECT_EQ(ids, "settings.E002 urls.W002 staticfiles.W001 ");
}

TEST_F(SiteTest, EndsOnSigtermInGoodOrder) {
    bool ended = false;
    std::string address;
    const SiteFactory factory = [&ended](Services& services) {
        services.background.spawn(note_the_end(ended));
        return BuiltSite{};
    };
    run_site(factory, settings_, [&address](const Listening& listening) {
        address = listening.addresses.front();
        stop(listening);
    });
    EXPECT_TRUE(address.starts_with("127.0.0.1:") && !address.ends_with(":0")) << address;
    EXPECT_TRUE(ended);
}

// RFC 6455, 7.4.1: 1001 is going away.
TEST_F(SiteTest, ClosesItsWebSocketsWhenItEnds) {
    const auto view = [](WebSocket& socket) -> Task<> {
        socket.accept();
        std::raise(SIGTERM);
        co_await socket.recv();
    };
    settings_.close_time = std::chrono::milliseconds{200};  // its peer never answers, but is to get the close frame
    std::optional<SilentClient> client;
    run_site(
        [&view](Services&) {
            return BuiltSite{nullptr, {path("", view)}};
        },
        settings_,
        [&client](const Listening& listening) {
            client.emplace(listening.addresses.front().substr(listening.addresses.front().rfind(':') + 1));
        });
    const std::string bytes = client->take_all();
    EXPECT_TRUE(bytes.starts_with("HTTP/1.1 101 ")) << bytes;
    const std::size_t frames = bytes.find("\r\n\r\n") + 4;
    ASSERT_GT(bytes.size(), frames + 4);
    EXPECT_EQ(bytes[frames], '\x88');
    EXPECT_EQ(bytes.substr(frames + 2, 2), "\x03\xe9");
}

TEST_F(SiteTest, EndsWhenABackgroundTaskFails) {
    const SiteFactory factory = [](Services& services) {
        services.background.spawn(fail_soon());
        return BuiltSite{};
    };
    try {
        run_site(factory, settings_, [](const Listening&) {});
        FAIL() << "it ended without a word";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "out of cheese");
    }
}

TEST_F(SiteTest, LivesOnWhenThatFailureIsSomebodyElses) {
    bool told = false;
    const SiteFactory factory = [&told](Services& services) {
        services.background.spawn(fail_soon(), [&told](std::exception_ptr) {
            told = true;
            std::raise(SIGTERM);
        });
        return BuiltSite{};
    };
    run_site(factory, settings_, [](const Listening&) {});
    EXPECT_TRUE(told);
}

TEST_F(SiteTest, SaysWhichAddressIsTakenAndStopsWhatItHasStarted) {
    const TakenPort port;
    settings_.port = port.number();
    bool ended = false;
    const SiteFactory factory = [&ended](Services& services) {
        services.background.spawn(note_the_end(ended));
        return BuiltSite{};
    };
    EXPECT_EQ(failure(factory), "cannot listen on 127.0.0.1:" + std::to_string(port.number()) +
                                    ": Address already in use" + std::string{kAdvice});
    EXPECT_TRUE(ended);
}

TEST_F(SiteTest, DoesNotStartWithAnError) {
    settings_.slow_bytes = 1;
    settings_.allowed_origins = {"example.com"};
    const std::string text = failure(empty_);
    EXPECT_NE(text.find("settings.E002: "), std::string::npos);
    EXPECT_NE(text.find("\nsettings.E005: "), std::string::npos);
}

TEST_F(SiteTest, PassesOnWhatItsConstructorThrows) {
    EXPECT_EQ(failure([](Services&) -> BuiltSite { throw std::runtime_error("no database"); }), "no database");
}

TEST_F(SiteTest, ServeTellsFailureByTheExitStatusAndOneLine) {
    const TakenPort port;
    testing::internal::CaptureStderr();
    const auto view = [](WebSocket&) -> Task<> { co_return; };
    EXPECT_EQ(serve(view, {.host = "127.0.0.1", .port = port.number()}), 1);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "cannot listen on 127.0.0.1:" + std::to_string(port.number()) +
                                                          ": Address already in use" + std::string{kAdvice} + '\n');
    EXPECT_EQ(serve(Urls{path("", hello)}, {.host = "no such host", .port = 0}), 1);
}

}  // namespace
}  // namespace c10k
