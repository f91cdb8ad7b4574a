#include "gameoflife/feed.hpp"

#include <utility>

namespace life {

using namespace c10k;

Feed::Channel::Channel(Feed& feed, std::size_t max_bytes) : feed_(feed), max_bytes_(max_bytes) {
    const std::lock_guard lock{feed_.mutex_};
    number_ = feed_.channels_made_++;
    feed_.channels_.push_back(this);
}

Feed::Channel::~Channel() {
    const std::lock_guard lock{feed_.mutex_};
    std::erase(feed_.channels_, this);
}

Feed::Channel::Listener::Listener(Channel& channel) : channel_(channel) {
    const std::lock_guard lock{channel_.feed_.mutex_};
    ++channel_.listeners_;
}

Feed::Channel::Listener::~Listener() {
    const std::lock_guard lock{channel_.feed_.mutex_};
    if (--channel_.listeners_ == 0) {
        channel_.clear();
    }
}

Task<> Feed::Channel::wait() {
    Completion<> something;
    {
        const std::lock_guard lock{feed_.mutex_};
        if (!messages_.empty() || is_incomplete_) {
            co_return;
        }
        bell_ = something.completer();
    }
    co_await something.wait();
}

Feed::Channel::News Feed::Channel::take(Reader* reader) {
    News news;
    const std::lock_guard lock{feed_.mutex_};
    news.messages = std::exchange(messages_, {});
    news.is_incomplete = is_incomplete_;
    clear();
    news.game = feed_.number_;
    news.size = feed_.cells_.size();
    if (reader == nullptr) {
        return news;
    }
    const Board& board = feed_.cells_;
    const bool is_over = reader->game != feed_.number_ || feed_.connected_ == 0;
    while (!is_over && reader->row < board.size() && news.last_words.size() < kLastWordsBytes) {
        board.append_words(reader->row++, news.last_words);
    }
    reader->is_done = is_over || reader->row == board.size();
    return news;
}

// A message of its own.
void Feed::Channel::put_size(int size) {
    std::string text = "size " + std::to_string(size);
    if (make_room(text.size())) {
        messages_.push_back(std::move(text));
        is_last_open_ = false;
    }
}

void Feed::Channel::put_word(std::string_view word) {
    if (!make_room(word.size() + 1)) {
        return;
    }
    if (is_last_open_ && messages_.back().size() < kMaxBatchBytes) {
        messages_.back() += '\n';
        messages_.back() += word;
    } else {
        messages_.emplace_back(word);
        is_last_open_ = true;
    }
}

// Whether something of `bytes` comes into the channel.
bool Feed::Channel::make_room(std::size_t bytes) {
    if (listeners_ == 0 || is_incomplete_) {
        return false;
    }
    bytes_ += bytes;
    if (bytes_ > max_bytes_) {
        clear();
        is_incomplete_ = true;
    }
    std::exchange(bell_, {}).complete();
    return !is_incomplete_;
}

void Feed::Channel::clear() noexcept {
    messages_.clear();
    bytes_ = 0;
    is_last_open_ = false;
    is_incomplete_ = false;
}

}  // namespace life
