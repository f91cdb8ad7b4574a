#include "manage/top.hpp"

#include "base/text.hpp"
#include "c10k/client.hpp"
#include "c10k/descriptor.hpp"
#include "c10k/http.hpp"
#include "c10k/json.hpp"
#include "c10k/manage.hpp"
#include "live/dashboard.hpp"
#include "manage/top_screen.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kLookInterval{200};  // at the size of the terminal
constexpr std::chrono::seconds kPause{1};                // before it connects again
constexpr std::size_t kMostMessageBytes = 4 * 1024 * 1024;
constexpr std::string_view kFragment = "#token=";

// The dashboard's WebSocket, and its token.
struct Target {
    std::string url;
    std::string token;
};

Target target_of(const TopOptions& options, const Settings& settings) {
    std::string address = options.url;
    if (address.empty()) {
        if (settings.live_port == 0) {
            throw CommandError(
                "give the address that the server has printed: manage top --url "
                "'http://127.0.0.1:PORT/_live/#token=...'");
        }
        address = (is_live_secure(settings) ? "https://" : "http://") + settings.live_host + ':' +
                  std::to_string(settings.live_port) + "/_live/";
    }
    Target target;
    const std::size_t fragment = std::min(address.find('#'), address.size());
    const std::string_view behind = std::string_view{address}.substr(fragment);
    target.token = !options.token.empty()          ? options.token
                   : behind.starts_with(kFragment) ? percent_decode(behind.substr(kFragment.size()))
                                                   : settings.live_token;
    if (!is_token(target.token)) {
        throw CommandError("the token is missing: it stands behind # in the address that the server has printed");
    }
    address.resize(fragment);
    for (const auto& [http, ws] : {std::pair{"http://", "ws://"}, std::pair{"https://", "wss://"}}) {
        if (address.starts_with(http)) {
            address.replace(0, std::string_view{http}.size(), ws);
        }
    }
    const std::size_t path = address.find('/', address.find("://") + 3);
    target.url = address.substr(0, path) + "/_live/ws/";
    return target;
}

// The terminal while it shows figures: no echo, no lines, another screen, no cursor.
class Terminal {
public:
    Terminal() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios now = before_;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
        flags_ = ::fcntl(STDIN_FILENO, F_GETFL);
        write("\x1b[?1049h\x1b[?25l");
    }
    ~Terminal() {
        write("\x1b[?25h\x1b[?1049l");
        ::fcntl(STDIN_FILENO, F_SETFL, flags_);
        ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] static TopScreen::Size size() {
        winsize now{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_col == 0 || now.ws_row == 0) {
            return {};
        }
        return {now.ws_col, now.ws_row};
    }
    static void show(const TopScreen& screen) {
        std::string text = "\x1b[H";
        const std::vector<std::string> lines = screen.lines(size());
        for (std::size_t i = 0; i < lines.size(); ++i) {
            text += lines[i] + "\x1b[K" + (i + 1 < lines.size() ? "\r\n" : "");
        }
        write(text + "\x1b[J");
    }

private:
    static void write(std::string_view text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    }

    termios before_{};
    int flags_ = 0;
};

// Shows or prints what comes.
class Top {
public:
    Top(const TopOptions& options, Target target)
        : options_(options), target_(std::move(target)),
          is_interactive_(!options.is_once && !options.is_json && ::isatty(STDIN_FILENO) != 0 &&
                          ::isatty(STDOUT_FILENO) != 0) {}

    Task<> run() {
        if (!is_interactive_) {
            co_await connect_once();
            co_return;
        }
        const Terminal terminal;
        co_await task_group([this](TaskGroup& group) -> Task<> {
            group.spawn(keep_connected());
            group.spawn(watch_size());
            co_await read_keys();
            group.stop();
        });
    }

private:
    [[nodiscard]] Endpoint endpoint() const {
        EndpointOptions options;
        options.subprotocols = {std::string{Dashboard::kSubprotocol},
                                std::string{Dashboard::kTokenPrefix} + target_.token};
        options.ca_file = options_.ca;
        options.max_message_bytes = kMostMessageBytes;
        try {
            return Endpoint{target_.url, options};
        } catch (const std::exception& error) {
            throw CommandError(error.what());
        }
    }

    // Returns when the server has closed, or all is printed.
    Task<> connect_once() {
        const auto view = [this](WebSocket& socket) { return take(socket); };
        try {
            co_await connect(endpoint(), view);
        } catch (const ConnectError& error) {
            throw CommandError(error.what());
        }
        if (!has_figures_) {
            throw CommandError("the server has closed without a word");
        }
    }

    Task<> keep_connected() {
        for (;;) {
            std::string trouble = "The server has closed; trying again";
            try {
                co_await connect_once();
            } catch (const CommandError& error) {
                trouble = error.what();
            }
            screen_.set_trouble(std::move(trouble));
            Terminal::show(screen_);
            co_await sleep_for(kPause);
        }
    }

    Task<> take(WebSocket& socket) {
        while (const std::optional<Message> message = co_await socket.recv()) {
            if (!note(message->view())) {
                co_return;
            }
        }
    }

    // Returns false if that was the last one that is wanted.
    bool note(std::string_view text) {
        const Json message = parse(text);
        if (message.contains("hello")) {
            screen_.hello(message["hello"]);
        }
        if (!message.contains("figures")) {
            return true;
        }
        has_figures_ = true;
        screen_.figures(message["figures"]);
        if (is_interactive_) {
            Terminal::show(screen_);
            return true;
        }
        std::puts(options_.is_json ? json_text(message["figures"]).c_str() : screen_.line().c_str());
        std::fflush(stdout);
        return !options_.is_once;
    }
    static Json parse(std::string_view text) {
        try {
            Json message = parse_json(text);
            return message.is_object() ? message : Json::object();
        } catch (const std::exception&) {  // no dashboard
            return Json::object();
        }
    }

    // Returns when q was pressed, or nobody can press it any more.
    Task<> read_keys() {
        for (;;) {
            co_await readable(STDIN_FILENO);
            std::array<char, 64> bytes;
            const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
            if (count <= 0) {
                co_return;
            }
            const std::string_view keys{bytes.data(), static_cast<std::size_t>(count)};
            if (keys.find_first_of("qQ") != std::string_view::npos) {
                co_return;
            }
            if (keys.ends_with("\x1b[A") || keys.ends_with("\x1bOA") || keys.ends_with('k')) {
                screen_.scroll(-1);
            } else if (keys.ends_with("\x1b[B") || keys.ends_with("\x1bOB") || keys.ends_with('j')) {
                screen_.scroll(1);
            }
            Terminal::show(screen_);
        }
    }

    Task<> watch_size() {
        for (TopScreen::Size shown = Terminal::size();;) {
            co_await sleep_for(kLookInterval);
            const TopScreen::Size now = Terminal::size();
            if (now.columns != shown.columns || now.rows != shown.rows) {
                shown = now;
                Terminal::show(screen_);
            }
        }
    }

    const TopOptions& options_;
    Target target_;
    bool is_interactive_;
    bool has_figures_ = false;
    TopScreen screen_;
};

}  // namespace

Task<> run_top(const TopOptions& options, const Settings& settings) {
    Top top{options, target_of(options, settings)};
    co_await top.run();
}

}  // namespace c10k
