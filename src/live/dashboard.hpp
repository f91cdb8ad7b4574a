#pragma once

#include "c10k/settings.hpp"
#include "c10k/task.hpp"
#include "c10k/urls.hpp"
#include "c10k/websocket.hpp"
#include "live/live_listener.hpp"
#include "live/loop_observer.hpp"
#include "live/sampler.hpp"
#include "web/site.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace c10k {

// Shows a serving program to whoever has its token: /_live/ in a browser, and `manage top`.
// docs/reference/live-protocol.md has what its WebSocket says.
//
// It runs on a loop of its own, reads the counters of the site's loops from there, and asks their observers for the
// rest. A page that does not keep up misses figures, and nobody waits for it.
class Dashboard final : public SiteCompanion {
public:
    static constexpr std::string_view kSubprotocol = "c10k.live";
    // A browser cannot set fields of a handshake: the token comes as a second subprotocol, behind this.
    static constexpr std::string_view kTokenPrefix = "token.";

    // Requires: the settings outlive it.
    Dashboard(const Settings& settings, Development development, LiveListener listener);
    ~Dashboard() override;

    // Where a browser finds it.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

    // The site listens there. Thread: any.
    void note_address(std::string address);

    void on_site_built(std::size_t number, Loop& loop, const Dispatcher& dispatcher) override;
    void on_site_ended(std::size_t number) noexcept override;
    Task<> run(Loop& loop) override;

private:
    // One loop of the site. The lock guards the parts that other threads use.
    struct SiteLoop {
        LoopSource source;
        std::shared_ptr<JobQueue> jobs;
        std::shared_ptr<LoopObserver> observer;  // on that loop only
        std::shared_ptr<const LoopWalk> walk;    // the last one; on our loop only
        bool is_walking = false;
    };
    class Page;

    [[nodiscard]] Urls urls();
    Response page(Request& request) const;
    Response start(Request& request) const;
    Response asset_file(Request& request, std::string_view name) const;
    Response figures(Request& request) const;
    Task<> watch(WebSocket& socket);

    [[nodiscard]] bool has_token(const Request& request, const WebSocket* socket) const;
    [[nodiscard]] bool may_control(const Request& request) const;

    Task<> wait_for_site();
    Task<> tick();
    void start_walks();
    void note_walk(std::size_t loop, LoopWalk walk);
    [[nodiscard]] nlohmann::json hello(bool may_control) const;
    [[nodiscard]] nlohmann::json figures_for(const Page& page) const;
    [[nodiscard]] nlohmann::json found_by(std::uint64_t page) const;
    [[nodiscard]] nlohmann::json slowest() const;
    [[nodiscard]] nlohmann::json to_json(const ConnectionFacts& facts) const;

    // Calls `call(observer)` on the loop of the site. Returns false if there is none.
    template <typename Call>
    bool on_loop(std::size_t loop, Call call);

    const Settings& settings_;
    Development development_;
    LiveListener listener_;
    std::string url_;
    Settings own_settings_;  // of our own server
    mutable std::mutex mutex_;
    std::string address_;  // of the site
    std::vector<SiteLoop> loops_;
    std::size_t built_ = 0;
    std::shared_ptr<JobQueue> jobs_;  // ours
    std::optional<Sampler> sampler_;
    std::map<std::uint64_t, Page*> pages_;
    std::uint64_t last_page_ = 0;
    std::string backend_;
    double started_ = 0;
};

}  // namespace c10k
