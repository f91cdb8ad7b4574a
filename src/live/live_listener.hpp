#pragma once

#include "c10k/settings.hpp"
#include "live/access_token.hpp"

#include <map>
#include <optional>
#include <string>

namespace c10k {

// Whether a site is being developed: the settings that say "auto" depend on it.
enum class Development { kNo, kYes };
// Of this program: with debug, or started by a runserver that reloads.
[[nodiscard]] Development development_of(const Settings& settings);

// The listening socket of the dashboard with its token. A process that starts programs one after another keeps both, so
// that open pages find the next program.
class LiveListener {
public:
    // The environment by which a program inherits them.
    static constexpr const char* kSocketVariable = "C10K_DASHBOARD_SOCKET";  // a descriptor
    static constexpr const char* kTokenVariable = "C10K_DASHBOARD_TOKEN";

    // Empty if the settings want no dashboard. Takes the socket that this process has inherited, if it has, so that its
    // children do not get it; else opens one. Throws std::runtime_error with a text for a user.
    [[nodiscard]] static std::optional<LiveListener> open(const Settings& settings, Development development);
    LiveListener(LiveListener&& other) noexcept;
    LiveListener& operator=(LiveListener&& other) = delete;
    ~LiveListener();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    // The descriptor is the caller's now.
    [[nodiscard]] int release() noexcept;
    [[nodiscard]] const AccessToken& token() const noexcept { return token_; }
    // The address for a browser, with the token if nobody else has chosen it: "http://127.0.0.1:8001/_live/#token=...".
    [[nodiscard]] std::string url() const;
    // Passes it on to a program that gets the socket as `descriptor`.
    void add_to(std::map<std::string, std::string>& environment, int descriptor) const;

private:
    enum class Origin { kSettings, kOurs };

    LiveListener(int descriptor, const Settings& settings, std::optional<AccessToken> given);

    int descriptor_;
    AccessToken token_;
    Origin token_origin_;
    bool is_secure_;
};

// LiveListener::open(). Where the settings only say "auto", a site without a dashboard is better than none: a failure
// is logged, and the result is empty.
[[nodiscard]] std::optional<LiveListener> open_dashboard(const Settings& settings, Development development);

// Whether the dashboard of these settings speaks TLS: not on this machine's own addresses.
[[nodiscard]] bool is_live_secure(const Settings& settings);

}  // namespace c10k
