#pragma once

#include "gameoflife/board.hpp"
#include "gameoflife/game.hpp"
#include "gameoflife/picture.hpp"
#include "gameoflife/worker_message.hpp"
#include "gameoflife/worker_table.hpp"

#include <c10k/completion.hpp>
#include <c10k/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace life {

// All that watchers see of a game: its board, who plays it, and the updates themselves, for those that take many of
// them in one message. The loops of a server share one feed. Each loop has a channel to its watchers that take updates,
// and an alarm for its pages, which look at the board when something has changed.
//
// One lock puts everything into one order: a word becomes the last one of its cell at the moment at which it enters the
// channels. So a loop that empties its channel and reads last words in one call, and sends the last words behind what
// was in the channel, never sends an older word of a cell after a newer one.
//
// Thread: any.
class Feed {
public:
    class Alarm;
    class Channel;

    Feed() = default;
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // ---- What happens

    // Forgets the game before. After a reset, the channels get `size N`. Does nothing if it knows this game or a later
    // one.
    void begin(const Game& game);
    // A worker comes to its game. Returns its number there.
    std::uint32_t enter(const Game& game, std::string_view peer, std::size_t loop);
    void subscribe(const Game& game);
    // All workers of the game may say their states.
    void run(const Game& game);

    // A worker that leaves.
    struct Leaving {
        std::uint32_t number = 0;
        bool is_subscribed = false;
        std::optional<std::pair<int, int>> cell = {};  // that it spoke of last
        bool is_well = false;                          // closed with 1000
    };
    void leave(const Game& game, const Leaving& worker) noexcept;
    // Whether the game ran, and all its workers have left.
    [[nodiscard]] bool is_deserted(const Game& game);

    // A worker says `said`, in this word, which goes to so many others. Returns false if the game is over: then the
    // word is for nobody. Requires: the cell is on the game's grid, and `word` has no newline. Not checked: the server
    // has parsed the word.
    bool say(const Game& game, const WorkerMessage& said, std::string_view word, std::uint32_t worker,
             std::size_t receivers);
    // More messages have come from this game, or gone to it.
    void count_messages(std::size_t count);
    // Something else has changed that pages want to know.
    void ring();

    // ---- What pages see

    enum class Phase : std::uint8_t {
        kEmpty,      // no worker is there
        kGathering,  // not all have come and subscribed
        kRunning,
        kOver,  // all workers have left, and closed with 1000
        kGone,  // all have left, some of them in another way
    };
    // The game at a glance, cheap to ask for.
    struct Glance {
        std::uint64_t game = 0;
        int size = Game::kDefaultSize;
        Phase phase = Phase::kEmpty;
        std::size_t connected = 0;
        std::size_t subscribed = 0;
        std::uint64_t changes = 0;    // of the workers: how many
        std::uint64_t last_turn = 0;  // of the board
    };
    [[nodiscard]] Glance glance() const;

    struct Summary {
        Glance glance;
        std::optional<std::pair<std::uint64_t, std::uint64_t>> steps = {};  // the oldest and the youngest
        std::uint64_t population = 0;
        std::uint64_t first_step = 0;  // of these counts: one for each of the last steps
        std::vector<Board::StepCount> step_counts = {};
        std::uint64_t messages_per_second = 0;
        std::size_t missing = 0;
        std::vector<std::pair<int, int>> some_missing = {};
    };
    static constexpr std::size_t kMaxStepCounts = 64;
    static constexpr std::size_t kMaxMissing = 64;
    [[nodiscard]] Summary summary();

    // A cell, and who spoke for it.
    struct CellReport {
        BoardCell cell = {};
        std::string word = {};
        std::uint32_t milliseconds = 0;  // since then
        std::size_t loop = 0;
        std::string peer = {};
        bool is_connected = false;
    };
    // Empty if it has not spoken, or is not on the grid.
    [[nodiscard]] std::optional<CellReport> cell(int row, int col) const;

    // Begins a turn of the board (Board::next_turn).
    std::uint64_t next_turn();
    // Lets `frame` read on. Returns false if the game is over: the frame is of another one.
    bool read(std::uint64_t game, Frame& frame) const;

private:
    // How many messages come and go in a second, by the time between two looks at it.
    class MessageRate {
    public:
        void count(std::size_t messages) noexcept { count_ += messages; }
        std::uint64_t look(std::chrono::steady_clock::time_point now);

    private:
        std::uint64_t count_ = 0;  // since the time
        std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
        std::uint64_t rate_ = 0;
    };

    // The feed is locked. Returns the board that is forgotten: it may be so large that the lock should not wait for its
    // end.
    Board change_game(const Game& game);
    void note_change();
    void ring_all();
    [[nodiscard]] Glance glance_now() const;
    [[nodiscard]] Phase phase() const;
    [[nodiscard]] std::uint32_t milliseconds() const;

    mutable std::mutex mutex_;
    std::uint64_t number_ = 0;  // of the game
    std::uint64_t resets_ = 0;
    bool is_running_ = false;
    Board cells_{Game::kDefaultSize};
    WorkerTable workers_;
    std::size_t connected_ = 0;
    std::size_t subscribed_ = 0;
    bool all_left_well_ = true;  // those that have left since it runs
    std::uint64_t changes_ = 0;
    MessageRate messages_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::vector<Channel*> channels_;
    std::size_t channels_made_ = 0;
    std::vector<Alarm*> alarms_;
};

// Wakes one task of a loop when something has changed.
class Feed::Alarm {
public:
    explicit Alarm(Feed& feed);
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    // Suspends until something has changed since it returned last. One task waits at a time.
    c10k::Task<> wait();
    // Whether wait() would not suspend; then this counts as its return.
    bool has_rung();
    void ring();

private:
    friend class Feed;

    // The feed is locked.
    void ring_now();

    Feed& feed_;
    bool has_rung_ = false;
    c10k::Completer<> bell_;
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
        int row = 0;
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
    // Takes all that is there; and the next last words, unless the reader's game is over or its workers have left.
    News take(Reader* reader = nullptr);

private:
    friend class Feed;

    // All of them: the feed is locked.
    void put_size(int size);
    void put_word(std::string_view word);
    bool make_room(std::size_t bytes);
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
