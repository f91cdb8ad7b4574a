#include "live/follower.hpp"

#include <chrono>
#include <utility>

namespace c10k {

void Follower::note(FollowedMessage::Way way, Message::Kind kind, std::string_view payload) {
    if (kept_.messages.size() == kMostMessages || kept_.skipped > 0) {
        ++kept_.skipped;
        return;
    }
    using std::chrono::milliseconds;
    using std::chrono::system_clock;
    const auto now = std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch());
    kept_.messages.push_back({now.count(), way, kind, payload.size(), std::string{payload.substr(0, kMostBytes)}});
}

void Follower::note_end(std::uint16_t code) noexcept {
    if (!std::exchange(has_ended_, true)) {
        kept_.has_ended = true;
        kept_.code = code;
    }
}

void Follower::give() {
    const bool has_news = !kept_.messages.empty() || kept_.skipped > 0 || kept_.has_ended;
    if (has_news && !is_on_its_way_.exchange(true)) {
        give_(std::exchange(kept_, {}));
    }
}

}  // namespace c10k
