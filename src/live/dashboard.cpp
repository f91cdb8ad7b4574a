#include "live/dashboard.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "c10k/close_code.hpp"
#include "c10k/json.hpp"
#include "connection/loop_services.hpp"
#include "live/live_application.hpp"
#include "live/live_page.hpp"
#include "loop/loop.hpp"
#include "server/server.hpp"
#include "task/run.hpp"
#include "web/assets.hpp"
#include "web/dispatcher.hpp"
#include "web/server_tls.hpp"
#include "wire/forwarded.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMostPages = 16;
constexpr milliseconds kLookInterval{20};
constexpr milliseconds kFarewellTime{1'000};
constexpr std::string_view kBearer = "Bearer ";

// The settings of the dashboard's own server: debug would let pages of other ports in.
Settings own_settings(const Settings& site) {
    Settings own;
    own.host = site.live_host;
    own.verbosity = site.verbosity;
    own.allowed_hosts = site.allowed_hosts;
    own.trusted_proxies = site.trusted_proxies;
    own.tls_certificate = site.tls_certificate;
    own.tls_key = site.tls_key;
    own.max_connections = 4 * kMostPages;
    own.max_newcomers = 2 * kMostPages;
    own.max_message_bytes = 16 * 1024;
    own.max_body_bytes = 0;
    return own;
}

double unix_time() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<double>(std::chrono::duration_cast<milliseconds>(since).count()) / 1e3;
}

Response with_headers(Response response) {
    response.headers.set("Content-Security-Policy",
                         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    response.headers.set("X-Content-Type-Options", "nosniff");
    response.headers.set("X-Frame-Options", "DENY");
    response.headers.set("Referrer-Policy", "no-referrer");
    response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.set("Cache-Control", "no-store");
    return response;
}

std::string_view content_type(std::string_view name) {
    return name.ends_with(".css")   ? "text/css; charset=utf-8"
           : name.ends_with(".svg") ? "image/svg+xml"
                                    : "text/javascript; charset=utf-8";
}

}  // namespace

// A page that is open.
class Dashboard::Page {
public:
    Page(Dashboard& dashboard, WebSocket& socket, bool may_control)
        : dashboard_(dashboard), socket_(socket), may_control_(may_control), number_(++dashboard.last_page_) {
        dashboard_.pages_.emplace(number_, this);
    }
    ~Page() {
        stop_following();
        dashboard_.pages_.erase(number_);
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    // Null: it searches for nothing in particular, and gets those with the longest queues.
    [[nodiscard]] const std::shared_ptr<const ConnectionQuery>& query() const noexcept { return query_; }
    [[nodiscard]] const std::string& query_text() const noexcept { return query_text_; }

    // Sends it, unless the page is behind.
    bool send(const Json& json) { return !socket_.is_full() && socket_.deliver(Message{json_text(json)}); }
    void answer(const Json& number, const std::string& error) {
        if (!number.is_null()) {
            send({{"answer", number}, {"error", error.empty() ? Json(nullptr) : Json(error)}});
        }
    }

    // A message of the page. Throws what PageMessage::parse() throws.
    void handle(const Message& received) {
        const PageMessage message = PageMessage::parse(received.view());
        if (message.find) {
            query_text_ = *message.find;
            query_ = std::make_shared<const ConnectionQuery>(query_text_, loop_count());
        }
        if (!may_control_ && (!message.follow.empty() || message.close)) {
            answer(message.number, std::string{kNoControl});
            return;
        }
        if (message.is_follow) {
            stop_following();
            if (!message.follow.empty()) {
                start_following(message.follow, message.number);
            }
        }
        if (message.close) {
            close(message);
        }
    }

    void take(const std::shared_ptr<Follower>& follower, const std::string& id, const FollowedMessages& batch) {
        if (follower == follower_) {
            send(followed_json(id, batch));
        }
        follower->note_taken();
    }

    static constexpr std::string_view kNoControl =
        "Following and closing need the setting live_control: loopback, or all.";

private:
    [[nodiscard]] std::uint32_t loop_count() const noexcept {
        return static_cast<std::uint32_t>(dashboard_.loops_.size());
    }
    // On our loop, if the page is still there then.
    template <typename Call>
    auto later(Call call) {
        return [jobs = dashboard_.jobs_, dashboard = &dashboard_, number = number_, call](auto... arguments) {
            jobs->post_call([=] {
                if (const auto page = dashboard->pages_.find(number); page != dashboard->pages_.end()) {
                    call(*page->second, arguments...);
                }
            });
        };
    }

    void start_following(const std::string& text, const Json& number) {
        const auto id = ConnectionId::parse(text, loop_count());
        if (!id) {
            answer(number, "There is no connection " + text + '.');
            return;
        }
        followed_loop_ = id->loop;
        auto weak = std::make_shared<std::weak_ptr<Follower>>();
        const auto take_batch = later([weak, text](Page& page, const FollowedMessages& batch) {
            if (const auto follower = weak->lock()) {
                page.take(follower, text, batch);
            }
        });
        follower_ = std::make_shared<Follower>(*id, take_batch);
        *weak = follower_;
        const auto tell = later([number, text](Page& page, bool has_begun) {
            page.answer(number, has_begun ? "" : "There is no connection " + text + " any more.");
        });
        dashboard_.on_loop(id->loop,
                           [follower = follower_, tell](LoopObserver& observer) { tell(observer.start(follower)); });
    }
    void stop_following() {
        if (follower_) {
            dashboard_.on_loop(followed_loop_, [follower = std::exchange(follower_, nullptr)](LoopObserver& observer) {
                observer.stop(follower);
            });
        }
    }

    void close(const PageMessage& message) {
        const std::string text = *message.close;
        const auto id = ConnectionId::parse(text, loop_count());
        const auto tell = later([number = message.number, text](Page& page, bool is_closed) {
            page.answer(number, is_closed ? "" : "There is no connection " + text + " any more.");
        });
        if (!id) {
            tell(false);
            return;
        }
        log::warning("The dashboard closes the WebSocket " + text + " with " + std::to_string(message.code));
        dashboard_.on_loop(id->loop, [id = *id, code = message.code, reason = message.reason,
                                      tell](LoopObserver& observer) { tell(observer.close(id, code, reason)); });
    }

    Dashboard& dashboard_;
    WebSocket& socket_;
    bool may_control_;
    std::uint64_t number_;
    std::string query_text_;
    std::shared_ptr<const ConnectionQuery> query_;
    std::shared_ptr<Follower> follower_;
    std::uint32_t followed_loop_ = 0;
};

Dashboard::Dashboard(const Settings& settings, Development development, LiveListener listener)
    : settings_(settings), development_(development), listener_(std::move(listener)), url_(listener_.url()),
      own_settings_(own_settings(settings)), loops_(settings.workers), started_(unix_time()) {}

Dashboard::~Dashboard() = default;

// ---- The site's loops

void Dashboard::note_address(std::string address) {
    const std::lock_guard lock{mutex_};
    address_ = std::move(address);
}

void Dashboard::on_site_built(std::size_t number, Loop& loop, const Dispatcher& dispatcher) {
    LoopServices& services = LoopServices::of(loop);
    const std::vector<RouteTraffic> routes = dispatcher.traffic();
    auto observer = std::make_shared<LoopObserver>(services, static_cast<std::uint32_t>(number), routes);
    const std::lock_guard lock{mutex_};
    loops_[number].source = {services.counters, loop.backend().delay(), routes};
    loops_[number].jobs = loop.job_queue();
    loops_[number].observer = std::move(observer);
    ++built_;
}

void Dashboard::on_site_ended(std::size_t number) noexcept {
    const std::lock_guard lock{mutex_};
    loops_[number].observer = nullptr;
}

template <typename Call>
bool Dashboard::on_loop(std::size_t loop, Call call) {
    std::weak_ptr<LoopObserver> weak;
    {
        const std::lock_guard lock{mutex_};
        weak = loops_[loop].observer;
    }
    return loops_[loop].jobs->post_call([weak, call] {
        if (const auto observer = weak.lock()) {
            call(*observer);
        }
    });
}

Task<> Dashboard::wait_for_site() {
    const auto is_built = [this] {
        const std::lock_guard lock{mutex_};
        return built_ == loops_.size();
    };
    while (!is_built()) {
        co_await sleep_for(kLookInterval);
    }
    std::vector<LoopSource> sources;
    for (const SiteLoop& loop : loops_) {
        sources.push_back(loop.source);
    }
    sampler_.emplace(std::move(sources));
}

// ---- Each second

Task<> Dashboard::tick() {
    for (auto next = std::chrono::steady_clock::now();;) {
        start_walks();
        next = std::max(next + seconds{1}, std::chrono::steady_clock::now());
        co_await sleep_for(next - std::chrono::steady_clock::now());
        std::vector<std::shared_ptr<const LoopWalk>> walks;
        for (const SiteLoop& loop : loops_) {
            walks.push_back(loop.walk);
        }
        sampler_->take(std::chrono::steady_clock::now(), walks);
        for (const auto& [number, page] : pages_) {
            page->send(figures_for(*page));
        }
    }
}

// A loop that has not answered is not asked again: its last walk stays.
void Dashboard::start_walks() {
    std::vector<LoopObserver::Search> searches;
    for (const auto& [number, page] : pages_) {
        searches.push_back({number, page->query() ? page->query()
                                                  : std::make_shared<const ConnectionQuery>(
                                                        "", static_cast<std::uint32_t>(loops_.size()))});
    }
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        if (!std::exchange(loops_[i].is_walking, true)) {
            const auto on_walked = [this, i, jobs = jobs_](LoopWalk walk) {
                jobs->post_call([this, i, walk = std::make_shared<LoopWalk>(std::move(walk))] { note_walk(i, *walk); });
            };
            on_loop(i, [searches, on_walked](LoopObserver& observer) { observer.walk(searches, on_walked); });
        }
    }
}

void Dashboard::note_walk(std::size_t loop, LoopWalk walk) {
    loops_[loop].walk = std::make_shared<const LoopWalk>(std::move(walk));
    loops_[loop].is_walking = false;
}

// ---- What pages get

Json Dashboard::to_json(const ConnectionFacts& facts) const {
    Json json{{"id", facts.id.text(static_cast<std::uint32_t>(loops_.size()))},
              {"route", facts.own_route},
              {"path", facts.own_path},
              {"peer", facts.own_peer},
              {"loop", facts.id.loop + 1},
              {"age", facts.age},
              {"in", facts.received},
              {"out", facts.sent},
              {"queued", facts.queued},
              {"idle", facts.idle},
              {"memory", facts.memory},
              {"compressed", facts.is_compressed}};
    if (facts.slow > 0) {
        json["slow"] = facts.slow;
        json["slow_time"] = facts.slow_time;
    }
    return json;
}

Json Dashboard::found_by(std::uint64_t page) const {
    std::uint64_t count = 0;
    std::vector<ConnectionFacts> first;
    for (const SiteLoop& loop : loops_) {
        for (const LoopWalk::Found& found : loop.walk ? loop.walk->found : std::vector<LoopWalk::Found>{}) {
            if (found.page == page) {
                count += found.count;
                first.insert(first.end(), found.first.begin(), found.first.end());
            }
        }
    }
    keep_most_queued(first, LoopWalk::kMostFound);
    Json connections = Json::array();
    for (const ConnectionFacts& facts : first) {
        connections.push_back(to_json(facts));
    }
    return {{"count", count}, {"connections", std::move(connections)}};
}

Json Dashboard::slowest() const {
    std::vector<ConnectionFacts> slow;
    for (const SiteLoop& loop : loops_) {
        if (loop.walk) {
            slow.insert(slow.end(), loop.walk->slowest.begin(), loop.walk->slowest.end());
        }
    }
    keep_slowest(slow, LoopWalk::kMostSlow);
    Json json = Json::array();
    for (const ConnectionFacts& facts : slow) {
        json.push_back(to_json(facts));
    }
    return json;
}

Json Dashboard::figures_for(const Page& page) const {
    Json json = sampler_->figures();
    json["slowest"] = slowest();
    json["found"] = found_by(page.number());
    json["found"]["find"] = page.query_text();
    Json message;
    message["figures"] = std::move(json);
    return message;
}

Json Dashboard::hello(bool may_control) const {
    const std::string address = [this] {
        const std::lock_guard lock{mutex_};
        return address_;
    }();
    Json json{{"version", C10K_VERSION},
              {"address", address},
              {"backend", backend_},
              {"loops", loops_.size()},
              {"process", ::getpid()},
              {"started", started_},
              {"now", unix_time()},
              {"control", may_control},
              {"slow_bytes", settings_.slow_bytes},
              {"routes", sampler_->routes()},
              {"history", sampler_->history()}};
    if (!may_control) {
        json["why"] = Page::kNoControl;
    }
    Json message;
    message["hello"] = std::move(json);
    return message;
}

// ---- Requests

bool Dashboard::has_token(const Request& request, const WebSocket* socket) const {
    const std::string_view field = request.headers.get("Authorization").value_or("");
    if (field.starts_with(kBearer) && listener_.token().equals(field.substr(kBearer.size()))) {
        return true;
    }
    const auto offered = socket != nullptr ? socket->offered_subprotocols() : std::span<const std::string>{};
    return std::any_of(offered.begin(), offered.end(), [this](std::string_view offer) {
        return offer.starts_with(kTokenPrefix) && listener_.token().equals(offer.substr(kTokenPrefix.size()));
    });
}

bool Dashboard::may_control(const Request& request) const {
    static const std::vector<std::string> kLoopback{"127.0.0.0/8", "::1"};
    const std::string& who = settings_.live_control;
    const bool is_loopback = who == "loopback" || (who == "auto" && development_ == Development::kYes);
    return who == "all" || (is_loopback && wire::is_trusted(request.peer, kLoopback));
}

Urls Dashboard::urls() {
    return {
        path("", this, &Dashboard::start),
        path("_live/", this, &Dashboard::page),
        path("_live/figures.json", this, &Dashboard::figures),
        path("_live/ws/", this, &Dashboard::watch).subprotocols({std::string{kSubprotocol}}),
        path("_live/<str:name>", this, &Dashboard::asset_file),
    };
}

Response Dashboard::start(Request& /*request*/) const { return with_headers(Response::redirect("/_live/")); }

Response Dashboard::page(Request& /*request*/) const {
    return with_headers(Response::html(std::string{asset("live.html")}));
}

Response Dashboard::asset_file(Request& /*request*/, std::string_view name) const {
    const auto assets = all_assets();
    const bool is_ours = name == "base.css" || (name.starts_with("live") && name != "live.html");
    const auto found =
        std::find_if(assets.begin(), assets.end(), [name](const Asset& each) { return each.name == name; });
    if (!is_ours || found == assets.end()) {
        return with_headers(Response::text("There is no such file.\n", 404));
    }
    Response response = Response::text(std::string{found->text});
    response.headers.set("Content-Type", content_type(name));
    return with_headers(std::move(response));
}

Response Dashboard::figures(Request& request) const {
    if (!has_token(request, nullptr)) {
        return with_headers(Response::text("This needs the field Authorization: Bearer TOKEN.\n", 403));
    }
    if (!sampler_ || sampler_->figures().is_null()) {
        return with_headers(Response::text("The server has just started.\n", 503));
    }
    Json json = sampler_->figures();
    json["slowest"] = slowest();
    return with_headers(Response::json(json));
}

Task<> Dashboard::watch(WebSocket& socket) {
    if (!has_token(socket.request(), &socket)) {
        socket.refuse(403, "The token of this dashboard is missing or wrong.\n");
        co_return;
    }
    while (!sampler_) {  // the site is still being built
        co_await sleep_for(kLookInterval);
    }
    if (pages_.size() >= kMostPages) {
        socket.refuse(503, "Too many pages of the dashboard are open.\n");
        co_return;
    }
    const bool control = may_control(socket.request());
    socket.accept();
    Page page{*this, socket, control};
    page.send(hello(control));
    while (const std::optional<Message> message = co_await socket.recv()) {
        try {
            page.handle(*message);
        } catch (const std::exception& error) {
            socket.close(CloseCode::kPolicyViolation, error.what());
        }
    }
}

Task<> Dashboard::run(Loop& loop) {
    jobs_ = loop.job_queue();
    backend_ = loop.backend().name();
    const Urls own_urls = urls();
    Dispatcher dispatcher{own_urls, own_settings_};
    LiveApplication application{dispatcher};
    const auto certificates = is_live_secure(settings_) ? server_certificates(own_settings_) : nullptr;
    Server server{loop, application, own_settings_, certificates.get()};
    server.listen_on(listener_.release());
    TaskGroup background;
    background.spawn([](Dashboard& self) -> Task<> {
        co_await self.wait_for_site();
        co_await self.tick();
    }(*this));
    try {
        co_await until_stopped();
    } catch (const Stopped&) {  // that is what we wait for
    }
    background.stop();
    ShutdownOptions farewell;
    if (stop_signal() == SIGUSR2) {
        farewell.code = CloseCode::kServiceRestart;
        farewell.reason = "the server restarts";
    }
    co_await shielded(2 * kFarewellTime, server.close(farewell));
    try {
        co_await shielded(kFarewellTime, background.join());
    } catch (const Stopped&) {  // as it was asked to
    }
}

}  // namespace c10k
