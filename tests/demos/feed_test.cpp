#include "gameoflife/feed.hpp"

#include "demos/words.hpp"
#include "testkit/in_full.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <malloc.h>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace life {
namespace {

using Channel = Feed::Channel;
using Messages = std::vector<std::string>;

constexpr std::size_t kEnough = 1024 * 1024;
constexpr Game kGame{.number = 1, .size = 4, .resets = 1};

// All last words of the game, piece by piece.
Messages read_all(Channel& channel) {
    Channel::Reader reader{.game = channel.take().game};
    Messages pieces;
    while (!reader.is_done) {
        if (std::string words = channel.take(&reader).last_words; !words.empty()) {
            pieces.push_back(std::move(words));
        }
    }
    return pieces;
}

TEST(Feed, BringsWhatCellsSayToEachChannelThatSomebodyListensTo) {
    Feed feed;
    Channel heard{feed, kEnough};
    Channel unheard{feed, kEnough};
    const Channel::Listener listener{heard};
    enter(feed, kGame);
    EXPECT_TRUE(say(feed, kGame, 0, 0, "0 0 0 1"));
    EXPECT_TRUE(say(feed, kGame, 0, 1, "0 0 1 0"));
    EXPECT_EQ(heard.take().messages, (Messages{"size 4", "0 0 0 1\n0 0 1 0"}));
    EXPECT_EQ(heard.take().messages, Messages{});
    EXPECT_EQ(unheard.take().messages, Messages{});
    leave(feed, kGame);
}

TEST(Feed, ForgetsWhatNobodyHasTakenWhenTheLastListenerGoes) {
    Feed feed;
    Channel channel{feed, kEnough};
    {
        const Channel::Listener listener{channel};
        feed.begin(kGame);
    }
    EXPECT_EQ(channel.take().messages, Messages{});
}

TEST(Feed, KeepsTheLastWordOfEachCellToTheByte) {
    Feed feed;
    Channel channel{feed, kEnough};
    enter(feed, kGame);
    for (const char* word : {"0 2 1 1", "0002 2 1 0"}) {
        say(feed, kGame, 2, 1, word);
    }
    say(feed, kGame, 0, 3, "18446744073709551615 0 3 1");
    EXPECT_EQ(read_all(channel), Messages{"18446744073709551615 0 3 1\n0002 2 1 0"});
    leave(feed, kGame);
}

TEST(Feed, ForgetsLastWordsWhenTheLastWorkerLeavesOrAnotherGameBegins) {
    Feed feed;
    Channel channel{feed, kEnough};
    enter(feed, kGame);
    enter(feed, kGame);
    say(feed, kGame, 0, 0, "0 0 0 1");
    leave(feed, kGame);
    EXPECT_EQ(read_all(channel), Messages{"0 0 0 1"});
    leave(feed, kGame);
    EXPECT_EQ(read_all(channel), Messages{});

    enter(feed, kGame);
    say(feed, kGame, 0, 0, "1 0 0 1");
    feed.begin({.number = 2, .size = 4, .resets = 2});
    EXPECT_EQ(read_all(channel), Messages{});
    leave(feed, kGame);
}

TEST(Feed, KnowsAGameThatRanAndThatAllHaveLeft) {
    Feed feed;
    enter(feed, kGame);
    enter(feed, kGame);
    leave(feed, kGame);
    leave(feed, kGame);
    EXPECT_FALSE(feed.is_deserted(kGame));  // workers that leave before it runs make room for others
    enter(feed, kGame);
    feed.run(kGame);
    EXPECT_FALSE(feed.is_deserted(kGame));
    leave(feed, kGame);
    EXPECT_TRUE(feed.is_deserted(kGame));
    EXPECT_FALSE(feed.is_deserted({.number = 2, .size = 4}));
}

TEST(Feed, HearsNoWordOfAGameThatIsOver) {
    Feed feed;
    Channel channel{feed, kEnough};
    const Channel::Listener listener{channel};
    enter(feed, kGame);
    const Game next{.number = 2, .size = 4, .resets = 2};
    enter(feed, next);
    enter(feed, kGame);  // it comes late
    EXPECT_FALSE(say(feed, kGame, 0, 0, "0 0 0 1"));
    EXPECT_TRUE(say(feed, next, 0, 0, "0 0 0 0"));
    leave(feed, kGame);
    leave(feed, kGame);
    EXPECT_EQ(read_all(channel), Messages{"0 0 0 0"});
    leave(feed, next);
}

TEST(Feed, TellsTheSizeInAMessageOfItsOwnAndOnlyAfterAReset) {
    Feed feed;
    Channel channel{feed, kEnough};
    const Channel::Listener listener{channel};
    enter(feed, kGame);
    say(feed, kGame, 0, 0, "0 0 0 1");
    const Game reset{.number = 2, .size = 5, .resets = 2};
    feed.begin(reset);
    feed.begin(reset);
    const Game same{.number = 3, .size = 5, .resets = 2};  // all had left
    enter(feed, same);
    say(feed, same, 4, 4, "0 4 4 1");
    EXPECT_EQ(channel.take().messages, (Messages{"size 4", "0 0 0 1", "size 5", "0 4 4 1"}));
    leave(feed, same);
}

TEST(Feed, StopsReadingWhenTheReadersGameIsOver) {
    Feed feed;
    Channel channel{feed, kEnough};
    enter(feed, kGame);
    say(feed, kGame, 3, 3, "0 3 3 1");
    Channel::Reader reader{.game = kGame.number};
    const Game next{.number = 2, .size = 4, .resets = 2};
    enter(feed, next);
    say(feed, next, 3, 3, "0 3 3 0");
    EXPECT_EQ(channel.take(&reader).last_words, "");  // its updates come through the channel, all of them
    EXPECT_TRUE(reader.is_done);
    leave(feed, next);
}

TEST(Feed, SplitsUpdatesAndLastWordsIntoMessagesOfBoundedSize) {
    Feed feed;
    Channel channel{feed, 64 * kEnough};
    const Channel::Listener listener{channel};
    const Game large{.number = 1, .size = 300, .resets = 1};
    enter(feed, large);
    for (int cell = 0; cell < 300 * 300; ++cell) {
        say(feed, large, cell / 300, cell % 300, std::string(64, '0'));
    }
    const Messages updates = channel.take().messages;
    const Messages words = read_all(channel);
    const auto lines = [](const Messages& messages) {
        std::ptrdiff_t count = 0;
        for (const std::string& message : messages) {
            count += std::count(message.begin(), message.end(), '\n') + 1;
        }
        return count;
    };
    EXPECT_EQ(lines(updates), 1 + 300 * 300);  // and the size
    EXPECT_EQ(lines(words), 300 * 300);
    for (const std::string& message : updates) {
        EXPECT_LE(message.size(), Channel::kMaxBatchBytes + 65);
    }
    for (const std::string& piece : words) {
        EXPECT_LE(piece.size(), Channel::kLastWordsBytes + 300 * 65);
    }
    leave(feed, large);
}

TEST(Feed, LosesAllOfAChannelThatIsNotEmptiedAndSaysSo) {
    Feed feed;
    Channel slow{feed, 100};
    Channel fast{feed, 100};
    const Channel::Listener slow_one{slow};
    const Channel::Listener fast_one{fast};
    enter(feed, kGame);
    for (int step = 0; step < 20; ++step) {
        const std::string word = std::to_string(step) + " 0 0 1";
        say(feed, kGame, 0, 0, word);
        const Channel::News news = fast.take();
        EXPECT_FALSE(news.is_incomplete);
        EXPECT_EQ(news.messages.back(), word);
    }
    const Channel::News news = slow.take();
    EXPECT_TRUE(news.is_incomplete);
    EXPECT_EQ(news.messages, Messages{});
    say(feed, kGame, 0, 0, "20 0 0 1");
    EXPECT_FALSE(slow.take(nullptr).is_incomplete);
    leave(feed, kGame);
}

TEST(Feed, TakesTwentyFourBytesForACellUntilTheNextGameBegins) {
    constexpr int kSide = 1000;
    const auto bytes_in_use = [] {
        const struct mallinfo2 heap = mallinfo2();
        return heap.uordblks + heap.hblkhd;
    };
    Feed feed;
    const Game large{.number = 1, .size = kSide, .resets = 1};
    enter(feed, large);
    const std::size_t before = bytes_in_use();
    for (int cell = 0; cell < kSide * kSide; ++cell) {
        const std::string place = std::to_string(cell / kSide) + ' ' + std::to_string(cell % kSide);
        say(feed, large, cell / kSide, cell % kSide, "99999 " + place + " 1");
    }
    EXPECT_LE(bytes_in_use() - before, std::size_t{25} * kSide * kSide);
    feed.begin({.number = 2, .size = 4, .resets = 2});
    EXPECT_LE(bytes_in_use(), before + kSide);
}

// The last words of the cells of kGame, as a watcher has heard them.
class Memory {
public:
    // Whether nothing in `text` is older than what came before.
    bool takes(const std::string& text) {
        std::istringstream lines{text};
        bool is_in_order = true;
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with("size")) {
                std::uint64_t step = 0;
                std::pair<int, int> cell;
                std::istringstream{line} >> step >> cell.first >> cell.second;
                Steps& steps = steps_.try_emplace(cell, Steps{step, step}).first->second;
                is_in_order = is_in_order && steps.last <= step;
                steps.last = step;
            }
        }
        return is_in_order;
    }
    [[nodiscard]] bool has_heard_all_move() const {
        return steps_.size() == kGame.cells() && std::all_of(steps_.begin(), steps_.end(), [](const auto& cell) {
                   return cell.second.first < cell.second.last;
               });
    }

private:
    struct Steps {
        std::uint64_t first;
        std::uint64_t last;
    };
    std::map<std::pair<int, int>, Steps> steps_;
};

TEST(Feed, PutsTheWordsOfAllThreadsIntoOneOrder) {
    Feed feed;
    Channel channel{feed, 64 * kEnough};
    const Channel::Listener listener{channel};
    enter(feed, kGame);
    std::atomic<bool> is_over = false;
    std::vector<std::thread> speakers;
    for (int row = 0; row < kGame.size; ++row) {
        speakers.emplace_back([&, row] {
            for (std::uint64_t step = 0; !is_over; ++step) {
                for (int col = 0; col < kGame.size; ++col) {
                    const std::string word =
                        std::to_string(step) + ' ' + std::to_string(row) + ' ' + std::to_string(col);
                    say(feed, kGame, row, col, word + " 1");
                }
                std::this_thread::yield();  // a mutex is not fair
            }
        });
    }
    for (std::uint64_t watcher = 0; watcher < c10k::testkit::in_full(1000, 20); ++watcher) {
        channel.take();
        Memory memory;
        while (!memory.has_heard_all_move()) {
            Channel::Reader reader{.game = kGame.number};
            const Channel::News news = channel.take(&reader);
            for (const std::string& message : news.messages) {
                EXPECT_TRUE(memory.takes(message));
            }
            EXPECT_TRUE(memory.takes(news.last_words));
        }
    }
    is_over = true;
    for (std::thread& speaker : speakers) {
        speaker.join();
    }
    leave(feed, kGame);
}

}  // namespace
}  // namespace life
