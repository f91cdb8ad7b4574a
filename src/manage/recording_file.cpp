#include "manage/recording_file.hpp"

#include "c10k/manage.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <unordered_map>

namespace c10k {
namespace {

using Kind = RecordedEvent::Kind;

// The recordings of a folder have numbers in front: the latest is the last.
std::filesystem::path latest_in(const std::filesystem::path& folder) {
    std::filesystem::path latest;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".jsonl" && entry.path().filename() > latest.filename()) {
            latest = entry.path();
        }
    }
    if (latest.empty()) {
        throw CommandError("there is no recording in " + folder.string() + ": manage runserver --record " +
                           folder.string() + " makes one");
    }
    return latest;
}

// What has happened to each WebSocket so far.
class Sockets {
public:
    // Throws std::runtime_error if the event cannot have happened now.
    void check(const RecordedEvent& event) {
        if (event.socket == 0) {
            return;
        }
        const std::string name = "socket " + std::to_string(event.socket);
        if (event.kind == Kind::kOpened) {
            if (!are_open_.emplace(event.socket, true).second) {
                throw std::runtime_error(name + " is opened twice");
            }
            most_ = std::max(most_, ++open_);
            return;
        }
        const auto socket = are_open_.find(event.socket);
        if (socket == are_open_.end()) {
            throw std::runtime_error(name + " has not been opened");
        }
        if ((event.kind == Kind::kLeft || event.kind == Kind::kClosed) && socket->second) {
            socket->second = false;
            --open_;
        }
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return are_open_.size(); }
    [[nodiscard]] std::uint64_t most_open() const noexcept { return most_; }

private:
    std::unordered_map<std::uint64_t, bool> are_open_;
    std::uint64_t open_ = 0;
    std::uint64_t most_ = 0;
};

}  // namespace

Recording read_recording(const std::filesystem::path& path) {
    std::error_code error;
    Recording recording;
    recording.file = std::filesystem::is_directory(path, error) ? latest_in(path) : path;
    std::ifstream input{recording.file, std::ios::binary};
    if (!input || !std::filesystem::is_regular_file(recording.file, error)) {
        throw CommandError("cannot read the recording " + recording.file);
    }
    Sockets sockets;
    std::string line;
    std::size_t number = 1;
    try {
        std::getline(input, line);
        check_recording_head(line);
        for (++number; std::getline(input, line); ++number) {
            if (input.eof() && !nlohmann::json::accept(line)) {
                recording.cut = "its last line is not whole";
                break;
            }
            RecordedEvent event = parse_event(line);
            sockets.check(event);
            if (event.socket == 0) {
                recording.cut = event.kind == Kind::kCut ? event.text : "";
                break;
            }
            recording.events.push_back(std::move(event));
        }
    } catch (const std::runtime_error& fault) {
        throw CommandError(recording.file + ':' + std::to_string(number) + ": " + fault.what());
    }
    recording.sockets = sockets.count();
    recording.most_open = sockets.most_open();
    return recording;
}

}  // namespace c10k
