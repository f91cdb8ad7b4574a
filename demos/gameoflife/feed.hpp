#pragma once

#include "gameoflife/game.hpp"

#include <c10k/completion.hpp>
#include <c10k/task.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace life {

// Updates of the cells, for watchers that take many of them in one message, and the last word of each cell, for those
// that come late. The loops of a server share one feed, and each loop has a channel to its own watchers.
//
// One lock puts everything into one order: a word becomes the last one of its cell at the moment at which it enters the
// channels. So a loop that empties its channel and reads last words in one call, and sends the last words behind what
// was in the channel, never sends an older word of a cell after a newer one.
//
// Thread: any.
class Feed {
public:
    class Channel;

    Feed() = default;
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // Forgets the game before. After a reset, the channels get `size N`. Does nothing if it knows this game or a later
    // one.
    void begin(const Game& game);
    // A worker comes to its game, or leaves it. When the last one has left, the words are forgotten.
    void enter(const Game& game);
    void leave(const Game& game) noexcept;
    // A cell says `word`. Returns false if the game is over: then the word is for nobody.
    // Requires: the cell is on the game's grid, and `word` has no newline. Not checked: the server has parsed the word.
    bool say(const Game& game, int row, int col, std::string_view word);

private:
    // The words of all cells, by row and column.
    using Words = std::vector<std::vector<std::string>>;

    // The feed is locked. Returns the words that are forgotten: there may be so many that the lock should not wait for
    // their end.
    Words change_game(const Game& game);

    std::mutex mutex_;
    std::uint64_t number_ = 0;  // of the game
    std::uint64_t resets_ = 0;
    int size_ = Game::kDefaultSize;
    std::size_t workers_ = 0;
    // As the workers wrote them; empty for a cell that has not spoken. Most fit into a std::string without memory of
    // its own. A row gets its memory with its first word.
    Words last_words_;
    std::vector<Channel*> channels_;
    std::size_t channels_made_ = 0;
};

// All that one loop has yet to send to its watchers.
class Feed::Channel {
public:
    // Bytes of an update message, before the word that exceeds it; and of last words, before the row that does.
    static constexpr std::size_t kMaxBatchBytes = 256 * 1024;
    static constexpr std::size_t kLastWordsBytes = 64 * 1024;

    // Holds at most `max_bytes`: if the loop does not come to take them, they are lost.
    Channel(Feed& feed, std::size_t max_bytes);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    // Nobody else has this number.
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

    // Somebody hears what comes through the channel: without, nothing is put into it.
    class Listener {
    public:
        explicit Listener(Channel& channel);
        ~Listener();
        Listener(const Listener&) = delete;
        Listener& operator=(const Listener&) = delete;

    private:
        Channel& channel_;
    };

    // Suspends until there is something to take. One task waits at a time.
    c10k::Task<> wait();

    // How far a watcher that came late has read the last words.
    struct Reader {
        std::uint64_t game = 0;
        std::size_t row = 0;
        bool is_done = false;
    };
    struct News {
        // For all who listen: updates, one a line, or `size N`.
        std::vector<std::string> messages = {};
        // There was too much: messages are missing.
        bool is_incomplete = false;
        // The game in force behind the messages, and its size.
        std::uint64_t game = 0;
        int size = 0;
        // For the reader, behind the messages: last words, one a line. Empty if no cell of the rows read has spoken.
        std::string last_words = {};
    };
    // Takes all that is there; and the next last words, unless the reader's game is over.
    News take(Reader* reader = nullptr);

private:
    friend class Feed;

    // All of them: the feed is locked.
    void put_size(int size);
    void put_word(std::string_view word);
    bool make_room(std::size_t bytes);
    void ring();
    void clear() noexcept;

    Feed& feed_;
    const std::size_t max_bytes_;
    std::size_t number_ = 0;
    std::size_t listeners_ = 0;
    std::vector<std::string> messages_;
    std::size_t bytes_ = 0;
    bool is_last_open_ = false;  // the last message takes more words
    bool is_incomplete_ = false;
    c10k::Completer<> bell_;
};

}  // namespace life
