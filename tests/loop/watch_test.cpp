#include "loop/backend_fixture.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace c10k {
namespace {

using internal::Readiness;

// Notes what it hears of a descriptor.
class Watcher final : public internal::DescriptorEvents {
public:
    int heard = 0;
    int error = 0;

private:
    void on_ready(int why) override {
        EXPECT_TRUE(is_waiting);
        ++heard;
        error = why;
    }
};

// Descriptors that are not the backend's.
class WatchTest : public testing::TestWithParam<Kind> {
protected:
    void SetUp() override {
        if (is_uring(GetParam()) && !probe_uring().refusal.empty()) {
            GTEST_SKIP() << probe_uring().refusal;
        }
        backend = make(GetParam());
        open_pair();
    }
    void TearDown() override { close_pair(); }

    // Two ends of a connection: `ours` is watched.
    void open_pair() {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
        ours = ends[0];
        theirs = ends[1];
    }
    void close_pair() const {
        ::close(ours);
        ::close(theirs);
    }
    void fill() const {
        const std::array<char, 4096> bytes{};
        while (::write(ours, bytes.data(), bytes.size()) > 0) {
        }
        ASSERT_EQ(errno, EAGAIN);
    }
    void empty() const {
        std::array<char, 4096> bytes;
        while (::read(theirs, bytes.data(), bytes.size()) > 0) {
        }
    }
    void until_heard(const Watcher& watcher, int times = 1) {
        for (int i = 0; i < 1000 && watcher.heard < times; ++i) {
            c10k::wait(*backend, backend->now() + 10);
        }
        ASSERT_EQ(watcher.heard, times);
    }
    // Whatever is on its way has come.
    void settle() {
        for (int i = 0; i < 3; ++i) {
            c10k::wait(*backend, backend->now() + 1);
        }
    }

    std::unique_ptr<Backend> backend;
    int ours = -1;
    int theirs = -1;
    Watcher reader;
    Watcher writer;
};
INSTANTIATE_TEST_SUITE_P(Backends, WatchTest,
                         testing::Values(Kind::kEpoll, Kind::kUring, Kind::kTlsOnEpoll, Kind::kTlsOnUring), kind_name);

TEST_P(WatchTest, HearsOfBytesThatCome) {
    backend->watch(ours, Readiness::kReadable, reader);
    settle();
    EXPECT_EQ(reader.heard, 0);
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    until_heard(reader);
    EXPECT_EQ(reader.error, 0);
}

TEST_P(WatchTest, HearsOfBytesThatAreThereAlready) {
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    backend->watch(ours, Readiness::kReadable, reader);
    until_heard(reader);
}

TEST_P(WatchTest, HearsOnceForEachWatchAsLongAsBytesAreLeft) {
    ASSERT_EQ(::write(theirs, "xyz", 3), 3);
    for (int i = 1; i <= 3; ++i) {
        backend->watch(ours, Readiness::kReadable, reader);
        until_heard(reader, i);
        settle();  // it stays readable, and nobody asks
        EXPECT_EQ(reader.heard, i);
    }
}

TEST_P(WatchTest, HearsOfTheEndOfTheOtherSide) {
    backend->watch(ours, Readiness::kReadable, reader);
    settle();
    ::shutdown(theirs, SHUT_WR);
    until_heard(reader);
    backend->watch(ours, Readiness::kReadable, reader);
    backend->watch(ours, Readiness::kWritable, writer);
    until_heard(reader, 2);
    until_heard(writer);
}

TEST_P(WatchTest, HearsOfRoomToWrite) {
    fill();
    backend->watch(ours, Readiness::kWritable, writer);
    settle();
    EXPECT_EQ(writer.heard, 0);
    empty();
    until_heard(writer);
}

TEST_P(WatchTest, TellsReadersAndWritersOfOneDescriptorApart) {
    fill();
    backend->watch(ours, Readiness::kWritable, writer);
    backend->watch(ours, Readiness::kReadable, reader);
    settle();
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    until_heard(reader);
    settle();
    EXPECT_EQ(writer.heard, 0);
    empty();
    until_heard(writer);  // who had waited on
    EXPECT_EQ(reader.heard, 1);
}

TEST_P(WatchTest, RefusesASecondWatcherOfTheSame) {
    backend->watch(ours, Readiness::kReadable, reader);
    Watcher second;
    EXPECT_THROW(backend->watch(ours, Readiness::kReadable, second), std::logic_error);
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    until_heard(reader);
    EXPECT_EQ(second.heard, 0);
}

TEST_P(WatchTest, HearsNothingWhenItWatchesNoMore) {
    backend->watch(ours, Readiness::kReadable, reader);
    backend->watch(ours, Readiness::kWritable, writer);
    backend->unwatch(ours, Readiness::kReadable);
    until_heard(writer);
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    ::shutdown(theirs, SHUT_WR);
    settle();
    EXPECT_EQ(reader.heard, 0);
    backend->watch(ours, Readiness::kReadable, reader);
    until_heard(reader);
}

// The owner closes it between two watches, and the next file that it opens gets the number.
TEST_P(WatchTest, HearsOfTheNextFileWithTheSameNumber) {
    for (const bool is_heard : {true, false}) {
        const int before = reader.heard;
        const int number = ours;
        backend->watch(ours, Readiness::kReadable, reader);
        settle();
        if (is_heard) {
            ASSERT_EQ(::write(theirs, "x", 1), 1);
            until_heard(reader, before + 1);
        } else {
            backend->unwatch(ours, Readiness::kReadable);
        }
        close_pair();
        open_pair();
        ASSERT_EQ(ours, number);
        backend->watch(ours, Readiness::kReadable, reader);
        settle();
        const int heard = reader.heard;
        ASSERT_EQ(::write(theirs, "y", 1), 1);
        until_heard(reader, heard + 1);
        char byte = 0;
        ASSERT_EQ(::read(ours, &byte, 1), 1);
    }
}

TEST_P(WatchTest, FindsARegularFileReadyAtOnce) {
    std::string name = testing::TempDir() + "watch_XXXXXX";
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    ASSERT_GE(file, 0);
    ::unlink(name.c_str());
    for (int i = 1; i <= 2; ++i) {
        backend->watch(file, Readiness::kReadable, reader);
        backend->watch(file, Readiness::kWritable, writer);
        c10k::wait(*backend, backend->now() + 10'000);
        until_heard(reader, i);
        until_heard(writer, i);
    }
    ::close(file);
}

TEST_P(WatchTest, TellsOfADescriptorThatIsNotOpen) {
    int error = 0;
    const int closed = ::fcntl(ours, F_DUPFD_CLOEXEC, 0);
    ::close(closed);
    try {
        backend->watch(closed, Readiness::kReadable, reader);
        until_heard(reader);
        error = reader.error;
    } catch (const std::system_error& failure) {
        error = failure.code().value();
    }
    EXPECT_EQ(error, EBADF);
}

TEST_P(WatchTest, DoesNotPassAnEventForInput) {  // which would hold up what is to be sent
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    backend->watch(ours, Readiness::kReadable, reader);
    int input = 0;
    for (int i = 0; i < 1000 && reader.heard == 0; ++i) {
        input += c10k::wait(*backend, backend->now() + 10);
    }
    EXPECT_EQ(reader.heard, 1);
    EXPECT_EQ(input, 0);
}

TEST_P(WatchTest, SleepsWhileADescriptorIsReadyThatNobodyWaitsFor) {
    // One that spins never sleeps. The kernel may wake a thread a few times more for a ring that has just gone.
    const auto sleeps = [this] {
        settle();
        bool has_slept = false;
        for (int i = 0; i < 1000 && !has_slept; ++i) {
            const std::int64_t until = backend->now() + 20;
            c10k::wait(*backend, until);
            has_slept = backend->now() >= until;
        }
        return has_slept;
    };
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    backend->watch(ours, Readiness::kReadable, reader);
    until_heard(reader);
    EXPECT_TRUE(sleeps());  // it was heard
    fill();
    backend->watch(ours, Readiness::kWritable, writer);
    settle();
    backend->unwatch(ours, Readiness::kWritable);
    ::close(std::exchange(theirs, ::fcntl(ours, F_DUPFD_CLOEXEC, 0)));
    EXPECT_TRUE(sleeps());  // it is watched no more, and has failed
    EXPECT_EQ(writer.heard, 0);
}

TEST_P(WatchTest, EndsWithItsWatchers) {
    backend->watch(ours, Readiness::kReadable, reader);
    settle();
    ASSERT_EQ(::write(theirs, "x", 1), 1);
    backend.reset();
    EXPECT_EQ(reader.heard, 0);
}

TEST(WatchInMemory, IsRefused) {
    MemoryBackend backend;
    Watcher watcher;
    EXPECT_THROW(backend.watch(0, Readiness::kReadable, watcher), std::logic_error);
}

}  // namespace
}  // namespace c10k
