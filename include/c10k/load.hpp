#pragma once

#include "c10k/message.hpp"
#include "c10k/task.hpp"
#include "c10k/websocket.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// The parts that `manage load` is made of, for commands of your own that put load on a server.
namespace c10k::load {

// How long something took, counted in buckets: its memory does not grow with the number of values.
//
// A bucket is at most 1/1024 as wide as its values, and 1 ns for values below 2 us; its layout is that of HdrHistogram
// with three significant digits, from 1 ns to an hour. Values beyond that count as an hour.
class Histogram {
public:
    static constexpr Duration kMax = std::chrono::hours{1};

    void record(Duration value);
    void merge(const Histogram& other);
    void clear() noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    // Each is 0 if the histogram is empty. The smallest and the largest value are exact.
    [[nodiscard]] Duration min() const noexcept { return Duration{empty() ? 0 : min_}; }
    [[nodiscard]] Duration max() const noexcept { return Duration{max_}; }
    [[nodiscard]] Duration mean() const noexcept;
    // The value that `percent` of the values do not exceed: the upper end of its bucket, and at most max().
    [[nodiscard]] Duration percentile(double percent) const noexcept;

    // The counts in HdrHistogram's compressed form, version 2, as its logs have it: base64 of zlib.
    [[nodiscard]] std::string encoded() const;

private:
    std::vector<std::uint64_t> counts_;  // empty until the first value
    std::uint64_t count_ = 0;
    std::int64_t min_ = 0;
    std::int64_t max_ = 0;
    double sum_ = 0;
};

// Counts what went wrong, by cause. Peers choose words of it, so only the first kMax causes have a count of their own.
class Causes {
public:
    static constexpr std::size_t kMax = 50;

    struct Item {
        std::string cause;
        std::uint64_t count = 0;
    };

    // Makes the cause printable.
    void add(std::string_view cause, std::uint64_t count = 1);
    void merge(const Causes& other);

    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
    // The most frequent first.
    [[nodiscard]] std::vector<Item> items() const;

private:
    std::map<std::string, std::uint64_t> counts_;
    std::uint64_t total_ = 0;
};

// A script that the user wrote has a mistake: the text names its line.
class ScriptError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A server has not done what a script expects.
class WrongAnswer : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Hears what a client that runs a script does.
class ScriptListener {
public:
    // Something has been sent or received.
    virtual void on_sent(std::size_t /*bytes*/) {}
    virtual void on_received(std::size_t /*bytes*/) {}
    // The first expected message after one that was sent has come: how long after that was due, and after it was sent.
    virtual void on_reply(Duration /*since_due*/, Duration /*since_sent*/) {}

protected:
    ~ScriptListener() = default;
};

// What a client says and expects, line by line; docs/howto/load-testing.md has the lines.
class Script {
public:
    // Throws ScriptError.
    static Script parse(std::string_view text);

    // Runs it on `socket`. Throws WrongAnswer, and what the socket throws. Stops.
    // Requires: the script, the socket and the listener outlive the task. Not checked: it is the caller's coroutine
    // that keeps them.
    Task<> run(WebSocket& socket, ScriptListener& listener) const;

private:
    friend class ScriptParser;
    class Runner;

    enum class Do : std::uint8_t {
        kSend,
        kExpect,
        kExpectPrefix,
        kExpectAny,
        kExpectClose,
        kWait,
        kRepeat,
        kEnd,
        kClose
    };
    struct Step {
        Do action = Do::kSend;
        Message message = {};               // to send
        std::string text = {};              // expected
        std::uint64_t number = 0;           // of repetitions, or of a step to go back to, or a close code
        std::chrono::milliseconds from{0};  // the shortest and the longest wait
        std::chrono::milliseconds to{0};
    };

    std::vector<Step> steps_;
};

}  // namespace c10k::load
