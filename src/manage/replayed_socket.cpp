#include "manage/replayed_socket.hpp"

#include "c10k/text.hpp"

#include <algorithm>
#include <utility>

namespace c10k {
namespace {

using Kind = RecordedEvent::Kind;

// Whether `text` is `pattern` with anything in place of each kRedacted.
bool fits_redacted(std::string_view pattern, std::string_view text) {
    std::size_t mark = pattern.find(kRedacted);
    if (mark == std::string_view::npos) {
        return pattern == text;
    }
    if (!text.starts_with(pattern.substr(0, mark))) {
        return false;
    }
    text.remove_prefix(mark);
    pattern.remove_prefix(mark + kRedacted.size());
    for (; (mark = pattern.find(kRedacted)) != std::string_view::npos; pattern.remove_prefix(mark + kRedacted.size())) {
        const std::size_t found = text.find(pattern.substr(0, mark));
        if (found == std::string_view::npos) {
            return false;
        }
        text.remove_prefix(found + mark);
    }
    return text.ends_with(pattern);
}

bool fits(const RecordedEvent& event, const Message& message) {
    if (event.bytes) {
        return *event.bytes == message.size();
    }
    if (event.is_binary == message.is_text()) {
        return false;
    }
    return event.is_redacted ? fits_redacted(event.text, message.view()) : event.text == message.view();
}

// A payload in a line for people.
std::string shown(std::string_view payload, bool is_binary) {
    constexpr std::size_t kMost = 120;
    const std::string what = is_binary ? std::to_string(payload.size()) + " bytes " : "";
    return what + '"' + printable(payload.substr(0, kMost)) + (payload.size() > kMost ? "..." : "") + '"';
}

std::string shown(const RecordedEvent& event) {
    if (event.kind == Kind::kClosed) {
        return "the close with " + std::to_string(event.code);
    }
    return event.bytes ? "a message of " + std::to_string(*event.bytes) + " bytes" : shown(event.text, event.is_binary);
}

}  // namespace

bool ReplayedSocket::is_of_server(const RecordedEvent& event) noexcept {
    return event.kind == Kind::kSent || event.kind == Kind::kRelayed || event.kind == Kind::kClosed;
}

void ReplayedSocket::add(std::size_t event) {
    const RecordedEvent& recorded = events_[event];
    switch (recorded.kind) {
        case Kind::kOpened: opened_at_ = event; break;
        case Kind::kSent: own_.push_back(event); break;
        case Kind::kRelayed:
            if (recorded.bytes || recorded.is_redacted) {
                unclear_.push_back(event);
            } else {
                relayed_[recorded.text].push_back(event);
                relayed_in_order_.insert(event);
            }
            break;
        case Kind::kClosed: close_ = event; break;
        case Kind::kDropped: excuse_ = "the server dropped messages for it, since its client was too slow"; break;
        case Kind::kCut: excuse_ = "the rest of it is cut (" + recorded.text + ')'; break;
        default: break;
    }
}

std::optional<std::size_t> ReplayedSocket::on_message(const Message& message) {
    if (has_left_) {
        return std::nullopt;
    }
    if (const auto own = take_own(message)) {
        return own;
    }
    if (const auto relayed = take_relayed(message)) {
        return relayed;
    }
    const std::string got = "got " + shown(message.view(), !message.is_text());
    // It counts as the answer that it stands for: those behind it are compared, too.
    const auto first = take_first();
    note_difference(first.value_or(opened_at_),
                    first ? "expected " + shown(events_[*first]) + ", " + got : got + ", which nobody had sent");
    return first;
}

std::optional<std::size_t> ReplayedSocket::on_closed(std::uint16_t code, std::string_view reason) {
    if (has_left_) {
        return std::nullopt;
    }
    has_left_ = true;
    const std::string got =
        "got the close with " + std::to_string(code) + (reason.empty() ? "" : " (" + printable(reason) + ')');
    if (const auto missing = take_first()) {
        note_difference(*missing, "expected " + shown(events_[*missing]) + ", " + got);
    } else if (!close_) {
        note_difference(opened_at_, got + ", which nobody had sent");
    } else if (const RecordedEvent& expected = events_[*close_]; expected.code != code) {
        note_difference(*close_, "expected " + shown(expected) + ", " + got);
    }
    return close_;
}

void ReplayedSocket::note_missing(std::size_t event) {
    note_difference(event, "expected " + shown(events_[event]) + ", got nothing");
    std::erase(own_, event);
    std::erase(unclear_, event);
    if (const auto relayed = relayed_.find(events_[event].text); relayed != relayed_.end()) {
        std::erase(relayed->second, event);
    }
    relayed_in_order_.erase(event);
    close_ = close_ == event ? std::nullopt : close_;
}

void ReplayedSocket::note_difference(std::size_t event, std::string text) {
    if (!difference_ && excuse_.empty()) {
        difference_ = Difference{event, std::move(text)};
    }
}

std::optional<std::size_t> ReplayedSocket::take_own(const Message& message) {
    if (own_.empty() || !fits(events_[own_.front()], message)) {
        return std::nullopt;
    }
    const std::size_t event = own_.front();
    own_.pop_front();
    return event;
}

std::optional<std::size_t> ReplayedSocket::take_relayed(const Message& message) {
    if (const auto same = relayed_.find(message.view()); same != relayed_.end()) {
        std::deque<std::size_t>& events = same->second;
        const auto event =
            std::find_if(events.begin(), events.end(), [&](std::size_t one) { return fits(events_[one], message); });
        if (event != events.end()) {
            const std::size_t taken = *event;
            events.erase(event);
            relayed_in_order_.erase(taken);
            return taken;
        }
    }
    const auto event =
        std::find_if(unclear_.begin(), unclear_.end(), [&](std::size_t one) { return fits(events_[one], message); });
    if (event == unclear_.end()) {
        return std::nullopt;
    }
    const std::size_t taken = *event;
    unclear_.erase(event);
    return taken;
}

std::optional<std::size_t> ReplayedSocket::take_first() {
    std::deque<std::size_t>* first = nullptr;
    const auto look_at = [&first](std::deque<std::size_t>& events) {
        if (!events.empty() && (first == nullptr || events.front() < first->front())) {
            first = &events;
        }
    };
    look_at(own_);
    look_at(unclear_);
    if (!relayed_in_order_.empty()) {
        look_at(relayed_.at(events_[*relayed_in_order_.begin()].text));
    }
    if (first == nullptr) {
        return std::nullopt;
    }
    const std::size_t event = first->front();
    first->pop_front();
    relayed_in_order_.erase(event);
    return event;
}

}  // namespace c10k
