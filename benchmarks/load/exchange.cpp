#include "load/crowd.hpp"
#include "load/modes.hpp"
#include "measurement.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace benchmarks {
namespace {

// Counts the whole answers in what a member hears.
class Ear {
public:
    // An answer is so many frames of that payload.
    Ear(std::size_t members, std::size_t payload_bytes, std::size_t frames)
        : frame_(server_frame(payload_bytes)), answer_bytes_(frame_.size() * frames), partial_(members) {}

    // Fails if a byte of an answer is another than it should be.
    std::size_t hear(std::size_t member, std::string_view bytes) {
        const std::size_t heard = partial_[member] + bytes.size();
        for (std::size_t phase = partial_[member] % frame_.size(); !bytes.empty(); phase = 0) {
            const std::string_view expected = std::string_view{frame_}.substr(phase, bytes.size());
            if (!bytes.starts_with(expected)) {
                fail("an answer is not the text frame expected");
            }
            bytes.remove_prefix(expected.size());
        }
        partial_[member] = heard % answer_bytes_;
        return heard / answer_bytes_;
    }

private:
    std::string frame_;
    std::size_t answer_bytes_;
    std::vector<std::size_t> partial_;
};

// When those messages were said that are under way.
class Watch {
public:
    Watch(std::size_t members, std::size_t in_flight)
        : in_flight_(in_flight), said_(members * in_flight), next_(members) {}

    // The member's oldest message has been answered; it says another one now.
    Clock::duration turn_over(std::size_t member, Clock::time_point now) noexcept {
        Clock::time_point& said = said_[member * in_flight_ + next_[member]];
        next_[member] = (next_[member] + 1) % in_flight_;
        return now - std::exchange(said, now);
    }
    void start(Clock::time_point now) { std::fill(said_.begin(), said_.end(), now); }

private:
    std::size_t in_flight_;
    std::vector<Clock::time_point> said_;
    std::vector<std::size_t> next_;
};

// Members from `first_sender` on keep messages under way until the measurement ends, or until so many have been said
// that all answers together are as many as it wants.
void exchange(const Arguments& arguments, std::size_t first_sender, std::size_t receivers_of_each) {
    const std::size_t in_flight = arguments.number("in-flight", 1);
    Measurement measurement{arguments};
    Crowd crowd{arguments};
    Ear ear{crowd.size(), arguments.number("payload", 16), arguments.number("answers", 1)};
    Watch watch{crowd.size(), in_flight};

    std::uint64_t unsaid = measurement.message_limit() / receivers_of_each;
    const auto say = [&](std::size_t member, std::size_t messages) {
        const std::size_t allowed = std::min<std::uint64_t>(messages, unsaid);
        unsaid -= allowed;
        crowd.say(member, allowed);
    };
    watch.start(Clock::now());
    measurement.start();
    for (std::size_t member = first_sender; member < crowd.size(); ++member) {
        say(member, in_flight);
    }
    while (measurement.is_running()) {
        crowd.turn([&](std::size_t member, std::string_view bytes) {
            const std::size_t answers = ear.hear(member, bytes);
            measurement.count(answers);
            if (member < first_sender || answers == 0) {
                return;
            }
            const auto now = Clock::now();
            for (std::size_t i = 0; i < answers; ++i) {
                measurement.add_latency(watch.turn_over(member, now));
            }
            say(member, answers);
        });
    }
    measurement.print();
}

bool input_has_ended() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    char ignored = 0;
    return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &ignored, 1) <= 0;
}

}  // namespace

void echo(const Arguments& arguments) { exchange(arguments, 0, 1); }

void broadcast(const Arguments& arguments) {
    const std::size_t members = arguments.number("connections", 1);
    exchange(arguments, members - 1, members);
}

void idle(const Arguments& arguments) {
    Crowd crowd{arguments};
    const std::size_t payload_bytes = arguments.number("payload", 16);
    const std::size_t answer_bytes = server_frame(payload_bytes).size();
    Ear ear{crowd.size(), payload_bytes, 1};
    std::size_t heard = 0;
    const auto hear = [&](std::size_t member, std::string_view bytes) {
        while (!(bytes = crowd.answer_pings(member, bytes)).empty()) {
            heard += ear.hear(member, bytes.substr(0, answer_bytes));
            bytes.remove_prefix(std::min(bytes.size(), answer_bytes));
        }
    };
    for (std::size_t member = 0; member < crowd.size(); ++member) {
        crowd.say(member, 1);
    }
    while (heard < crowd.size()) {
        crowd.turn(hear);
    }
    std::printf("{\"open\": %zu}\n", crowd.size());
    std::fflush(stdout);
    while (!input_has_ended()) {
        crowd.turn(hear);
    }
}

}  // namespace benchmarks
