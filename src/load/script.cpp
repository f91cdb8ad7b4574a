#include "base/text.hpp"
#include "c10k/load.hpp"
#include "c10k/text.hpp"
#include "wire/utf8.hpp"

#include <random>
#include <utility>

namespace c10k::load {

namespace {

constexpr std::size_t kMaxSteps = 10'000;
constexpr std::size_t kMaxDepth = 16;
constexpr std::chrono::hours kMaxWait{24};
constexpr std::size_t kShownBytes = 40;

std::string quoted(std::string_view text) { return '\'' + printable(text.substr(0, kShownBytes)) + '\''; }

}  // namespace

// Reads the lines of a script.
class ScriptParser {
public:
    Script parse(std::string_view text) {
        while (!text.empty()) {
            ++line_;
            const std::size_t end = std::min(text.find('\n'), text.size());
            const std::string_view line = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            read_line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
        }
        if (!open_.empty()) {
            line_ = open_.back().line;
            fail("this repeat has no end");
        }
        if (script_.steps_.empty()) {
            throw ScriptError("it has no steps");
        }
        return std::move(script_);
    }

private:
    using Do = Script::Do;
    using Step = Script::Step;
    struct Repeat {
        std::size_t line = 0;
        std::size_t step = 0;
    };

    [[noreturn]] void fail(const std::string& what) const {
        throw ScriptError("line " + std::to_string(line_) + ": " + what);
    }

    void read_line(std::string_view line) {
        if (!wire::is_utf8(line)) {
            fail("it is not UTF-8: write other bytes as send-binary");
        }
        const std::size_t begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos || line[begin] == '#') {
            return;
        }
        line.remove_prefix(begin);
        const std::string_view word = line.substr(0, line.find_first_of(" \t"));
        line.remove_prefix(std::min(word.size() + 1, line.size()));
        if (script_.steps_.size() == kMaxSteps) {
            fail("a script has at most " + std::to_string(kMaxSteps) + " steps");
        }
        script_.steps_.push_back(step(word, line));
    }

    Step step(std::string_view word, std::string_view rest) {
        if (word == "send") {
            return {.message = unescaped(rest)};
        }
        if (word == "send-binary") {
            return {.message = Message::binary(bytes(rest))};
        }
        if (word == "expect") {
            return {.action = Do::kExpect, .text = unescaped(rest)};
        }
        if (word == "expect-start") {
            return {.action = Do::kExpectPrefix, .text = unescaped(rest)};
        }
        if (word == "expect-any") {
            return no_argument(Do::kExpectAny, word, rest);
        }
        if (word == "expect-close") {
            return {.action = Do::kExpectClose, .number = close_code(rest)};
        }
        if (word == "close") {
            return {.action = Do::kClose, .number = close_code(rest)};
        }
        if (word == "wait") {
            return wait(rest);
        }
        if (word == "repeat") {
            return repeat(rest);
        }
        if (word == "end") {
            return end(rest);
        }
        fail(quoted(word) +
             " is no step: there are send, send-binary, expect, expect-start, expect-any, "
             "expect-close, wait, repeat, end and close");
    }

    Step no_argument(Do action, std::string_view word, std::string_view rest) const {
        if (!trim(rest).empty()) {
            fail(std::string{word} + " takes nothing, and not " + quoted(rest));
        }
        return {.action = action};
    }

    // \n, \r, \t and \\; all others are mistakes.
    [[nodiscard]] std::string unescaped(std::string_view text) const {
        std::string result;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '\\') {
                result += text[i];
                continue;
            }
            const char next = ++i < text.size() ? text[i] : ' ';
            if (next != 'n' && next != 'r' && next != 't' && next != '\\') {
                fail("a backslash stands before n, r, t or another one");
            }
            result += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : '\\';
        }
        return result;
    }

    [[nodiscard]] std::string bytes(std::string_view hex) const {
        std::string result;
        int high = -1;
        for (const char c : hex) {
            const int digit = hex_digit(c);
            if (c == ' ' || c == '\t') {
                continue;
            }
            if (digit < 0) {
                fail(quoted(hex) + " is not bytes in hexadecimal digits, such as 00 ff");
            }
            if (high >= 0) {
                result += static_cast<char>(high * 16 + digit);
            }
            high = high >= 0 ? -1 : digit;
        }
        if (high >= 0) {
            fail("an odd number of hexadecimal digits");
        }
        return result;
    }

    [[nodiscard]] std::uint64_t close_code(std::string_view text) const {
        const std::string_view code = trim(text);
        if (code.empty()) {
            return CloseCode::kNormal;
        }
        const auto number = to_number<std::uint16_t>(code);
        if (!number || *number < CloseCode::kNormal || *number > 4999) {
            fail(quoted(code) + " is not a close code, such as 1000");
        }
        return *number;
    }

    [[nodiscard]] std::chrono::milliseconds time(std::string_view text) const {
        const auto value = parse_time(text);
        if (!value || *value > kMaxWait) {
            fail(quoted(text) + " is not a time of at most a day, such as 250ms, 1.5s or 2m");
        }
        return *value;
    }

    [[nodiscard]] Step wait(std::string_view rest) const {
        const std::string_view text = trim(rest);
        const std::size_t space = text.find_first_of(" \t");
        const auto from = time(text.substr(0, space));
        const auto to = space == std::string_view::npos ? from : time(trim(text.substr(space)));
        if (to < from) {
            fail("the shorter time comes first");
        }
        return {.action = Do::kWait, .from = from, .to = to};
    }

    Step repeat(std::string_view rest) {
        const auto times = to_number<std::uint32_t>(trim(rest));
        if (!times || *times == 0) {
            fail(quoted(trim(rest)) + " is not how often to repeat: a whole number from 1 on");
        }
        if (open_.size() == kMaxDepth) {
            fail("at most " + std::to_string(kMaxDepth) + " repeats stand in each other");
        }
        open_.push_back({line_, script_.steps_.size()});
        return {.action = Do::kRepeat, .number = *times};
    }

    Step end(std::string_view rest) {
        if (open_.empty()) {
            fail("an end without a repeat");
        }
        const std::size_t begin = open_.back().step + 1;
        open_.pop_back();
        if (begin == script_.steps_.size()) {
            fail("there is nothing to repeat");
        }
        Step step = no_argument(Do::kEnd, "end", rest);
        step.number = begin;
        return step;
    }

    Script script_;
    std::size_t line_ = 0;
    std::vector<Repeat> open_;
};

Script Script::parse(std::string_view text) { return ScriptParser{}.parse(text); }

namespace {

using Clock = std::chrono::steady_clock;

Duration between(std::chrono::milliseconds from, std::chrono::milliseconds to) {
    if (from == to) {
        return from;
    }
    thread_local std::mt19937_64 generator{std::random_device{}()};
    return std::chrono::microseconds{
        std::uniform_int_distribution<std::int64_t>{from.count() * 1000, to.count() * 1000}(generator)};
}

}  // namespace

// Where a client is in its script, apart from its coroutine, whose frame lives as long as the client.
class Script::Runner {
public:
    Runner(const Script& script, WebSocket& socket, ScriptListener& listener)
        : steps_(script.steps_), socket_(socket), listener_(listener) {}

    // The next step, unless the script has ended. It has gone through the repeats before it.
    const Step* next() {
        for (; at_ < steps_.size(); ++at_) {
            const Step& step = steps_[at_];
            if (step.action == Do::kRepeat) {
                left_.push_back(step.number);
            } else if (step.action != Do::kEnd) {
                return &steps_[at_++];
            } else if (--left_.back() > 0) {
                at_ = step.number - 1;
            } else {
                left_.pop_back();
            }
        }
        return nullptr;
    }

    // Sends or closes. A coroutine of its own: of millions of clients that wait, only those that send have to remember
    // how.
    Task<> say(const Step& step) {
        if (step.action == Do::kClose) {
            socket_.close(static_cast<std::uint16_t>(step.number));
            co_await yield();
            co_return;
        }
        if (!sent_) {
            was_due_ = due_;
            sent_ = Clock::now();
        }
        co_await socket_.send(step.message);
        listener_.on_sent(step.message.size());
        due_ = Clock::now();
    }
    void note_waited() { due_ = Clock::now(); }  // it is no part of a script to wait to the microsecond

    // Throws WrongAnswer.
    void take(const Step& step, const std::optional<Message>& message) {
        if (message) {
            listener_.on_received(message->size());
        }
        check(step, message);
        last_ = &step;
        due_ = Clock::now();
        if (sent_) {
            listener_.on_reply(due_ - was_due_, due_ - *std::exchange(sent_, std::nullopt));
        }
    }

private:
    static std::string wanted(const Step& step) {
        return step.action == Do::kExpectAny ? "a message"
               : step.action == Do::kExpect  ? quoted(step.text)
                                             : "a message that begins with " + quoted(step.text);
    }

    void check(const Step& step, const std::optional<Message>& message) const {
        if (step.action == Do::kExpectClose) {
            check_close(step, message);
        } else if (!message) {
            throw WrongAnswer("closed with " + std::to_string(socket_.close_info().code) + " before " + wanted(step));
        } else if (step.action != Do::kExpectAny && !message->is_text()) {
            throw WrongAnswer("a binary message instead of " + wanted(step));
        } else if (const bool is_right =
                       step.action == Do::kExpect ? *message == step.text : message->view().starts_with(step.text);
                   step.action != Do::kExpectAny && !is_right) {
            throw WrongAnswer(quoted(*message) + " instead of " + wanted(step));
        }
    }

    void check_close(const Step& step, const std::optional<Message>& message) const {
        if (message) {
            throw WrongAnswer(quoted(*message) +
                              (last_ != nullptr ? " after " + wanted(*last_) : std::string{" instead of a close"}));
        }
        if (const int code = socket_.close_info().code; code != static_cast<int>(step.number)) {
            throw WrongAnswer("closed with " + std::to_string(code) + " instead of " + std::to_string(step.number));
        }
    }

    const std::vector<Step>& steps_;
    WebSocket& socket_;
    ScriptListener& listener_;
    std::size_t at_ = 0;
    std::vector<std::uint64_t> left_;  // rounds of the repeats around, with the one under way
    const Step* last_ = nullptr;       // expected and received
    Clock::time_point due_ = Clock::now();
    Clock::time_point was_due_;              // the first message without a reply
    std::optional<Clock::time_point> sent_;  // the same
};

Task<> Script::run(WebSocket& socket, ScriptListener& listener) const {
    Runner runner{*this, socket, listener};
    while (const Step* step = runner.next()) {
        if (step->action == Do::kSend || step->action == Do::kClose) {
            co_await runner.say(*step);
        } else if (step->action == Do::kWait) {
            co_await sleep_for(between(step->from, step->to));
            runner.note_waited();
        } else {
            const std::optional<Message> message = co_await socket.recv();
            runner.take(*step, message);
        }
    }
}

}  // namespace c10k::load
