#include "load/crowd.hpp"
#include "load/modes.hpp"
#include "measurement.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
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
        : header_(server_frame(payload_bytes).substr(0, kCheckedBytes)),
          answer_bytes_(server_frame(payload_bytes).size() * frames), partial_(members) {}

    // Fails if an answer begins otherwise than it should: with the header of a frame of another size, for example.
    std::size_t hear(std::size_t member, std::string_view bytes) {
        if (partial_[member] == 0 && !bytes.starts_with(std::string_view{header_}.substr(0, bytes.size()))) {
            fail("an answer is not a text frame of the size expected");
        }
        const std::size_t heard = partial_[member] + bytes.size();
        partial_[member] = heard % answer_bytes_;
        return heard / answer_bytes_;
    }

private:
    static constexpr std::size_t kCheckedBytes = 2;  // opcode and length (RFC 6455, 5.2)

    std::string header_;
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

}  // namespace

void echo(const Arguments& arguments) { exchange(arguments, 0, 1); }

void broadcast(const Arguments& arguments) {
    const std::size_t members = arguments.number("connections", 1);
    exchange(arguments, members - 1, members);
}

void idle(const Arguments& arguments) {
    Crowd crowd{arguments};
    Ear ear{crowd.size(), arguments.number("payload", 16), 1};
    for (std::size_t member = 0; member < crowd.size(); ++member) {
        crowd.say(member, 1);
    }
    for (std::size_t heard = 0; heard < crowd.size();) {
        crowd.turn([&](std::size_t member, std::string_view bytes) { heard += ear.hear(member, bytes); });
    }
    std::printf("{\"open\": %zu}\n", crowd.size());
    std::fflush(stdout);
    char ignored = 0;
    while (::read(STDIN_FILENO, &ignored, 1) > 0) {
    }
}

}  // namespace benchmarks
