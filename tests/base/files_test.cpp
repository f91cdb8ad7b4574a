#include "base/file_lock.hpp"
#include "base/read_file.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <system_error>
#include <unistd.h>

namespace c10k {
namespace {

class Files : public testing::Test {
protected:
    Files() { std::filesystem::create_directory(folder_); }
    ~Files() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] int open() const { return ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }

    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("c10k-files-" + std::to_string(::getpid()));
    const std::filesystem::path file_ = folder_ / "file";
};

TEST_F(Files, AreReadWhole) {
    const std::string bytes{"\0\r\n\x80 end", 8};
    std::ofstream{file_, std::ios::binary} << bytes;
    EXPECT_EQ(read_file(file_), bytes);
    std::ofstream{file_, std::ios::trunc};
    EXPECT_EQ(read_file(file_), "");
}

TEST_F(Files, ThatCannotBeReadAreNone) {
    EXPECT_EQ(read_file(folder_ / "missing"), std::nullopt);
    EXPECT_EQ(read_file(folder_), std::nullopt);
}

TEST_F(Files, AreLockedByOneAtATime) {
    std::optional<FileLock> first{open()};
    FileLock second{open()};
    EXPECT_TRUE(first->try_lock());
    EXPECT_FALSE(second.try_lock());
    FileLock moved{std::move(*first)};
    first.reset();  // has nothing to give back
    EXPECT_FALSE(second.try_lock());
    { const FileLock last{std::move(moved)}; }
    second.lock();
}

TEST_F(Files, ThatAreNotOpenCannotBeLocked) {
    FileLock none{-1};
    EXPECT_FALSE(none.try_lock());
    EXPECT_THROW(none.lock(), std::system_error);
}

}  // namespace
}  // namespace c10k
