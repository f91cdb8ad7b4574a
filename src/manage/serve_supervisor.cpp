#include "manage/serve_supervisor.hpp"

#include "base/log.hpp"
#include "live/dashboard.hpp"
#include "loop/activation.hpp"
#include "manage/control.hpp"
#include "manage/handover.hpp"
#include "manage/signals.hpp"
#include "web/checks.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A program that ends by itself after less time than this waits for its next start, twice as long each time.
constexpr seconds kSteadyTime{10};
constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30'000};

class ServeSupervisor {
public:
    ServeSupervisor(const Settings& settings, const std::vector<std::string>& command)
        : command_(command), signals_({SIGINT, SIGTERM, SIGHUP, SIGCHLD}),
          programs_(settings, open_dashboard(settings, development_of(settings))), control_(programs_.address()) {}

    void run() {
        start();
        for (;;) {
            wait_for_news();
            for (const int number : signals_.take()) {
                if (number == SIGINT || number == SIGTERM) {
                    programs_.stop(signals_);
                    return;
                }
                if (number == SIGHUP) {
                    start();
                }
            }
            if (control_.is_asked()) {
                start();
            }
            look_at_programs();
            if (next_start_ && Clock::now() >= *next_start_) {
                start();
            }
        }
    }

private:
    void wait_for_news() const {
        std::vector<pollfd> awaited{{signals_.descriptor(), POLLIN, 0}, {control_.descriptor(), POLLIN, 0}};
        programs_.add_to(awaited);
        milliseconds time{-1};
        if (next_start_) {
            time = std::max(std::chrono::ceil<milliseconds>(*next_start_ - Clock::now()), milliseconds{0});
        }
        ::poll(awaited.data(), awaited.size(), static_cast<int>(time.count()));
    }

    void start() {
        next_start_.reset();
        programs_.start({.command = command_});
    }

    void look_at_programs() {
        for (;;) {
            switch (programs_.look()) {
                case Handover::News::kNone: return;
                case Handover::News::kServes: note_serving(); break;
                case Handover::News::kNotStarted: note_not_started(); break;
                case Handover::News::kEnded: note_ended(); break;
            }
        }
    }

    void note_serving() {
        log::info("Program " + std::to_string(programs_.serving()->pid()) + " serves " + programs_.address().text());
        serving_since_ = Clock::now();
        if (!std::exchange(has_served_, true)) {
            ready_.send();
        }
        control_.answer({});
    }

    void note_not_started() {
        const std::string problem = "the new program did not start: " + programs_.how_it_ended();
        if (!has_served_) {
            throw std::runtime_error(problem);
        }
        log::error(problem + "; its reason is above" +
                   (programs_.serving() != nullptr ? ". The old one goes on." : ""));
        control_.answer(problem + "; its reason is in the log of `manage serve`");
        if (programs_.serving() == nullptr) {
            start_after_pause();
        }
    }

    void note_ended() {
        log::error("the program has ended by itself: " + programs_.how_it_ended() + "; starting it again");
        if (Clock::now() - serving_since_ >= kSteadyTime) {
            pause_ = milliseconds{0};
        }
        if (!programs_.is_starting()) {
            start_after_pause();
        }
    }

    void start_after_pause() {
        next_start_ = Clock::now() + pause_;
        pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
    }

    std::vector<std::string> command_;
    ReadyNotice ready_;
    Signals signals_;
    Handover programs_;
    ControlSocket control_;
    std::optional<Clock::time_point> next_start_;
    milliseconds pause_{0};  // before the next start of a program that has ended by itself
    Clock::time_point serving_since_;
    bool has_served_ = false;
};

}  // namespace

void run_serve_supervisor(const Settings& settings, const std::vector<std::string>& command) {
    require_no_error(check_settings(settings));
    std::signal(SIGPIPE, SIG_IGN);  // whoever reads our output may go away
    ServeSupervisor{settings, command}.run();
}

}  // namespace c10k
